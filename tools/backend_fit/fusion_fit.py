"""Fitting a fusion: principal components, linear discriminants of people, and how everybody walks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA  # type: ignore[import-untyped]

from gallery.scoring.cohort import Cohort, Discriminants, unit
from gallery.scoring.fusion import FusionModel, FusionWeights
from gallery.scoring.segments import COORDINATION, SWING, segment_slices, segments_of
from gallery.scoring.window_directions import WindowDirections
from stream.body import FloatArray
from tools.backend_fit.discriminants import Scatter, discriminants, scatter_of, shrunk

__all__ = [
    "LEAST_PEOPLE",
    "WEIGHTS",
    "DescribedWalk",
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
_WINDOWS_A_COMPONENT, _SEGMENTS_A_COMPONENT = 20, 4
"""The components of fewer would be their noise; a segment says more than a window."""
_LEAST_SHRINKAGE, _WINDOWS_A_NUMBER = 0.005, 10
"""What windows vary in is shrunk by so much; the more, the fewer windows there are for each number."""
_DISCRIMINANTS = 64
_SESSIONS = 8.0
"""How much what changes from walk to walk of a person counts beside what changes within one.

Of the latter, many windows and templates show all there is; of the former a probe shows one draw."""

Floats = NDArray[np.float64]
Owners = NDArray[np.int64]

WEIGHTS = FusionWeights(steadiness=0.15, usual=4.3)
"""Of parts that were fitted on many people who are enrolled by several walks: halves of KGBD's people 1-100
usually have 4.1 to 4.5, by a fusion of the other half each."""


class _Settings(NamedTuple):
    """Of discriminants of what describes some seconds."""

    components: int
    """Principal ones, at most; the discriminants are in these."""
    shrinkage: float


_WALKS = _Settings(200, 0.2)
_SEGMENTS = _Settings(400, 0.1)


@dataclass(frozen=True, slots=True, eq=False)
class DescribedWalk:
    """The windows of one walk.

    Attributes:
        person: who walks.
        walk: which of the person's walks.
        windows: (m, D) float32, see `gallery.scoring.segments.describe_windows`.
    """

    person: int
    walk: str
    windows: FloatArray = field(repr=False)


def fit_window_directions(windows: FloatArray, walks: Owners, people: Owners) -> WindowDirections:
    """Fit on at least two people's windows, and 20.

    Args:
        windows: (n, D), described.
        walks: (n,) of which walk each is.
        people: (n,) of whom.
    """
    mean, scale, standard = standardised(windows)
    scatter = scatter_of(standard, walks, people)
    within = _within(scatter)
    numbers = windows.shape[1]
    shrinkage = max(_LEAST_SHRINKAGE, numbers / (numbers + _WINDOWS_A_NUMBER * len(windows)))
    components = principal_components(standard, min(_WHITENED, len(windows) // _WINDOWS_A_COMPONENT))
    whitening = components @ _whitening(components.T @ within @ components, shrinkage)
    found = _discriminants(scatter, shrinkage)
    return WindowDirections(
        _single(mean), _single(whitening / scale[:, None]), _single(found / scale[:, None])
    )


def fit_fusion(walks: Sequence[DescribedWalk], weights: FusionWeights = WEIGHTS) -> FusionModel:
    """Fit on people outside every gallery; labels say whose walk is whose, and nothing else.

    Settings were chosen on KGBD's people 1-100, discriminants of one half of them and galleries of the other.

    Args:
        walks: of at least `LEAST_PEOPLE` people, more than one walk of most.
        weights: of the parts of a score.

    Raises:
        ValueError: they are too few people.
    """
    people = np.array([walk.person for walk in walks])
    if len(set(people.tolist())) < LEAST_PEOPLE:
        raise ValueError(f"walks: expected at least {LEAST_PEOPLE} people, got {len(set(people.tolist()))}")
    windows = [walk.windows for walk in walks]
    rows, each = _together(windows)
    model = windows_alone(fit_window_directions(rows, each, people[each]), weights)
    segments = [segments_of(own) for own in windows]
    return replace(
        model,
        cohort=cohort_of(model.windows(rows)),
        walks=_fit_discriminants([segment_means(own) for own in windows], people, _WALKS),
        swing=_fit_discriminants([own[:, SWING] for own in segments], people, _SEGMENTS),
        coordination=_fit_discriminants([own[:, COORDINATION] for own in segments], people, _SEGMENTS),
    )


def windows_alone(directions: WindowDirections, weights: FusionWeights) -> FusionModel:
    """A fusion of windows compared in these directions: no walks, no segments, no cohort."""
    return FusionModel(
        directions=directions,
        cohort=_nobody(directions.numbers),
        walks=_nothing_of(len(directions.mean)),
        swing=_nothing_of(SWING.stop - SWING.start),
        coordination=_nothing_of(COORDINATION.stop - COORDINATION.start),
        weights=weights,
    )


def discriminants_alone(mean: Floats | FloatArray, matrix: Floats | FloatArray) -> Discriminants:
    """Without a cohort: a mean (S,) and directions (S, K)."""
    return Discriminants(_single(mean), _single(matrix), _nobody(matrix.shape[1]))


def cohort_of(directions: FloatArray) -> Cohort:
    """A cohort of directions (n, K)."""
    mean = directions.mean(axis=0, dtype=np.float64)
    return Cohort(_single(mean), _single(np.atleast_2d(np.cov(directions, rowvar=False, ddof=0))))


def segment_means(described: FloatArray) -> FloatArray:
    """The mean descriptions (n, D) of a walk's segments, from its windows' (m, D)."""
    return np.stack([described[own].mean(axis=0) for own in segment_slices(len(described))])


def _nothing_of(numbers: int) -> Discriminants:
    return discriminants_alone(np.zeros(numbers), np.zeros((numbers, 0)))


def _nobody(directions: int) -> Cohort:
    return Cohort(np.zeros(directions, np.float32), np.zeros((directions, directions), np.float32))


def _together(walks: Sequence[FloatArray]) -> tuple[FloatArray, Owners]:
    """The rows of walks (each (m, S)) as (n, S), and (n,) of which walk each is."""
    return np.concatenate(walks), np.repeat(np.arange(len(walks)), [len(own) for own in walks])


def _fit_discriminants(walks: Sequence[FloatArray], people: Owners, settings: _Settings) -> Discriminants:
    """Of rows (m, S) of each walk, and whose each walk is."""
    rows, each = _together(walks)
    mean, scale, standard = standardised(rows)
    count = min(settings.components, max(1, len(rows) // _SEGMENTS_A_COMPONENT))
    components = principal_components(standard, count)
    scatter = scatter_of((standard @ components).astype(np.float32), each, people[each])
    found = components @ _discriminants(scatter, settings.shrinkage)
    fitted = discriminants_alone(mean, found / scale[:, None])
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


def _within(scatter: Scatter) -> Floats:
    return scatter.within_walks + _SESSIONS * scatter.between_walks


def _discriminants(scatter: Scatter, shrinkage: float) -> Floats:
    count = min(_DISCRIMINANTS, scatter.people - 1)
    return discriminants(_within(scatter), scatter.between_people, count, shrinkage)


def _whitening(within: Floats, shrinkage: float) -> Floats:
    """(K, K) by which numbers that vary like this within people do so by 1, each for itself."""
    found: Floats = np.linalg.cholesky(np.linalg.inv(shrunk(within, shrinkage)))
    return found


def _single(array: Floats | FloatArray) -> FloatArray:
    return np.ascontiguousarray(array, np.float32)
