"""One track as a whole, while its windows come in: what it adds to the mean of their scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from encoder.pose import POSE
from gallery.scoring.fusion import FusionModel, Portraits, SegmentStandings
from gallery.scoring.segments import SEGMENT_WINDOWS, Segments, describe_windows
from stream.body import FloatArray

__all__ = ["Trail"]

Floats = NDArray[np.float64]


class Trail:
    """What is known of one track as a whole, while its windows come in.

    Args:
        model: of the kind of sensor; None gathers the statistics of segments alone.

    Attributes:
        segments: their statistics.
        standing: where the segments stand so far, as one; None before the first second.
    """

    def __init__(self, model: FusionModel | None) -> None:
        self._model = model
        self.segments = Segments()
        self.standing: SegmentStandings | None = None
        self._sum: FloatArray | float = 0.0
        self._mean = self._place = np.zeros((), np.float32)
        self._common = 0.0

    def add(self, rows: FloatArray) -> None:
        """Add the next window, (f, D); one without pose numbers behind its CAGEs says nothing."""
        if rows.shape[1] <= POSE:
            return
        described = describe_windows(rows[None])
        newest = self.segments.add(described[0])
        if self._model is None:
            return
        seen = self._model.windows(described)
        windows = self.segments.windows
        self._mean = _moved(self._mean, seen, windows)
        self._place = _moved(self._place, self._model.walks.places(described), windows)
        self._common += (float(self._model.commonness(seen)[0]) - self._common) / windows
        if newest is None:
            return
        segment = self._model.segments(newest[None])
        # Before the first whole segment each stands for itself: the next has all of it.
        self._sum = segment if windows <= SEGMENT_WINDOWS else self._sum + segment
        self.standing = self._model.segment_standings(np.asarray(self._sum))

    def added(self, people: Portraits) -> Floats | None:
        """What the track adds to the mean of its windows' scores, (P,); None where nothing is compared."""
        if self._model is None or not self.segments.windows:
            return None
        counts = np.array([self.segments.windows])
        added = self._model.by_means(counts, self._mean, np.array([self._common]), people)
        added = added + self._model.by_walks(counts, self._place, people)
        added = added + self._model.by_steadiness(counts, people)
        if self.standing is not None:
            added = added + self._model.by_segments(counts, self.standing, people)
        first: Floats = added[0]
        return first


def _moved(mean: FloatArray, newest: FloatArray, count: int) -> FloatArray:
    """The mean of so many, the newest among them, from the mean of those before."""
    found: FloatArray = mean + (newest - mean) / np.float32(count)
    return found
