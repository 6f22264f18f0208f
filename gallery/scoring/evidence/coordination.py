"""Coordination of wrists, knees, ankles and head, over the segments of a track."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from encoder.pose import JOINT_COLUMNS
from gallery.scoring.descriptions import SEGMENT_WINDOWS
from gallery.scoring.evidence.discriminant_evidence import SegmentEvidence
from stream.body import FloatArray
from stream.skeleton import CANONICAL

__all__ = ["Coordination"]

_LIMBS = ("WristLeft", "WristRight", "KneeLeft", "KneeRight", "AnkleLeft", "AnkleRight", "Head")
_MOVING = np.concatenate([3 * CANONICAL.index(name) - 3 + np.arange(3) for name in _LIMBS])
"""Positions of their coordinates among the rotated joints of the pose numbers."""
_LAGS = (2, 4)
"""Windows: 0.2 and 0.4 s."""
_SHRINKAGE = 0.1
"""Of a covariance, towards an isotropic one."""
_MIN_VARIANCE = 1e-8
"""m^2; keeps the logarithm finite where nothing moves."""


@dataclass(frozen=True, slots=True, eq=False)
class Coordination(SegmentEvidence):
    """Covariance descriptors of limbs (Hussein et al., IJCAI 2013).

    A covariance of 21 numbers needs more windows than the statistics of `gallery.scoring.evidence.swing`, so
    it reaches its full weight later.
    """

    name: ClassVar[str] = "coordination"
    default_weight: ClassVar[float] = 0.2
    full_windows: ClassVar[int] = 2 * SEGMENT_WINDOWS
    numbers: ClassVar[int] = len(_MOVING) * (len(_MOVING) + 1) // 2 + len(_LAGS) * len(_MOVING) ** 2

    @staticmethod
    def statistics(pose: FloatArray) -> FloatArray:
        """Returns the covariances of limbs in a segment.

        Args:
            pose: (m, POSE_WIDTH) pose numbers of windows, m at least 1.

        Returns:
            (numbers,) float32: the logarithm of the covariance of the limbs' coordinates (Arsigny et al.,
            Magnetic Resonance in Medicine 56, 2006), on and above its diagonal; then their covariances with
            the coordinates 0.2 and 0.4 s before, m^2.
        """
        coordinates = pose[:, JOINT_COLUMNS][:, _MOVING].astype(np.float64)
        centred = coordinates - coordinates.mean(axis=0)
        lagged = [(centred[lag:].T @ centred[:-lag] / len(centred)).ravel() for lag in _LAGS]
        statistics: FloatArray = np.concatenate((_log_covariance(centred), *lagged)).astype(np.float32)
        return statistics


def _log_covariance(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the upper triangle of the logarithm of the covariance of centred rows (m, K)."""
    covariance = centred.T @ centred / len(centred)
    isotropic = np.eye(len(covariance)) * covariance.trace() / len(covariance)
    variances, axes = np.linalg.eigh((1 - _SHRINKAGE) * covariance + _SHRINKAGE * isotropic)
    logarithm: NDArray[np.float64] = axes * np.log(np.maximum(variances, _MIN_VARIANCE)) @ axes.T
    return logarithm[np.triu_indices(len(logarithm))]
