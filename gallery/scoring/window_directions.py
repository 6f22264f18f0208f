"""Directions in which single windows are compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gallery.scoring.cohort import unit
from stream.body import FloatArray

__all__ = ["WindowDirections"]


@dataclass(frozen=True, slots=True, eq=False)
class WindowDirections:
    """Principal components and discriminants of descriptions (`gallery.scoring.segments.describe_windows`).

    Attributes:
        mean: (D,) float32, of descriptions.
        whitening: (D, K1) float32, principal components, turned and scaled so that one person varies alike in
            all; K1 may be 0.
        discriminants: (D, K2) float32, in which people differ most, measured by how one varies.
    """

    mean: FloatArray
    whitening: FloatArray
    discriminants: FloatArray

    @property
    def numbers(self) -> int:
        """K1 + K2."""
        return int(self.whitening.shape[1] + self.discriminants.shape[1])

    def windows(self, described: FloatArray, weight: float) -> FloatArray:
        """Windows as unit vectors, whose products say how alike they are.

        Args:
            described: (n, D).
            weight: the length of the discriminants' part beside a whitened part of length 1.

        Returns:
            (n, K1 + K2) float32.
        """
        centred = described - self.mean
        white = unit(centred @ self.whitening)
        people = unit(centred @ self.discriminants)
        return unit(np.concatenate((white, np.float32(weight) * people), axis=1))
