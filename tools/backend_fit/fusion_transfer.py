"""Fitting a fusion for kinds of sensors of which few people are known, with what many show another kind.

How people differ is learned from the many: five people's differences would be theirs, and nobody else's. How
one and the same person varies, with the view, the sensor's noise and the gait, a few people show well enough,
walking in many ways: discriminants are the directions in which the many differ most, measured by what the
few vary in. Settings were chosen on five people of the pathological gaits, each two recognised by what the
other three and KGBD's people 1-80 had shown, and on KGBD's people 81-100.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from encoder.pose import BONES, DIRECTIONS
from gallery.scoring.cohort import Cohort, Discriminants, unit
from gallery.scoring.fusion import FusionModel, FusionWeights
from gallery.scoring.window_directions import WindowDirections
from stream.body import FloatArray
from tools.backend_fit.discriminants import discriminants
from tools.backend_fit.fusion_fit import (
    DescribedWalk,
    cohort_of,
    discriminants_alone,
    principal_components,
    segment_means,
    standardised,
    windows_alone,
)

__all__ = ["fit_for_any_sensor", "fit_for_few_people"]

_WHITENED = 128
_PORTABLE = slice(BONES.start, DIRECTIONS.stop)
"""Bone lengths and directions: joints and CAGEs carry more of a sensor's own view and noise."""

Floats = NDArray[np.float64]


class _Settings(NamedTuple):
    """Of discriminants."""

    share: float
    """Of the few in how people vary."""
    shrinkage: float
    """Of that, towards numbers that vary each for themselves."""
    directions: int


_OWN = _Settings(0.75, 0.1, 64)
# How much walks of one person usually resemble each other, so few people cannot say: no steadiness.
_OWN_WEIGHTS = FusionWeights(swing=0.0, coordination=0.0)
_ANY = _Settings(0.5, 0.1, 32)


def fit_for_few_people(few: Sequence[DescribedWalk], many: Sequence[DescribedWalk]) -> FusionModel:
    """For a kind of sensor of which few people are known.

    Args:
        few: walks that such a sensor saw, of two people at least, in all the ways in which people shall be
            recognised.
        many: walks of many people before another kind of sensor.

    Returns:
        A model without segments. Its cohorts are half of the few and half of the many, as if these had the
        few's mean: what the few resemble is too little to judge others by.
    """
    windows = _windows(few)
    mean, scale, standard = standardised(windows)
    whitening = principal_components(standard, _WHITENED) / scale[:, None]
    model = _model(mean, whitening, _discriminants(few, many, _OWN), _OWN_WEIGHTS)
    return replace(model, cohort=_both(windows, _windows(many), model.windows), walks=_walks(few, many))


def _walks(few: Sequence[DescribedWalk], many: Sequence[DescribedWalk]) -> Discriminants:
    """Of the mean descriptions of what is as long as a segment, or shorter."""
    few_means, many_means = (
        [replace(walk, windows=segment_means(walk.windows)) for walk in walks] for walks in (few, many)
    )
    rows = _windows(few_means)
    walks = discriminants_alone(rows.mean(axis=0), _discriminants(few_means, many_means, _OWN))
    cohort = _both(rows, _windows(many_means), lambda each: unit(walks.places(each)))
    return replace(walks, cohort=cohort)


def _both(few: FloatArray, many: FloatArray, seen: Callable[[FloatArray], FloatArray]) -> Cohort:
    """Half of directions of the few and half of the many's, these about the few's mean.

    Args:
        few: (n, D) descriptions.
        many: (m, D).
        seen: turns descriptions into directions.
    """
    halves = cohort_of(seen(few)), cohort_of(seen(many - many.mean(axis=0) + few.mean(axis=0)))
    mean = np.mean([half.mean for half in halves], axis=0)
    return Cohort(mean, np.mean([half.covariance for half in halves], axis=0))


def fit_for_any_sensor(
    few: Sequence[DescribedWalk], many: Sequence[DescribedWalk], numbers: int
) -> FusionModel:
    """For kinds of sensors of which nobody is known: bone lengths and directions alone, nothing whitened.

    Args:
        few: walks of few people before one kind of sensor, in many ways; poses as
            `tools.backend_fit.perturbation` has them.
        many: the same of many people before another.
        numbers: D, of a description; those behind the pose count nothing.

    Returns:
        A model of windows alone, without a cohort, centred between the two kinds.
    """
    mean = np.mean([_windows(walks).mean(axis=0) for walks in (few, many)], axis=0)
    portable = _discriminants(few, many, _ANY, _PORTABLE)
    discriminants = np.zeros((numbers, portable.shape[1]))
    discriminants[_PORTABLE] = portable
    # With no segments to take its place, a fading likeness of means would make long tracks unlike short ones.
    weights = FusionWeights(means=0.0, walks=0.0, swing=0.0, coordination=0.0)
    return _model(np.pad(mean, (0, numbers - len(mean))), np.zeros((numbers, 0)), discriminants, weights)


def _model(mean: FloatArray, whitening: Floats, discriminants: Floats, weights: FusionWeights) -> FusionModel:
    mean, whitened, people = (array.astype(np.float32) for array in (mean, whitening, discriminants))
    return windows_alone(WindowDirections(mean, whitened, people), weights)


def _discriminants(
    few: Sequence[DescribedWalk],
    many: Sequence[DescribedWalk],
    settings: _Settings,
    numbers: slice = slice(None),
) -> Floats:
    """(D, K) of some numbers of a description: unit variance within people, most variance between them.

    Args:
        few: show how a person varies.
        many: show it, too, and how people differ.
        settings: how both are weighed.
        numbers: which.
    """
    share, shrinkage, most = settings
    within_few, _ = _scatter(few, numbers)
    within_many, between = _scatter(many, numbers)
    within = share * within_few + (1 - share) * within_many
    count = min(most, len({walk.person for walk in many}) - 1)
    return discriminants(within, between, count, shrinkage)


def _scatter(walks: Sequence[DescribedWalk], numbers: slice) -> tuple[Floats, Floats]:
    """Covariances (D, D) of windows about their person's mean, and of the people's means."""
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
