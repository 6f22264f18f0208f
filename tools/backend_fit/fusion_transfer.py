"""Fits a fusion for kinds of sensors with few known people, using many people of another kind of sensor.

How people differ is learned from the many: differences of five people would describe only these five. How one
person varies with view, sensor noise and gait can be learned from few people who walk in many ways. So the
discriminants are the directions in which the many differ most, relative to the variation of the few. Settings
were chosen on five people of the pathological gaits, each two recognised with the other three and KGBD people
1-80, and on KGBD people 81-100.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from encoder.pose import BONE_COLUMNS, DIRECTION_COLUMNS
from gallery.scoring.cohort import Cohort, unit
from gallery.scoring.descriptions import segment_means
from gallery.scoring.evidence.mean_walk import MeanWalk
from gallery.scoring.evidence.mean_window import MeanWindow
from gallery.scoring.evidence.registry import EVIDENCE
from gallery.scoring.fusion import FusionModel, fusion_weights
from gallery.scoring.window_comparison import WindowDirections
from stream.body import FloatArray
from tools.backend_fit.discriminants import discriminants
from tools.backend_fit.fusion_fit import (
    DescribedWalk,
    fit_cohort,
    principal_components,
    standardise,
    without_cohort,
)

__all__ = ["fit_for_any_sensor", "fit_for_few_people"]

_WHITENED = 128
_PORTABLE = slice(BONE_COLUMNS.start, DIRECTION_COLUMNS.stop)
"""Bone lengths and directions: joints and CAGEs depend more on a sensor's own view and noise."""

Floats = NDArray[np.float64]


class _Settings(NamedTuple):
    """Settings of discriminants."""

    few_share: float
    """Weight, 0..1, of the few people in the within-person covariance."""
    shrinkage: float
    """Shrinkage of that covariance towards its diagonal."""
    directions: int
    """Maximum number of directions."""


_FEW_PEOPLE = _Settings(0.75, 0.1, 64)
# Few people do not show the usual consistency of one person's walks, so it has no weight; segments are longer
# than these walks.
_FEW_PEOPLE_WEIGHTS = fusion_weights(
    **{kind.name: 0.0 for kind in EVIDENCE if kind not in (MeanWindow, MeanWalk)}
)
_ANY_SENSOR = _Settings(0.5, 0.1, 32)
# Without segments to replace it, a fading mean window would make long tracks differ from short ones.
_ANY_SENSOR_WEIGHTS = fusion_weights(**{kind.name: 0.0 for kind in EVIDENCE})


def fit_for_few_people(few: Sequence[DescribedWalk], many: Sequence[DescribedWalk]) -> FusionModel:
    """Fits a fusion for a kind of sensor with few known people.

    Args:
        few: walks in front of such a sensor, of at least two people, in all conditions to be recognised.
        many: walks of many people in front of another kind of sensor.

    Returns:
        A fusion without segment evidence. Half of its cohorts are the few, half are the many shifted to the
        few's mean: the few alone are too small a background.
    """
    windows = _windows(few)
    mean, scale, standard = standardise(windows)
    whitening = principal_components(standard, _WHITENED) / scale[:, None]
    model = _model(mean, whitening, _discriminants(few, many, _FEW_PEOPLE), _FEW_PEOPLE_WEIGHTS)
    cohort = _mixed_cohort(windows, _windows(many), model.windows.project)
    comparison = replace(model.windows, cohort=cohort)
    return replace(model, windows=comparison).with_evidence(MeanWindow(comparison), _mean_walk(few, many))


def _mean_walk(few: Sequence[DescribedWalk], many: Sequence[DescribedWalk]) -> MeanWalk:
    """Fits the evidence of mean descriptions, over stretches no longer than a segment."""
    few_means, many_means = (
        [replace(walk, windows=segment_means(walk.windows)) for walk in walks] for walks in (few, many)
    )
    rows = _windows(few_means)
    walks = without_cohort(rows.mean(axis=0), _discriminants(few_means, many_means, _FEW_PEOPLE))
    cohort = _mixed_cohort(rows, _windows(many_means), lambda each: unit(walks.project(each)))
    return MeanWalk(replace(walks, cohort=cohort))


def _mixed_cohort(few: FloatArray, many: FloatArray, project: Callable[[FloatArray], FloatArray]) -> Cohort:
    """Fits a cohort, half to the few and half to the many, shifted to the few's mean.

    Args:
        few: (n, D) descriptions.
        many: (m, D).
        project: turns descriptions into directions.
    """
    halves = fit_cohort(project(few)), fit_cohort(project(many - many.mean(axis=0) + few.mean(axis=0)))
    mean = np.mean([half.mean for half in halves], axis=0)
    return Cohort(mean, np.mean([half.covariance for half in halves], axis=0))


def fit_for_any_sensor(
    few: Sequence[DescribedWalk], many: Sequence[DescribedWalk], numbers: int
) -> FusionModel:
    """Fits a fusion for kinds of sensors without known people: bone lengths and directions, no whitening.

    Args:
        few: walks of few people in front of one kind of sensor, in many conditions; perturbed poses
            (`tools.backend_fit.perturbation`).
        many: the same of many people in front of another.
        numbers: D, of a description; numbers behind the pose are not used.

    Returns:
        A fusion of window similarity alone, without a cohort, centred between the two kinds of sensors.
    """
    mean = np.mean([_windows(walks).mean(axis=0) for walks in (few, many)], axis=0)
    portable = _discriminants(few, many, _ANY_SENSOR, _PORTABLE)
    matrix = np.zeros((numbers, portable.shape[1]))
    matrix[_PORTABLE] = portable
    return _model(np.pad(mean, (0, numbers - len(mean))), np.zeros((numbers, 0)), matrix, _ANY_SENSOR_WEIGHTS)


def _model(mean: FloatArray, whitening: Floats, matrix: Floats, weights: dict[str, float]) -> FusionModel:
    single = (array.astype(np.float32) for array in (mean, whitening, matrix))
    return FusionModel.of_windows(WindowDirections(*single), weights)


def _discriminants(
    few: Sequence[DescribedWalk],
    many: Sequence[DescribedWalk],
    settings: _Settings,
    numbers: slice = slice(None),
) -> Floats:
    """Returns directions (D, K) of unit variance within people and the largest variance between them.

    Args:
        few: show how a person varies.
        many: show that, too, and how people differ.
        settings: see `_Settings`.
        numbers: the numbers of a description that are used.
    """
    few_share, shrinkage, max_directions = settings
    within_few, _ = _scatter(few, numbers)
    within_many, between = _scatter(many, numbers)
    within = few_share * within_few + (1 - few_share) * within_many
    count = min(max_directions, len({walk.person for walk in many}) - 1)
    return discriminants(within, between, count, shrinkage)


def _scatter(walks: Sequence[DescribedWalk], numbers: slice) -> tuple[Floats, Floats]:
    """Returns covariances (D, D): of windows around their person's mean, and of the people's means."""
    within: Floats | float = 0.0
    means = []
    count = 0
    for person in sorted({walk.person for walk in walks}):
        own = _windows([walk for walk in walks if walk.person == person])[:, numbers].astype(np.float64)
        means.append(own.mean(axis=0))
        centred = own - means[-1]
        within = within + centred.T @ centred
        count += len(own)
    return np.asarray(within) / count, np.cov(np.stack(means), rowvar=False)


def _windows(walks: Sequence[DescribedWalk]) -> FloatArray:
    return np.concatenate([walk.windows for walk in walks])
