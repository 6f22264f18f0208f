"""Evidence of bone lengths, which change neither with the manner of walking nor with the direction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from encoder.pose import BONE_COLUMNS
from gallery.scoring.evidence.protocol import (
    ArrayReader,
    Arrays,
    Counts,
    DiscriminantFitter,
    Floats,
    WindowsOnly,
)
from gallery.scoring.window_comparison import ProjectedWindows, WindowComparison
from stream.body import FloatArray

__all__ = ["BoneLengths", "median_bones"]

_BONES = BONE_COLUMNS.stop - BONE_COLUMNS.start
_LATEST = 200
"""Windows over which the median of a track is taken: the latest 20 s."""
_MIN_LENGTH_M = np.float32(1e-3)


def median_bones(described: FloatArray) -> FloatArray:
    """Returns the median logarithm (B,) of each bone's length over descriptions (m, D), m at least 1."""
    return _median(_logarithms(described))


@dataclass(frozen=True, slots=True, eq=False)
class BoneLengths(WindowsOnly):
    """Distances of median bone lengths, in standard deviations within a person.

    Attributes:
        matrix: (B, K) float32, turns logarithms of the B bone lengths into numbers whose variance within a
            person is 1 (Mahalanobis); K is 0 where nothing was fitted.
    """

    matrix: FloatArray

    name: ClassVar[str] = "bones"
    default_weight: ClassVar[float] = 0.0

    @classmethod
    def empty(cls, windows: WindowComparison) -> Self:
        """Returns evidence that finds no difference between people."""
        return cls(np.zeros((_BONES, 0), np.float32))

    @classmethod
    def read(cls, arrays: ArrayReader, windows: WindowComparison) -> Self:
        """Reads the matrix."""
        matrix = arrays("matrix", 2)
        if len(matrix) != _BONES:
            raise ValueError(f"expected a matrix of {_BONES} bones, got {len(matrix)}")
        return cls(matrix)

    @classmethod
    def fit(
        cls, walks: Sequence[FloatArray], windows: WindowComparison, discriminants: DiscriminantFitter
    ) -> Self:
        """Fits the matrix to the median bone lengths of walks."""
        medians = [median_bones(own)[None] for own in walks]
        return cls(discriminants(medians, _BONES, 0.1).matrix)

    def at_site(self, windows: WindowComparison, moved: FloatArray) -> Self:
        """Returns the same: differences of lengths have no centre."""
        return self

    def prepare(self, windows: ProjectedWindows) -> Arrays:
        """Returns the logarithms (n, B) of the bones' lengths; nothing where nothing was fitted."""
        return (_logarithms(windows.described),) if self.matrix.shape[1] else ()

    def gather(self) -> _BoneMedian:
        """Returns the running median of the latest windows."""
        return _BoneMedian(np.zeros((_BONES, _LATEST if self.matrix.shape[1] else 0), np.float32))

    def enrol(self, windows: ProjectedWindows, segment: FloatArray | None) -> FloatArray:
        """Returns the median logarithms (B,) of a walk's templates."""
        return median_bones(windows.described)

    def as_track(self, enrolled: FloatArray) -> Arrays:
        """Returns the medians with a first axis of 1."""
        return (enrolled[None],)

    def reference(self, people: Sequence[Sequence[FloatArray]]) -> Arrays:
        """Returns the mean of each person's walks, (P, B)."""
        return (np.stack([np.mean(own, axis=0) for own in people]),)

    def similarity(self, states: Arrays, reference: Arrays) -> Floats:
        """Returns the root mean square difference over the K numbers, negated."""
        (medians,), (people,) = states, reference
        numbers = max(1, self.matrix.shape[1])
        difference = (medians @ self.matrix)[:, None] - people @ self.matrix
        squares: Floats = (difference.astype(np.float64) ** 2).sum(axis=2) / numbers
        return -np.sqrt(squares)

    def weight(self, weights: Mapping[str, float]) -> float:
        """Returns the weight of the kind's own name."""
        return weights[self.name]

    def share(self, windows: Counts) -> Floats:
        """Returns 1 from the first window."""
        return np.ones(len(windows))

    def arrays(self) -> Mapping[str, FloatArray]:
        """Returns the matrix."""
        return {"matrix": self.matrix}


@dataclass(slots=True)
class _BoneMedian:
    """The median of the latest windows, in a ring of columns; of none for evidence that was not fitted."""

    _latest: FloatArray
    """(B, m): the windows of one bone are neighbours in memory, which sorts them faster."""
    _count: int = 0

    def add(self, window: Arrays, segment: FloatArray | None) -> None:
        if window:
            self._latest[:, self._count % self._latest.shape[1]] = window[0]
            self._count += 1

    def copy(self) -> _BoneMedian:
        return _BoneMedian(self._latest.copy(), self._count)

    @property
    def state(self) -> Arrays:
        known = np.sort(self._latest[:, : self._count], axis=1)
        count = known.shape[1]
        if not count:
            return (np.zeros(_BONES, np.float32),)
        return (known[:, (count - 1) // 2 : count // 2 + 1].mean(axis=1),)


def _logarithms(described: FloatArray) -> FloatArray:
    found: FloatArray = np.log(np.maximum(described[..., BONE_COLUMNS], _MIN_LENGTH_M))
    return found


def _median(logarithms: FloatArray) -> FloatArray:
    median: FloatArray = np.median(logarithms, axis=0).astype(np.float32)
    return median
