"""Fitting a fusion: principal components, linear discriminants of people, and how everybody walks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA  # type: ignore[import-untyped]
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis  # type: ignore[import-untyped]

from gallery.cohort import Cohort, Discriminants, unit
from gallery.fusion import FusionModel, FusionWeights
from gallery.segments import STATISTICS, segment_slices, segments_of
from stream.body import FloatArray

__all__ = [
    "LEAST_PEOPLE",
    "DescribedWalk",
    "WindowDirections",
    "cohort_of",
    "discriminants_alone",
    "fit_fusion",
    "fit_window_directions",
    "principal_components",
    "segment_means",
    "standardised",
    "windows_alone",
]

LEAST_PEOPLE = 20
"""Discriminants of fewer people would be theirs, and nobody else's."""

_WHITENED = 128
_WINDOWS_A_COMPONENT = 20
"""Whitened, the components of fewer windows would be their noise."""
_DISCRIMINANTS = 64
_SHRINKAGE = 0.05

Floats = NDArray[np.float64]
Owners = NDArray[np.int64]


class _Settings(NamedTuple):
    """Of discriminants of what describes some seconds."""

    components: int
    """Principal ones; the discriminants are in these."""
    shrinkage: float


_WALKS = _Settings(200, 0.2)
_SEGMENTS = _Settings(400, _SHRINKAGE)


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


def fit_window_directions(windows: FloatArray, owners: Owners) -> WindowDirections:
    """Fit on descriptions (n, D) of windows and whose they are; at least two people's and 20 windows."""
    mean, scale, standard = standardised(windows)
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
    model = windows_alone(fit_window_directions(windows, owners), weights or FusionWeights())
    whose = np.repeat(people, [len(segment_slices(len(walk.windows))) for walk in walks])
    means, segments = (
        np.concatenate([of(walk.windows) for walk in walks]) for of in (segment_means, segments_of)
    )
    return replace(
        model,
        cohort=cohort_of(model.windows(windows)),
        walks=_fit_discriminants(means, whose, _WALKS),
        segments=_fit_discriminants(segments, whose, _SEGMENTS),
    )


def windows_alone(directions: WindowDirections, weights: FusionWeights) -> FusionModel:
    """A fusion of windows compared in these directions: no walks, no segments, no cohort."""
    numbers = directions.whitening.shape[1] + directions.discriminants.shape[1]
    return FusionModel(
        window_mean=_single(directions.mean),
        whitening=_single(directions.whitening),
        discriminants=_single(directions.discriminants),
        cohort=_nobody(numbers),
        walks=_nothing_of(len(directions.mean)),
        segments=_nothing_of(STATISTICS),
        weights=weights,
    )


def discriminants_alone(mean: Floats | FloatArray, matrix: Floats | FloatArray) -> Discriminants:
    """Without a cohort: a mean (S,) and directions (S, K)."""
    return Discriminants(_single(mean), _single(matrix), _nobody(matrix.shape[1]))


def cohort_of(directions: FloatArray) -> Cohort:
    """A cohort of directions (n, K)."""
    mean = directions.mean(axis=0, dtype=np.float64)
    return Cohort(_single(mean), _single(np.cov(directions, rowvar=False, ddof=0)))


def segment_means(described: FloatArray) -> FloatArray:
    """The mean descriptions (n, D) of a walk's segments, from its windows' (m, D)."""
    return np.stack([described[own].mean(axis=0) for own in segment_slices(len(described))])


def _nothing_of(numbers: int) -> Discriminants:
    return discriminants_alone(np.zeros(numbers), np.zeros((numbers, 0)))


def _nobody(directions: int) -> Cohort:
    return Cohort(np.zeros(directions, np.float32), np.zeros((directions, directions), np.float32))


def _fit_discriminants(rows: FloatArray, owners: Owners, settings: _Settings) -> Discriminants:
    """Of rows (n, S), and whose each is."""
    mean, scale, standard = standardised(rows)
    components = principal_components(standard, settings.components)
    found = _discriminants((standard @ components).astype(np.float32), owners, settings.shrinkage)
    matrix = components @ found / scale[:, None]
    fitted = discriminants_alone(mean, matrix)
    return replace(fitted, cohort=cohort_of(unit(fitted.places(rows))))


def standardised(rows: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Means (D,) and scales (D,) of rows (n, D), and the rows less the one, by the other."""
    mean, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), np.float32(1e-6))
    return mean, scale, (rows - mean) / scale


def principal_components(standard: FloatArray, count: int) -> Floats:
    """(D, K) principal components, each scaled to variance 1."""
    found = PCA(min(count, *standard.shape), svd_solver="covariance_eigh").fit(standard)
    matrix: Floats = found.components_.T / np.sqrt(found.explained_variance_)
    return matrix


def _discriminants(standard: FloatArray, owners: Owners, shrinkage: float = _SHRINKAGE) -> Floats:
    """(D, K) linear discriminants: unit variance within people, the directions of most variance between."""
    count = min(_DISCRIMINANTS, len(np.unique(owners)) - 1)
    people = np.unique(owners)
    found = LinearDiscriminantAnalysis(
        solver="eigen", shrinkage=shrinkage, n_components=count, priors=np.full(len(people), 1 / len(people))
    ).fit(standard, owners)
    matrix: Floats = found.scalings_[:, :count]
    return matrix


def _single(array: Floats | FloatArray) -> FloatArray:
    return np.ascontiguousarray(array, np.float32)
