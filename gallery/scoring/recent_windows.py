"""The newest windows of a track, which a split of the track takes back from its scores."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from gallery.scoring.described_windows import DescribedWindow
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
    described: DescribedWindow | None = None
    """For the statistics of its track; None without pose numbers."""
    prediction: tuple[tuple[int, ...], FloatArray] | None = None
    """Ids of C people and their probabilities (C,) by the recognition network, if there is one."""
    view: View | None = None
    """From which side the sensor sees the person; None if not known."""
    pose_model: str = ""
    """The model that estimated the poses; empty if there is none."""

    def add_to(self, scores: TrackScores) -> None:
        """Adds the window to the scores of a track."""
        scores.add_described(self.quality, self.cages, self.people, self.scores, self.described)
        scores.pose_model = self.pose_model
        if self.view is not None:
            scores.views[self.view] += 1
        if self.prediction is not None:
            scores.predicted.add(*self.prediction)


@dataclass(slots=True)
class RecentWindows:
    """The newest windows, and the scores of a track without them.

    The scores are copied at times, in place of adding every window twice.

    Args:
        settled: scores of windows that are older than `KEEP_NS`.
    """

    settled: TrackScores
    _windows: deque[ScoredWindow] = field(default_factory=deque)
    """Those that are not in `settled`."""
    _next: TrackScores | None = None
    """The scores at a later time, which become `settled` once their windows are old enough."""
    _next_ns: int = 0
    """End of the newest window in them."""

    def add(self, window: ScoredWindow, scores: TrackScores) -> None:
        """Adds the next window.

        Args:
            window: of the track.
            scores: of the track, with this window.
        """
        self._windows.append(window)
        if self._next is not None and window.end_ns - self._next_ns > KEEP_NS:
            self.settled, self._next = self._next, None
            while self._windows[0].end_ns <= self._next_ns:
                self._windows.popleft()
        if self._next is None:
            self._next, self._next_ns = scores.copy(), window.end_ns

    def forget_predictions(self) -> None:
        """Drops the predictions of a recognition network that is no longer in use."""
        for known in self._known:
            known.predicted = AveragePrediction()
        self._windows = deque(window._replace(prediction=None) for window in self._windows)

    def compare_anew(self, people: tuple[int, ...], compare: Callable[[FloatArray], Floats]) -> None:
        """Compares all windows with a changed gallery; see `TrackScores.compare_anew`."""
        for known in self._known:
            known.compare_anew(people, compare)
        if self._windows:
            scores = compare(np.stack([window.cages for window in self._windows]))
            pairs = zip(self._windows, scores, strict=True)
            self._windows = deque(window._replace(people=people, scores=own) for window, own in pairs)

    @property
    def _known(self) -> list[TrackScores]:
        return [self.settled] if self._next is None else [self.settled, self._next]

    def split(self, since_ns: int) -> tuple[TrackScores, list[ScoredWindow]]:
        """Takes the windows back that show another person.

        Args:
            since_ns: source time of the first skeleton of the other person.

        Returns:
            The scores of the windows that end before the change or are older than `KEEP_NS`, and the windows
            that start since then. Windows that show both people are in neither.
        """
        later = []
        newest_ns = self._windows[-1].end_ns if self._windows else 0
        for window in self._windows:
            if window.end_ns < since_ns or newest_ns - window.end_ns > KEEP_NS:
                window.add_to(self.settled)
            elif window.start_ns >= since_ns:
                later.append(window)
        self._windows.clear()
        return self.settled, later
