"""Telling people apart by two kinds of evidence: single windows, and seconds of walking.

A window is described by its CAGE and its pose numbers, averaged over its skeletons, and by how much these
vary in it. Projected (principal components, whitened, beside the linear discriminants of people outside the
gallery), it resembles a person as much as that person's nearest template. Some seconds of walking are
described by the median and the spread of the windows' pose: what single noisy windows hide. Those have
discriminants of their own.

Both likenesses are judged by how much the same walk resembles nobody in particular: the means of clusters of
many people's windows and segments, which stand in for the cohort of speaker verification's S-norm. That makes
scores of different walks, people and sensors' moods comparable, which is what telling strangers apart needs.

Everything here was fitted once, on people outside the gallery (`tools/fit_backend.py`); who is enrolled
trains nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, fields
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from encoder.pose import BONES, JOINTS, POSE
from stream.body import FloatArray

__all__ = [
    "SEGMENT_STEP",
    "SEGMENT_WINDOWS",
    "FusionModel",
    "FusionWeights",
    "SegmentStanding",
    "Trail",
    "describe_windows",
    "segment_statistics",
    "segments_of",
    "unit",
]

SEGMENT_WINDOWS = 50
"""Windows of a segment: 5 s of walking."""

SEGMENT_STEP = 10
"""Windows from one segment's begin to the next: 1 s."""

_WINDOW_NEIGHBOURS = 20
_SEGMENT_NEIGHBOURS = 64

Floats = NDArray[np.float64]


class FusionWeights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the parts of a score are weighed.

    Attributes:
        discriminants: the length of a window's discriminant part beside its whitened part of length 1.
        windows: of the windows' likeness.
        segments: of the segments' likeness, once a whole segment was seen.
    """

    discriminants: float = 1.0
    windows: float = 4.0
    segments: float = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class FusionModel:
    """What was fitted for one kind of sensor.

    Attributes:
        window_mean: (D,) of descriptions, see `describe_windows`.
        whitening: (D, K1) principal components, each scaled to variance 1.
        discriminants: (D, K2) linear discriminants of people.
        window_clusters: (C1, K1 + K2) centres of many people's windows, of unit length.
        segment_mean: (S,) of segments, see `segment_statistics`.
        segment_matrix: (S, K3) linear discriminants of people.
        segment_clusters: (C2, K3) centres of many people's segments, of unit length.
        weights: of the parts.
    """

    window_mean: FloatArray
    whitening: FloatArray
    discriminants: FloatArray
    window_clusters: FloatArray
    segment_mean: FloatArray
    segment_matrix: FloatArray
    segment_clusters: FloatArray
    weights: FusionWeights

    @classmethod
    def array_names(cls) -> tuple[str, ...]:
        """The attributes that are arrays."""
        return tuple(field.name for field in fields(cls) if field.name != "weights")

    def windows(self, described: FloatArray) -> FloatArray:
        """Descriptions (n, D) as unit vectors (n, K1 + K2) whose products say how alike windows are."""
        centred = described - self.window_mean
        white: FloatArray = unit(centred @ self.whitening)
        people: FloatArray = unit(centred @ self.discriminants)
        return unit(np.concatenate((white, np.float32(self.weights.discriminants) * people), axis=1))

    def commonness(self, windows: FloatArray) -> FloatArray:
        """(n,) how much windows (n, K1 + K2) resemble nobody in particular."""
        near = _highest(windows @ self.window_clusters.T, _WINDOW_NEIGHBOURS)
        common: FloatArray = near.mean(axis=1)
        return common

    def segments(self, statistics: FloatArray) -> FloatArray:
        """Statistics (n, S) of segments as unit vectors (n, K3)."""
        return unit((statistics - self.segment_mean) @ self.segment_matrix)

    def standing(self, segments: FloatArray) -> SegmentStanding:
        """Where the sum (K3,) of some segments stands, and among whom."""
        mean = unit(segments)
        near = _highest((mean @ self.segment_clusters.T)[None], _SEGMENT_NEIGHBOURS)[0]
        return SegmentStanding(mean, float(near.mean()), float(near.std()))

    def likeness(self, probe: SegmentStanding, people: SegmentStandings) -> Floats:
        """(P,) how much a probe's segments resemble each person's, by both's distance from everybody else."""
        products = people.means @ probe.mean
        by_probe = (products - probe.common) / max(probe.spread, 1e-6)
        by_person = (products - people.common) / np.maximum(people.spread, 1e-6)
        found: Floats = (0.5 * (by_probe + by_person)).astype(np.float64)
        return found


