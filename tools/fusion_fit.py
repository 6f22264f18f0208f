"""Fitting a fusion: principal components, linear discriminants of people, clusters of everybody's walking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans  # type: ignore[import-untyped]
from sklearn.decomposition import PCA  # type: ignore[import-untyped]
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis  # type: ignore[import-untyped]

from gallery.fusion import FusionModel, FusionWeights, unit
from gallery.segments import segments_of
from stream.body import FloatArray

__all__ = [
    "LEAST_PEOPLE",
    "DescribedWalk",
    "WindowDirections",
    "fit_fusion",
    "fit_window_directions",
    "principal_components",
]

LEAST_PEOPLE = 20
"""Discriminants of fewer people would be theirs, and nobody else's."""

_WHITENED = 128
_WINDOWS_A_COMPONENT = 20
"""Whitened, the components of fewer windows would be their noise."""
_SEGMENT_COMPONENTS = 400
_DISCRIMINANTS = 64
_SHRINKAGE = 0.05
_WINDOW_CLUSTERS = 256
_SEGMENT_CLUSTERS = 128
_SEED = 0

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class DescribedWalk:
    """The windows of one walk.

    Attributes:
        person: who walks.
        walk: which of the person's walks.
        windows: (m, D) float32, see `gallery.segments.describe_windows`.
    """

    person: int
    walk: str
    windows: FloatArray = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class WindowDirections:
    """Directions in which descriptions of windows are compared, see `gallery.fusion.FusionModel`.

    Attributes:
        mean: (D,) float32.
        whitening: (D, K1) float32.
        discriminants: (D, K2) float32.
    """

    mean: FloatArray
    whitening: FloatArray
    discriminants: FloatArray


def fit_window_directions(windows: FloatArray, owners: NDArray[np.int64]) -> WindowDirections:
    """Fit on descriptions (n, D) of windows and whose they are; at least two people's and 20 windows."""
    mean, scale = windows.mean(axis=0), np.maximum(windows.std(axis=0), np.float32(1e-6))
    standard = (windows - mean) / scale
    count = min(_WHITENED, len(windows) // _WINDOWS_A_COMPONENT)
    whitening = principal_components(standard, count) / scale[:, None]
    discriminants = _discriminants(standard, owners) / scale[:, None]
    return WindowDirections(_single(mean), _single(whitening), _single(discriminants))


def fit_fusion(walks: Sequence[DescribedWalk], weights: FusionWeights | None = None) -> FusionModel:
    """Fit on people outside every gallery; labels say whose walk is whose, and nothing else.

    Settings were chosen on KGBD's people 1-100, discriminants of 60 of them and galleries of the other 40.

    Args:
        walks: of at least `LEAST_PEOPLE` people, more than one walk of most.
        weights: of the parts of a score.

    Raises:
        ValueError: they are too few people.
    """
    people = np.array([walk.person for walk in walks])
    if len(set(people.tolist())) < LEAST_PEOPLE:
        raise ValueError(f"walks: expected at least {LEAST_PEOPLE} people, got {len(set(people.tolist()))}")
    windows = np.concatenate([walk.windows for walk in walks])
    owners = np.repeat(people, [len(walk.windows) for walk in walks])
    directions = fit_window_directions(windows, owners)
    several = [segments_of(walk.windows) for walk in walks]
    segments, whose = np.concatenate(several), np.repeat(people, [len(found) for found in several])
    segment_mean, spread = segments.mean(axis=0), np.maximum(segments.std(axis=0), np.float32(1e-6))
    standard = (segments - segment_mean) / spread
    components = principal_components(standard, _SEGMENT_COMPONENTS)
    matrix = components @ _discriminants((standard @ components).astype(np.float32), whose) / spread[:, None]

    nothing = np.zeros((0, 0), np.float32)
    model = FusionModel(
        directions.mean,
        directions.whitening,
        directions.discriminants,
        nothing,
        _single(segment_mean),
        _single(matrix),
        nothing,
        weights or FusionWeights(),
    )
    return _with_clusters(model, windows, segments)


def _with_clusters(model: FusionModel, windows: FloatArray, segments: FloatArray) -> FusionModel:
    seen, places = model.windows(windows), model.segments(segments)
    for_windows = MiniBatchKMeans(
        _clusters(_WINDOW_CLUSTERS, seen), n_init=1, batch_size=4096, max_iter=30, random_state=_SEED
    ).fit(seen)
    for_segments = KMeans(_clusters(_SEGMENT_CLUSTERS, places), n_init=2, random_state=_SEED).fit(places)
    return replace(
        model,
        window_clusters=unit(_single(for_windows.cluster_centers_)),
        segment_clusters=unit(_single(for_segments.cluster_centers_)),
    )


def _clusters(most: int, rows: FloatArray) -> int:
    """How many clusters: of few rows fewer, so that each is the centre of several."""
    return min(most, max(1, len(rows) // 4))


def principal_components(standard: FloatArray, count: int) -> Floats:
    """(D, K) principal components, each scaled to variance 1."""
    found = PCA(min(count, *standard.shape), svd_solver="covariance_eigh").fit(standard)
    matrix: Floats = found.components_.T / np.sqrt(found.explained_variance_)
    return matrix


def _discriminants(standard: FloatArray, owners: NDArray[np.int64]) -> Floats:
    """(D, K) linear discriminants: unit variance within people, the directions of most variance between."""
    count = min(_DISCRIMINANTS, len(np.unique(owners)) - 1)
    people = np.unique(owners)
    found = LinearDiscriminantAnalysis(
        solver="eigen", shrinkage=_SHRINKAGE, n_components=count, priors=np.full(len(people), 1 / len(people))
    ).fit(standard, owners)
    matrix: Floats = found.scalings_[:, :count]
    return matrix


def _single(array: Floats | FloatArray) -> FloatArray:
    return np.ascontiguousarray(array, np.float32)
