"""Levelling of the windows of one source, whose sensor may be tilted.

Every track is levelled as a whole or not at all, by one turn for all its windows. The first windows of a
source wait until the bodies are upright or the tilt is certain, at most `LONGEST_WAIT_NS`. So do those of
later tracks, as long as bodies seem to lean and nothing is certain. A certain tilt holds for later tracks,
until they show another one. Nothing depends on when frames arrive: a recording gives the same windows at
any speed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from stream.body import FloatArray
from stream.capture.tilt_estimate import MIN_TILT_DEG, Tilt, TiltEstimator
from stream.levelling import levelling_turn
from stream.windows.cutting import Window

__all__ = ["LONGEST_WAIT_NS", "Levelling"]

LONGEST_WAIT_NS = 3_000_000_000
"""Longest wait of a window for a certain tilt, in the source's time."""

FIRST_WINDOWS = 5
"""Windows of a source before its first track is taken for level: half a stride. A decision needs more."""

ESTIMATE_EVERY_NS = 50_000_000
"""Interval of estimates, in the source's time, however many people are in view."""

CHANGED_DEG = 3.0
"""Difference from the tilt so far above which later tracks are levelled by another."""


@dataclass(slots=True)
class _Passage:
    """State of one track."""

    decided: bool = False
    turn: FloatArray | None = None
    """None if the windows stay as they are."""
    waiting: list[Window] = field(default_factory=list)

    def release(self) -> list[Window]:
        windows, self.waiting = self.waiting, []
        if self.turn is None:
            return windows
        return [replace(window, joints=window.joints @ self.turn.T) for window in windows]


class Levelling:
    """Levels the windows of all tracks of one source."""

    def __init__(self) -> None:
        self._estimator = TiltEstimator()
        self._tilt: Tilt | None = None
        self._found: Tilt | None = None
        self._found_ns = 0
        self._passages: dict[int, _Passage] = {}

    @property
    def tilt(self) -> Tilt | None:
        """The tilt of which new tracks are freed; None if the sensor is taken for level."""
        return self._tilt

    def push(self, track: int, windows: Sequence[Window], joints: FloatArray) -> list[Window]:
        """Adds new windows of a track; returns those of it that need wait no longer, levelled.

        Args:
            track: number of the track.
            windows: what its newest frame completed, at least one, in the sensor's axes.
            joints: (20, 3) float32, metres: the skeleton of that frame, in the sensor's axes.
        """
        self._estimator.add(track, joints)
        passage = self._passages.setdefault(track, _Passage())
        passage.waiting += windows
        if not passage.decided:
            self._decide(passage)
        return passage.release() if passage.decided else []

    def end(self, track: int) -> list[Window]:
        """Ends a track; returns its windows that still waited."""
        passage = self._passages.pop(track, None)
        if passage is None:
            return []
        if not passage.decided:
            self._decide(passage, last=True)
        return passage.release()

    def _decide(self, passage: _Passage, *, last: bool = False) -> None:
        """Decides on the turn of a track, if it can be."""
        end_ns = passage.waiting[-1].end_ns
        if self._found is None or abs(end_ns - self._found_ns) >= ESTIMATE_EVERY_NS:
            self._found, self._found_ns = self._estimator.estimate(), end_ns
            self._follow(self._found)
        found = self._found
        waited = end_ns - passage.waiting[0].start_ns
        unclear = found.windows < FIRST_WINDOWS or found.degrees > MIN_TILT_DEG
        if self._tilt is not None:
            passage.turn = levelling_turn(self._tilt.up)
        elif unclear and waited < LONGEST_WAIT_NS and not last:
            return
        passage.decided = True

    def _follow(self, found: Tilt) -> None:
        """Takes over a tilt that is certain and new, or that there is none any more."""
        if self._tilt is None:
            self._tilt = found if found.certain else None
            return
        cosine = float(np.clip(found.up @ self._tilt.up, -1.0, 1.0))
        if np.degrees(np.arccos(cosine)) > CHANGED_DEG and (found.certain or found.degrees < MIN_TILT_DEG):
            self._tilt = found if found.certain else None
