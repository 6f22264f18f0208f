"""Cohort (background) normalisation: similarities relative to those of many other people.

Speaker verification's S-norm compares a probe with a cohort of people and normalises by the mean and the
standard deviation of these scores. Here the cohort is stored as a mean and a covariance only, so that no
template of any person ships: along a direction it has a mean and a spread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray

__all__ = ["Cohort", "CohortStatistics", "Discriminants", "unit"]

_MIN_SPREAD = 1e-6

Floats = NDArray[np.float64]


class CohortStatistics(NamedTuple):
    """Directions of n walks or people, and how similar the cohort is to each."""

    directions: FloatArray
    """(n, K) of unit length."""
    mean: FloatArray
    """(n,) mean similarity (inner product) of the cohort to each direction."""
    spread: FloatArray
    """(n,) standard deviation of that similarity."""

    def similarity(self, people: CohortStatistics) -> Floats:
        """Returns the symmetric cohort-normalised similarity (S-norm) of n walks to P people, (n, P)."""
        products = (self.directions @ people.directions.T).astype(np.float64)
        by_probe = (products - self.mean[:, None]) / np.maximum(self.spread, _MIN_SPREAD)[:, None]
        by_person = (products - people.mean) / np.maximum(people.spread, _MIN_SPREAD)
        return 0.5 * (by_probe + by_person)


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """The directions of many people as a distribution.

    Attributes:
        mean: (K,) float32.
        covariance: (K, K) float32.
    """

    mean: FloatArray
    covariance: FloatArray

    @classmethod
    def empty(cls, direction_count: int) -> Cohort:
        """Returns a cohort of zeros: it normalises nothing."""
        shape = (direction_count, direction_count)
        return cls(np.zeros(direction_count, np.float32), np.zeros(shape, np.float32))

    def statistics(self, directions: FloatArray) -> CohortStatistics:
        """Returns the cohort's statistics for directions (n, K) of unit length."""
        variances = ((directions @ self.covariance) * directions).sum(axis=1)
        return CohortStatistics(directions, directions @ self.mean, np.sqrt(np.maximum(variances, 0)))


@dataclass(frozen=True, slots=True, eq=False)
class Discriminants:
    """Linear discriminants of people, for a description of a walk by S numbers.

    Attributes:
        mean: (S,) float32.
        matrix: (S, K) float32.
        cohort: of unit directions along the discriminants.
    """

    mean: FloatArray
    matrix: FloatArray
    cohort: Cohort

    @classmethod
    def empty(cls, numbers: int) -> Discriminants:
        """Returns discriminants without directions (K = 0): every similarity is 0."""
        return cls(np.zeros(numbers, np.float32), np.zeros((numbers, 0), np.float32), Cohort.empty(0))

    @property
    def direction_count(self) -> int:
        """K."""
        return int(self.matrix.shape[1])

    def project(self, rows: FloatArray) -> FloatArray:
        """Projects descriptions (n, S) onto the discriminants, (n, K)."""
        found: FloatArray = np.matmul(rows - self.mean, self.matrix, dtype=np.float32)
        return found

    def statistics(self, projected: FloatArray) -> CohortStatistics:
        """Returns the cohort's statistics for sums or means (n, K) of projections."""
        return self.cohort.statistics(unit(projected))


def unit(rows: NDArray[np.floating]) -> FloatArray:
    """Scales vectors (..., K) to length 1; zeros stay zeros."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    units: FloatArray = (rows / np.maximum(lengths, np.float32(1e-12))).astype(np.float32, copy=False)
    return units
