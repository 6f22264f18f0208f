"""Spread of the pose, and amplitudes and frequencies of joint movements, over the segments of a track."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from encoder.pose import JOINT_COLUMNS, POSE_WIDTH
from gallery.scoring.descriptions import SEGMENT_WINDOWS
from gallery.scoring.evidence.discriminant_evidence import SegmentEvidence
from stream.body import FloatArray

__all__ = ["Swing"]

_QUARTILES = (0.25, 0.5, 0.75)
_PERIOD = 64
_FREQUENCIES = slice(1, 14)
"""Of a segment padded to 64 windows: 0.16 to 2 Hz, the first harmonics of a stride."""


@dataclass(frozen=True, slots=True, eq=False)
class Swing(SegmentEvidence):
    """Order statistics of pose numbers, and the amplitude spectra of joints."""

    name: ClassVar[str] = "swing"
    default_weight: ClassVar[float] = 0.3
    full_windows: ClassVar[int] = SEGMENT_WINDOWS
    numbers: ClassVar[int] = 4 * POSE_WIDTH + (_FREQUENCIES.stop - _FREQUENCIES.start) * (
        JOINT_COLUMNS.stop - JOINT_COLUMNS.start
    )

    @staticmethod
    def statistics(pose: FloatArray) -> FloatArray:
        """Returns the statistics of a segment's pose.

        Args:
            pose: (m, POSE_WIDTH) pose numbers of windows, m at least 1.

        Returns:
            (numbers,) float32: medians, interquartile ranges, means and standard deviations of the pose
            numbers, then the amplitudes of the joints' coordinates, frequency by frequency.
        """
        low, middle, high = _quartiles(pose)
        mean = pose.mean(axis=0)
        swinging = (pose - mean)[:, JOINT_COLUMNS] * np.hanning(len(pose))[:, None]
        amplitudes = np.abs(np.fft.rfft(swinging, _PERIOD, axis=0))[_FREQUENCIES] / len(pose)
        parts = (middle, high - low, mean, pose.std(axis=0), amplitudes.ravel())
        statistics: FloatArray = np.concatenate(parts).astype(np.float32)
        return statistics


def _quartiles(pose: FloatArray) -> tuple[NDArray[np.float64], ...]:
    """Returns the quartiles (POSE_WIDTH,) of pose numbers (m, POSE_WIDTH), as `numpy.percentile` does.

    It sorts once: `numpy.percentile` takes most of the time of a segment otherwise.
    """
    ordered = np.sort(pose, axis=0)
    places = np.array(_QUARTILES) * (len(pose) - 1)
    before = places.astype(np.intp)
    low, high = ordered[before], ordered[np.minimum(before + 1, len(pose) - 1)]
    part, step = (places - before)[:, None], high - low
    # The nearer of the two is the start, as in numpy, so that the ends are met exactly.
    found = np.where(part < 0.5, low + step * part, high - step * (1 - part))
    return tuple(found)
