"""Seconds of walking: descriptions of windows, and the statistics of segments of them.

A segment hides what single noisy windows err in, and shows what they cannot: how far and how quickly joints
swing, and how limbs move together. Nothing here is learned.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from encoder.pose import DEVIATIONS, JOINTS, POSE
from stream.body import FloatArray
from stream.skeleton import CANONICAL

__all__ = [
    "COORDINATION",
    "SEGMENT_STEP",
    "SEGMENT_WINDOWS",
    "STATISTICS",
    "SWING",
    "Segments",
    "describe_windows",
    "segment_slices",
    "segment_statistics",
    "segments_of",
]

SEGMENT_WINDOWS = 50
"""Windows of a segment: 5 s of walking."""

SEGMENT_STEP = 10
"""Windows from one segment's begin to the next: 1 s."""

_JOINTS = JOINTS.stop - JOINTS.start
_PERIOD = 64
_FREQUENCIES = slice(1, 14)
"""Of a segment padded to 64 windows: 0.16 to 2 Hz, a stride's first harmonics."""

_LIMBS = ("WristLeft", "WristRight", "KneeLeft", "KneeRight", "AnkleLeft", "AnkleRight", "Head")
_MOVING = np.concatenate([3 * CANONICAL.index(name) - 3 + np.arange(3) for name in _LIMBS])
"""Where these stand among the turned joints."""
_LAGS = (2, 4)
"""Windows: 0.2 and 0.4 s."""
_SHRINKAGE = 0.1
"""Of a covariance, towards one that is equal in all directions."""
_LEAST_VARIANCE = 1e-8
"""m^2: the logarithm of nobody moving is finite."""

SWING = slice(0, 4 * POSE + (_FREQUENCIES.stop - _FREQUENCIES.start) * _JOINTS)
"""Where in a segment's numbers the pose and its swing stand."""
COORDINATION = slice(
    SWING.stop, SWING.stop + len(_MOVING) * (len(_MOVING) + 1) // 2 + len(_LAGS) * len(_MOVING) ** 2
)
"""Where the numbers stand that say how limbs move together."""
STATISTICS = COORDINATION.stop
"""S, numbers of a segment."""


def describe_windows(rows: FloatArray) -> FloatArray:
    """One description for each window.

    Args:
        rows: (n, f, D) float32: CAGEs, then pose numbers (`encoder.pose`), of windows or of means of some.

    Returns:
        (n, D) float32: the means over the window of the pose numbers, of squared deviations their root, then
        the CAGEs' means. The pose's come first, and need no encoder.
    """
    pose, cages = rows[:, :, -POSE:].mean(axis=1), rows[:, :, :-POSE].mean(axis=1)
    pose[:, DEVIATIONS] = np.sqrt(pose[:, DEVIATIONS])
    described: FloatArray = np.concatenate((pose, cages), axis=1)
    return described


def segment_statistics(described: FloatArray) -> FloatArray:
    """What describes a segment of the descriptions (m, D) of windows, m at least 1.

    Returns:
        (S,) float32, of the pose: medians, spreads between the quartiles, means and standard deviations, then
        the amplitudes at which joints swing, frequency by frequency. Then how wrists, knees, ankles and head
        move together (covariance descriptors, Hussein et al., IJCAI 2013): the logarithm of their places'
        covariance (Arsigny et al., Magnetic Resonance in Medicine 56, 2006), on and above its diagonal, and
        how they covary with where they were 0.2 and 0.4 s before, m^2.
    """
    pose = described[:, :POSE]
    low, middle, high = np.percentile(pose, (25, 50, 75), axis=0)
    mean = pose.mean(axis=0)
    swinging = (pose - mean)[:, JOINTS] * np.hanning(len(pose))[:, None]
    amplitudes = np.abs(np.fft.rfft(swinging, _PERIOD, axis=0))[_FREQUENCIES] / len(pose)
    swing = (middle, high - low, mean, pose.std(axis=0), amplitudes.ravel())
    coordination = _coordination(pose[:, JOINTS][:, _MOVING].astype(np.float64))
    statistics: FloatArray = np.concatenate((*swing, *coordination)).astype(np.float32)
    return statistics


def _coordination(places: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """How numbers (m, K) vary together: at once, and with what they were some windows before."""
    moved = places - places.mean(axis=0)
    covariance = moved.T @ moved / len(moved)
    equal = np.eye(len(covariance)) * covariance.trace() / len(covariance)
    variances, axes = np.linalg.eigh((1 - _SHRINKAGE) * covariance + _SHRINKAGE * equal)
    logarithm = axes * np.log(np.maximum(variances, _LEAST_VARIANCE)) @ axes.T
    lagged = [(moved[lag:].T @ moved[:-lag] / len(moved)).ravel() for lag in _LAGS]
    return (logarithm[np.triu_indices(len(logarithm))], *lagged)


def segment_slices(windows: int) -> list[slice]:
    """Which of a walk's so many windows make its segments: all where there are no more than one's."""
    starts = range(0, max(1, windows - SEGMENT_WINDOWS + 1), SEGMENT_STEP)
    return [slice(start, start + SEGMENT_WINDOWS) for start in starts]


def segments_of(described: FloatArray) -> FloatArray:
    """The segments of a walk's windows (m, D): (n, S)."""
    return np.stack([segment_statistics(described[own]) for own in segment_slices(len(described))])


class Segments:
    """The segments of a walk, while its windows come in."""

    def __init__(self) -> None:
        self._recent: deque[FloatArray] = deque(maxlen=SEGMENT_WINDOWS)
        self._sum = np.zeros(STATISTICS)
        self._whole = 0
        self.windows = 0
        """How many came."""

    def add(self, described: FloatArray) -> FloatArray | None:
        """Add the next window's description (D,).

        Returns:
            Once a second the statistics (S,) of the newest segment, which at first is all there is.
        """
        self._recent.append(described[:POSE])
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
        """(S,) the mean of the whole segments; of a shorter walk what all of it is; zeros of nothing."""
        if self._whole:
            return (self._sum / self._whole).astype(np.float32)
        if not self.windows:
            return np.zeros(STATISTICS, np.float32)
        return segment_statistics(np.stack(self._recent))
