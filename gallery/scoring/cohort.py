"""Directions in which people are told apart, judged by how much they resemble nobody in particular.

Speaker verification's S-norm asks a cohort of people how much each resembles a probe. Here the cohort is a
mean and a covariance, so that no likeness of anybody ships: along a direction it has a mean and a spread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray

__all__ = ["Cohort", "Discriminants", "Standings", "unit"]

_LEAST_SPREAD = 1e-6

Floats = NDArray[np.float64]


class Standings(NamedTuple):
    """Where n walks, or people, stand: directions, and how the cohort resembles each."""

    directions: FloatArray
    """(n, K) of unit length."""
    common: FloatArray
    """(n,) means of a direction's products with the cohort's."""
    spread: FloatArray
    """(n,) standard deviations of these."""

    def likeness(self, people: Standings) -> Floats:
        """(n, P) how much each resembles each of P people, by both's distance from everybody else."""
        products = (self.directions @ people.directions.T).astype(np.float64)
        by_probe = (products - self.common[:, None]) / np.maximum(self.spread, _LEAST_SPREAD)[:, None]
        by_person = (products - people.common) / np.maximum(people.spread, _LEAST_SPREAD)
        return 0.5 * (by_probe + by_person)


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Many people's directions as a distribution.

    Attributes:
        mean: (K,) float32.
        covariance: (K, K) float32.
    """

    mean: FloatArray
    covariance: FloatArray

    def standings(self, directions: FloatArray) -> Standings:
        """Where directions (n, K) of unit length stand in it."""
        variances = ((directions @ self.covariance) * directions).sum(axis=1)
        return Standings(directions, directions @ self.mean, np.sqrt(np.maximum(variances, 0)))


@dataclass(frozen=True, slots=True, eq=False)
class Discriminants:
    """Linear discriminants of people, of whatever describes a walk by S numbers.

    Attributes:
        mean: (S,) float32.
        matrix: (S, K) float32.
        cohort: of directions along them.
    """

    mean: FloatArray
    matrix: FloatArray
    cohort: Cohort

    @property
    def numbers(self) -> int:
        """K."""
        return int(self.matrix.shape[1])

    def places(self, rows: FloatArray) -> FloatArray:
        """Descriptions (n, S) along the discriminants, (n, K)."""
        found: FloatArray = np.matmul(rows - self.mean, self.matrix, dtype=np.float32)
        return found

    def standings(self, places: FloatArray) -> Standings:
        """Where sums or means (n, K) of places stand."""
        return self.cohort.standings(unit(places))


def unit(rows: NDArray[np.floating]) -> FloatArray:
    """Vectors (..., K) scaled to length 1; zeros stay zeros."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    units: FloatArray = (rows / np.maximum(lengths, np.float32(1e-12))).astype(np.float32, copy=False)
    return units
