"""Telling people apart by two kinds of evidence: single windows, and seconds of walking.

A window is described by its CAGE and its pose numbers, averaged over its skeletons, and by how much these
vary in it. Projected (principal components, whitened, beside the linear discriminants of people outside the
gallery), it resembles a person as much as that person's nearest template. Some seconds of walking are
described by statistics of the windows' pose (`gallery.segments`): what single noisy windows hide. Those have
discriminants of their own. Until there is a whole segment, the mean of all windows so far is compared with
the person's mean window as well.

All likenesses are judged by how much the same walk resembles nobody in particular: the means of clusters of
many people's windows and segments, which stand in for the cohort of speaker verification's S-norm. That makes
scores of different walks, people and sensors' moods comparable, which is what telling strangers apart needs.

Everything here was fitted once, on people outside the gallery (`tools/fit_backend.py`); who is enrolled
trains nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from encoder.pose import POSE
from gallery.segments import SEGMENT_WINDOWS, Segments, describe_windows
from stream.body import FloatArray

__all__ = [
    "FusionModel",
    "FusionWeights",
    "Portraits",
    "SegmentStanding",
    "Trail",
    "unit",
]

_WINDOW_NEIGHBOURS = 20
_SEGMENT_NEIGHBOURS = 64

Floats = NDArray[np.float64]


class FusionWeights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the parts of a score are weighed.

    Attributes:
        discriminants: the length of a window's discriminant part beside its whitened part of length 1.
        windows: of the windows' likeness.
        means: of the likeness of mean windows beside it, fading until a whole segment was seen.
        segments: of the segments' likeness, once a whole segment was seen; growing until then.
    """

    discriminants: float = 1.0
    windows: float = 4.0
    means: float = 0.5
    segments: float = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class FusionModel:
    """What was fitted for one kind of sensor, or for any.

    A part that was not fitted has no directions (K1 or K3 is 0), or one cluster of zeros, and says nothing.

    Attributes:
        window_mean: (D,) of descriptions, see `gallery.segments.describe_windows`.
        whitening: (D, K1) principal components, each scaled to variance 1.
        discriminants: (D, K2) linear discriminants of people.
        window_clusters: (C1, K1 + K2) centres of many people's windows, of unit length.
        segment_mean: (S,) of segments, see `gallery.segments.segment_statistics`.
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

    def portraits(self, people: Iterable[Sequence[tuple[FloatArray, FloatArray]]]) -> Portraits:
        """What is known of P enrolled people beside their templates.

        Args:
            people: of each some walks: templates (m, K1 + K2) and the mean statistics (S,) of its segments.
        """
        means, standings = [], []
        for walks in people:
            windows, statistics = zip(*walks, strict=True)
            means.append(unit(np.concatenate(windows).mean(axis=0)))
            standings.append(self.standing(self.segments(np.stack(statistics)).sum(axis=0)))
        places, common, spread = zip(*standings, strict=True)
        numbers = np.array(common, np.float32), np.array(spread, np.float32)
        return Portraits(np.stack(means), np.stack(places), *numbers)

    def likeness(self, probe: SegmentStanding, people: Portraits) -> Floats:
        """(P,) how much a probe's segments resemble each person's, by both's distance from everybody else."""
        products = people.segments @ probe.mean
        by_probe = (products - probe.common) / max(probe.spread, 1e-6)
        by_person = (products - people.common) / np.maximum(people.spread, 1e-6)
        found: Floats = (0.5 * (by_probe + by_person)).astype(np.float64)
        return found

    def by_means(
        self, counts: NDArray[np.int64], means: FloatArray, common: Floats, people: Portraits
    ) -> Floats:
        """What the means of a track's windows add to the means of their scores, (n, P), fading.

        Args:
            counts: (n,) of how many windows.
            means: (n, K1 + K2) of them.
            common: (n,) the means of their `commonness`.
            people: with whom they are compared.
        """
        fading = 1 - np.minimum(1.0, counts / SEGMENT_WINDOWS)
        above = (means @ people.windows.T).astype(np.float64) - common[:, None]
        added: Floats = (self.weights.windows * self.weights.means * fading)[:, None] * above
        return added

    def by_segments(self, counts: NDArray[np.int64], standing: SegmentStanding, people: Portraits) -> Floats:
        """What a track's segments add to the means of (n,) so many windows' scores, (n, P)."""
        growing = np.minimum(1.0, counts / SEGMENT_WINDOWS)
        return self.weights.segments * growing[:, None] * self.likeness(standing, people)


class SegmentStanding(NamedTuple):
    """Where segments stand: a direction, and how it resembles the clusters nearest to it."""

    mean: FloatArray
    """(K3,) of unit length."""
    common: float
    spread: float


class Portraits(NamedTuple):
    """P people: the mean window of each, (P, K1 + K2), and where their segments stand."""

    windows: FloatArray
    segments: FloatArray
    common: FloatArray
    spread: FloatArray


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


class Trail:
    """What is known of one track as a whole, while its windows come in.

    Args:
        model: of the kind of sensor; None gathers the statistics of segments alone.

    Attributes:
        segments: their statistics.
        standing: where the segments stand so far; None before the first second.
    """

    def __init__(self, model: FusionModel | None) -> None:
        self._model = model
        self.segments = Segments()
        self.standing: SegmentStanding | None = None
        self._sum: FloatArray | float = 0.0
        self._mean: FloatArray | float = 0.0
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
        self._mean = self._mean + (seen[0] - self._mean) / windows
        self._common += (float(self._model.commonness(seen)[0]) - self._common) / windows
        if newest is None:
            return
        segment = self._model.segments(newest[None])[0]
        # Before the first whole segment each stands for itself: the next has all of it.
        self._sum = segment if windows <= SEGMENT_WINDOWS else self._sum + segment
        self.standing = self._model.standing(np.asarray(self._sum))

    def added(self, people: Portraits) -> Floats | None:
        """What the track adds to the mean of its windows' scores, (P,); None where nothing is compared."""
        if self._model is None or not self.segments.windows:
            return None
        counts = np.array([self.segments.windows])
        mean, common = np.asarray(self._mean)[None], np.array([self._common])
        added = self._model.by_means(counts, mean, common, people)
        if self.standing is not None:
            added = added + self._model.by_segments(counts, self.standing, people)
        first: Floats = added[0]
        return first