class SegmentStanding(NamedTuple):
    """Where segments stand: a direction, and how it resembles the clusters nearest to it."""

    mean: FloatArray
    """(K3,) of unit length."""
    common: float
    spread: float


class SegmentStandings(NamedTuple):
    """The same of P people."""

    means: FloatArray
    common: FloatArray
    spread: FloatArray

    @classmethod
    def of(cls, people: list[SegmentStanding]) -> SegmentStandings:
        """Put side by side what is known of each."""
        means, common, spread = zip(*people, strict=True)
        return cls(np.stack(means), np.array(common, np.float32), np.array(spread, np.float32))


def unit(rows: NDArray[np.floating]) -> FloatArray:
    """Vectors (..., K) scaled to length 1; zeros stay zeros."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    units: FloatArray = (rows / np.maximum(lengths, np.float32(1e-12))).astype(np.float32, copy=False)
    return units


def _highest(values: FloatArray, count: int) -> FloatArray:
    """The highest of each row (n, C): (n, count), or all where there are no more."""
    count = min(count, values.shape[1])
    found: FloatArray = np.partition(values, values.shape[1] - count, axis=1)[:, -count:]
    return found


def describe_windows(rows: FloatArray) -> FloatArray:
    """One description for each window.

    Args:
        rows: (n, f, D) float32: CAGEs, then pose numbers (`encoder.pose`).

    Returns:
        (n, D + 76) float32: the pose numbers' means over the window, the deviations of joints and of bone
        lengths in it, then the CAGEs' means. The pose's come first, and need no encoder.
    """
    pose, cages = rows[:, :, -POSE:], rows[:, :, :-POSE]
    parts = (
        pose.mean(axis=1),
        pose[:, :, JOINTS].std(axis=1),
        pose[:, :, BONES].std(axis=1),
        cages.mean(axis=1),
    )
    described: FloatArray = np.concatenate(parts, axis=1)
    return described


_POSTURE = POSE + (JOINTS.stop - JOINTS.start) + (BONES.stop - BONES.start)
"""How many of a description's numbers are about the pose."""


def segment_statistics(described: FloatArray) -> FloatArray:
    """Median and spread (between the quartiles) of the pose over the windows (m, D) of a segment, (S,)."""
    low, middle, high = np.percentile(described[:, :_POSTURE], (25, 50, 75), axis=0)
    statistics: FloatArray = np.concatenate((middle, high - low)).astype(np.float32)
    return statistics


def segments_of(described: FloatArray, length: int = SEGMENT_WINDOWS, step: int = SEGMENT_STEP) -> FloatArray:
    """The segments of a walk's windows (m, D): (n, S), one where the walk is no longer than a segment."""
    starts = range(0, max(1, len(described) - length + 1), step)
    return np.stack([segment_statistics(described[start : start + length]) for start in starts])


class Trail:
    """The segments of one track, while its windows come in.

    Args:
        model: of the kind of sensor.
    """

    def __init__(self, model: FusionModel) -> None:
        self._model = model
        self._recent: deque[FloatArray] = deque(maxlen=SEGMENT_WINDOWS)
        self._windows = 0
        self._sum: FloatArray = np.zeros(model.segment_matrix.shape[1], np.float32)
        self.standing: SegmentStanding | None = None
        """Where the segments stand so far; None before the first second."""

    def add(self, described: FloatArray) -> None:
        """Add the next window's description (D,)."""
        self._recent.append(described[:_POSTURE])
        self._windows += 1
        if self._windows % SEGMENT_STEP:
            return
        segment = self._model.segments(segment_statistics(np.stack(self._recent))[None])[0]
        if self._windows >= SEGMENT_WINDOWS:
            self._sum += segment
        self.standing = self._model.standing(self._sum if self._sum.any() else segment)

    @property
    def weight(self) -> float:
        """Of the segments' likeness: 1 from the first whole segment on, less before."""
        return min(1.0, self._windows / SEGMENT_WINDOWS) * self._model.weights.segments
