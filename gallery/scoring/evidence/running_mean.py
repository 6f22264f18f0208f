"""The running mean of projections, for kinds of evidence that compare means."""

from __future__ import annotations

import numpy as np

from stream.body import FloatArray

__all__ = ["RunningMean"]


class RunningMean:
    """The mean of rows while they come in.

    Args:
        size: K, numbers of a row.

    Attributes:
        count: number of rows so far.
        mean: (K,) float32; zeros before the first row.
    """

    def __init__(self, size: int) -> None:
        self.count = 0
        self.mean: FloatArray = np.zeros(size, np.float32)

    def copy(self) -> RunningMean:
        """Returns the same mean, which grows by itself."""
        copied = RunningMean(0)
        copied.count, copied.mean = self.count, self.mean
        return copied

    def add(self, row: FloatArray) -> None:
        """Adds the next row (K,)."""
        self.count += 1
        self.mean = self.mean + (row - self.mean) / np.float32(self.count)
