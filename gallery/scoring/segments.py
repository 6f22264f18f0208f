"""Segments of a walk: the statistics of five seconds of windows, once a second.

A segment averages the errors of noisy single windows, and shows what they cannot: how far and how fast joints
swing, and how limbs move together. The statistics themselves are in `gallery.scoring.evidence`.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from encoder.pose import POSE_WIDTH
from gallery.scoring.descriptions import SEGMENT_STEP, SEGMENT_WINDOWS, segment_slices
from gallery.scoring.evidence.registry import STATISTICS, segment_statistics
from stream.body import FloatArray

__all__ = ["Segments", "segments_of"]


def segments_of(described: FloatArray) -> FloatArray:
    """Returns the statistics (k, S) of the segments of a walk's windows (m, D)."""
    return np.stack([segment_statistics(described[own]) for own in segment_slices(len(described))])


class Segments:
    """The segments of a walk while its windows come in."""

    def __init__(self) -> None:
        self._recent: deque[FloatArray] = deque(maxlen=SEGMENT_WINDOWS)
        self._sum = np.zeros(STATISTICS)
        self._whole = 0
        self.windows = 0
        """The number of windows so far."""

    def copy(self) -> Segments:
        """Returns the same segments, which grow by themselves."""
        copied = Segments()
        copied._recent, copied._sum = self._recent.copy(), self._sum.copy()
        copied._whole, copied.windows = self._whole, self.windows
        return copied

    def add(self, described: FloatArray) -> FloatArray | None:
        """Adds the next window's description (D,), or its pose numbers alone.

        Returns:
            Once a second the statistics (S,) of the newest segment, which is shorter at first; else None.
        """
        # A copy, since descriptions are parts of large arrays, which would stay in memory as a whole.
        self._recent.append(described[:POSE_WIDTH].copy())
        self.windows += 1
        if self.windows % SEGMENT_STEP:
            return None
        newest = segment_statistics(np.stack(self._recent))
        if self.windows >= SEGMENT_WINDOWS:
            self._sum += newest
            self._whole += 1
        return newest

    @property
    def mean(self) -> FloatArray:
        """(S,) the mean of the whole segments; of a shorter walk its one segment; zeros without windows."""
        if self._whole:
            return (self._sum / self._whole).astype(np.float32)
        if not self.windows:
            return np.zeros(STATISTICS, np.float32)
        return segment_statistics(np.stack(self._recent))
