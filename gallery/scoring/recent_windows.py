"""The newest windows of a track, which a split of the track takes back from its scores."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from gallery.scoring.track_scores import AveragePrediction, Floats, TrackScores
from stream.body import FloatArray
from stream.walk_views import View

__all__ = ["KEEP_NS", "RecentWindows", "ScoredWindow"]

KEEP_NS = 3_000_000_000
"""Age up to which windows can be taken back; a change of the body is noticed within 2 s."""


class ScoredWindow(NamedTuple):
    """A window with its scores."""

    start_ns: int
    end_ns: int
    quality: float
    cages: FloatArray
    """(f, D) float32."""
    people: tuple[int, ...]
    """Ids of the P people scored."""
    scores: Floats
    """(P,) float64."""
    prediction: tuple[tuple[int, ...], FloatArray] | None = None
    """Ids of C people and their probabilities (C,) by the recognition network, if there is one."""
    view: View | None = None
    """From which side the sensor sees the person; None if not known."""
    pose_model: str = ""
    """The model that estimated the poses; empty if there is none."""

    def add_to(self, scores: TrackScores) -> None:
        """Adds the window to the scores of a track."""
        scores.add(self.quality, self.cages, self.people, self.scores)
        scores.pose_model = self.pose_model
        if self.view is not None:
            scores.views[self.view] += 1
        if self.prediction is not None:
            scores.predicted.add(*self.prediction)


@dataclass(slots=True)
class RecentWindows:
    """The newest windows, and the scores of a track without them.

    Args:
        settled: scores of the windows that are older than `KEEP_NS`.
    """

    settled: TrackScores
    _windows: deque[ScoredWindow] = field(default_factory=deque)

    def add(self, window: ScoredWindow) -> None:
        """Adds the next window; windows that are too old to be taken back are settled."""
        self._windows.append(window)
        while window.end_ns - self._windows[0].end_ns > KEEP_NS:
            self._windows.popleft().add_to(self.settled)

    def forget_predictions(self) -> None:
        """Drops the predictions of a recognition network that is no longer in use."""
        self.settled.predicted = AveragePrediction()
        self._windows = deque(window._replace(prediction=None) for window in self._windows)

    def compare_anew(self, people: tuple[int, ...], compare: Callable[[FloatArray], Floats]) -> None:
        """Compares all windows with a changed gallery; see `TrackScores.compare_anew`."""
        self.settled.compare_anew(people, compare)
        if self._windows:
            scores = compare(np.stack([window.cages for window in self._windows]))
            pairs = zip(self._windows, scores, strict=True)
            self._windows = deque(window._replace(people=people, scores=own) for window, own in pairs)

    def split(self, since_ns: int) -> tuple[TrackScores, list[ScoredWindow]]:
        """Takes the windows back that show another person.

        Args:
            since_ns: source time of the first skeleton of the other person.

        Returns:
            The scores of the windows that end before the change, and the windows that start since then.
            Windows that show both people are in neither.
        """
        for window in self._windows:
            if window.end_ns < since_ns:
                window.add_to(self.settled)
        later = [window for window in self._windows if window.start_ns >= since_ns]
        self._windows.clear()
        return self.settled, later
