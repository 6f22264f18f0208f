"""Comparison of single windows: directions of their descriptions, normalised by a cohort."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np

from gallery.scoring.cohort import Cohort, unit
from stream.body import FloatArray

__all__ = ["ProjectedWindows", "WindowComparison", "WindowDirections"]

_COHORT_DEVIATIONS = 2.0
"""A window's background similarity is the cohort's mean plus so many standard deviations."""


class ProjectedWindows(NamedTuple):
    """n windows, projected for comparison."""

    described: FloatArray
    """(n, D) their descriptions."""
    directions: FloatArray
    """(n, K) unit vectors."""
    background: FloatArray
    """(n,) similarity to the nearest people of the cohort."""


@dataclass(frozen=True, slots=True, eq=False)
class WindowDirections:
    """Principal components and discriminants of window descriptions (`gallery.scoring.descriptions`).

    Attributes:
        mean: (D,) float32, of descriptions.
        whitening: (D, K1) float32, principal components, rotated and scaled so that one person's windows have
            variance 1 in each; K1 may be 0.
        discriminants: (D, K2) float32, directions of the largest differences between people, relative to the
            variation within one person.
        portable: (D, K3) float32, the same from bone lengths and directions alone, with the errors of other
            sensors added: they depend least on the sensor and its place; K3 may be 0.
    """

    mean: FloatArray
    whitening: FloatArray
    discriminants: FloatArray
    portable: FloatArray

    @property
    def direction_count(self) -> int:
        """K1 + K2 + K3."""
        return sum(int(part.shape[1]) for part in (self.whitening, self.discriminants, self.portable))

    def project(self, described: FloatArray, weight: float) -> FloatArray:
        """Projects windows to unit vectors whose inner products are similarities.

        Args:
            described: (n, D).
            weight: length of the discriminant part, relative to whitened and portable parts of length 1.

        Returns:
            (n, K1 + K2 + K3) float32.
        """
        centred = described - self.mean
        white = unit(centred @ self.whitening)
        people = unit(centred @ self.discriminants)
        portable = unit(centred @ self.portable)
        return unit(np.concatenate((white, np.float32(weight) * people, portable), axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class WindowComparison:
    """Projects windows and gives their background similarity.

    Attributes:
        directions: of descriptions (D,), K = K1 + K2 + K3.
        cohort: of projected windows, (K).
        discriminant_weight: see `WindowDirections.project`.
    """

    directions: WindowDirections
    cohort: Cohort
    discriminant_weight: float

    @classmethod
    def without_cohort(cls, directions: WindowDirections, discriminant_weight: float) -> Self:
        """Returns a comparison whose background similarity is 0."""
        return cls(directions, Cohort.empty(directions.direction_count), discriminant_weight)

    def centred_at(self, mean: FloatArray) -> Self:
        """Returns the comparison relative to another mean description (D,)."""
        return replace(self, directions=replace(self.directions, mean=mean))

    def project(self, described: FloatArray) -> FloatArray:
        """Projects descriptions (n, D) to unit vectors (n, K)."""
        return self.directions.project(described, self.discriminant_weight)

    def prepare(self, described: FloatArray) -> ProjectedWindows:
        """Projects descriptions (n, D), with their background similarity."""
        directions = self.project(described)
        return ProjectedWindows(described, directions, self.background(directions))

    def background(self, projected: FloatArray) -> FloatArray:
        """Returns the similarity (n,) of projected windows (n, K) to the nearest people of the cohort."""
        _, mean, spread = self.cohort.statistics(projected)
        found: FloatArray = mean + np.float32(_COHORT_DEVIATIONS) * spread
        return found
