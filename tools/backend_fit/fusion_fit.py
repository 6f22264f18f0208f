"""Fits a fusion: window directions, the registered kinds of evidence and the cohorts, on many people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA  # type: ignore[import-untyped]

from gallery.scoring.cohort import Cohort, Discriminants, unit
from gallery.scoring.evidence.registry import EVIDENCE
from gallery.scoring.fusion import FusionModel, fusion_weights
from gallery.scoring.window_comparison import WindowComparison, WindowDirections
from stream.body import FloatArray
from tools.backend_fit.discriminants import Scatter, discriminants, scatter_of, shrink_covariance

__all__ = [
    "MIN_PEOPLE",
    "WEIGHTS",
    "DescribedWalk",
    "fit_cohort",
    "fit_fusion",
    "fit_window_directions",
    "principal_components",
    "standardise",
    "without_cohort",
]

MIN_PEOPLE = 20
"""Discriminants of fewer people do not generalise to others."""

_WHITENED = 128
_WINDOWS_PER_COMPONENT, _SEGMENTS_PER_COMPONENT = 20, 4
"""With fewer samples, components describe noise; a segment is less noisy than a window."""
_MIN_SHRINKAGE, _WINDOWS_PER_NUMBER = 0.005, 10
"""Shrinkage of the within-person covariance of windows; larger with fewer windows for each number."""
_DISCRIMINANTS = 64
_BETWEEN_WALKS = 8.0
"""Weight of a person's variation between walks, relative to that within a walk.

The windows and templates of one walk cover its variation; of the variation between walks, a probe is a single
sample.
"""

Floats = NDArray[np.float64]
Owners = NDArray[np.int64]

WEIGHTS = fusion_weights(steadiness=0.15, usual=4.3)
"""Weights for a fusion of many people who are enrolled by several walks.

`usual`: walks of one person score 4.1 to 4.5 on halves of KGBD people 1-100, by a fusion of the other half.
"""


@dataclass(frozen=True, slots=True, eq=False)
class DescribedWalk:
    """The window descriptions of one walk.

    Attributes:
        person: label of the person.
        walk: name of the walk among the person's walks.
        windows: (m, D) float32, see `gallery.scoring.descriptions.describe_windows`.
    """

    person: int
    walk: str
    windows: FloatArray = field(repr=False)


def fit_window_directions(windows: FloatArray, walks: Owners, people: Owners) -> WindowDirections:
    """Fits window directions to at least 20 windows of at least two people.

    Args:
        windows: (n, D), described.
        walks: (n,) label of each window's walk.
        people: (n,) label of each window's person.
    """
    mean, scale, standard = standardise(windows)
    scatter = scatter_of(standard, walks, people)
    within = _within_people(scatter)
    numbers = windows.shape[1]
    shrinkage = max(_MIN_SHRINKAGE, numbers / (numbers + _WINDOWS_PER_NUMBER * len(windows)))
    components = principal_components(standard, min(_WHITENED, len(windows) // _WINDOWS_PER_COMPONENT))
    whitening = components @ _whitening(components.T @ within @ components, shrinkage)
    found = _people_discriminants(scatter, shrinkage)
    return WindowDirections(
        _single(mean),
        _single(whitening / scale[:, None]),
        _single(found / scale[:, None]),
        np.zeros((numbers, 0), np.float32),
    )


def fit_fusion(walks: Sequence[DescribedWalk], weights: Mapping[str, float] = WEIGHTS) -> FusionModel:
    """Fits a fusion on people outside every gallery, with labels.

    Settings were chosen on KGBD people 1-100, with discriminants of one half and galleries of the other.

    Args:
        walks: of at least `MIN_PEOPLE` people, more than one walk of most.
        weights: of the fusion.

    Raises:
        ValueError: there are too few people.
    """
    people = np.array([walk.person for walk in walks])
    if len(set(people.tolist())) < MIN_PEOPLE:
        raise ValueError(f"walks: expected at least {MIN_PEOPLE} people, got {len(set(people.tolist()))}")
    described = [walk.windows for walk in walks]
    rows, each = _concatenate(described)
    directions = fit_window_directions(rows, each, people[each])
    windows = WindowComparison.without_cohort(directions, weights["discriminants"])
    windows = replace(windows, cohort=fit_cohort(windows.project(rows)))

    fit_discriminants = _DiscriminantFitter(people)
    evidence = tuple(
        kind.fit(described, windows, fit_discriminants) if weights[kind.name] else kind.empty(windows)
        for kind in EVIDENCE
    )
    return FusionModel(windows, evidence, weights)


def without_cohort(mean: NDArray[np.floating[Any]], matrix: NDArray[np.floating[Any]]) -> Discriminants:
    """Returns discriminants with an empty cohort, from a mean (S,) and directions (S, K)."""
    return Discriminants(_single(mean), _single(matrix), Cohort.empty(matrix.shape[1]))


def fit_cohort(directions: FloatArray) -> Cohort:
    """Fits a cohort to directions (n, K)."""
    mean = directions.mean(axis=0, dtype=np.float64)
    return Cohort(_single(mean), _single(np.atleast_2d(np.cov(directions, rowvar=False, ddof=0))))


def _concatenate(walks: Sequence[FloatArray]) -> tuple[FloatArray, Owners]:
    """Concatenates rows (m, S) of walks to (n, S), with the index (n,) of each row's walk."""
    return np.concatenate(walks), np.repeat(np.arange(len(walks)), [len(own) for own in walks])


@dataclass(frozen=True, slots=True, eq=False)
class _DiscriminantFitter:
    """Fits discriminants with a cohort; see `gallery.scoring.evidence.protocol.DiscriminantFitter`.

    Attributes:
        people: the person of each walk.
    """

    people: Owners

    def __call__(self, walks: Sequence[FloatArray], components: int, shrinkage: float) -> Discriminants:
        rows, each = _concatenate(walks)
        mean, scale, standard = standardise(rows)
        count = min(components, max(1, len(rows) // _SEGMENTS_PER_COMPONENT))
        basis = principal_components(standard, count)
        scatter = scatter_of((standard @ basis).astype(np.float32), each, self.people[each])
        found = basis @ _people_discriminants(scatter, shrinkage)
        fitted = without_cohort(mean, found / scale[:, None])
        return replace(fitted, cohort=fit_cohort(unit(fitted.project(rows))))


def standardise(rows: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Returns the mean (D,) and standard deviation (D,) of rows (n, D), and the standardised rows."""
    mean, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), np.float32(1e-6))
    return mean, scale, (rows - mean) / scale


def principal_components(standard: FloatArray, count: int) -> Floats:
    """Returns principal components (D, K), each scaled to variance 1."""
    found = PCA(min(count, *standard.shape), svd_solver="covariance_eigh").fit(standard)
    matrix: Floats = found.components_.T / np.sqrt(found.explained_variance_)
    return matrix


def _within_people(scatter: Scatter) -> Floats:
    return scatter.within_walks + _BETWEEN_WALKS * scatter.between_walks


def _people_discriminants(scatter: Scatter, shrinkage: float) -> Floats:
    count = min(_DISCRIMINANTS, scatter.people - 1)
    return discriminants(_within_people(scatter), scatter.between_people, count, shrinkage)


def _whitening(within: Floats, shrinkage: float) -> Floats:
    """Returns (K, K) that turns the within-person covariance into the identity."""
    found: Floats = np.linalg.cholesky(np.linalg.inv(shrink_covariance(within, shrinkage)))
    return found


def _single(array: NDArray[np.floating[Any]]) -> FloatArray:
    return np.ascontiguousarray(array, np.float32)
