"""Fits a fusion for kinds of sensors with few known people, using many people of another kind of sensor.

How people differ is learned from the many: differences of few people would describe only these few. How one
person varies with view, sensor noise and gait can be learned from few people who walk in many ways. So the
discriminants are the directions in which the many differ most, relative to the variation of the few. Each
site of the few, people before one sensor in one room, counts alike and is centred on its own mean, as the
live system centres on its site (`gallery.scoring.fusion.FusionModel.at_site`). Settings were chosen with a
site left out; see `tools.trials.left_out_sites`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from encoder.pose import BONE_COLUMNS, DIRECTION_COLUMNS
from gallery.scoring.cohort import Cohort
from gallery.scoring.evidence.bone_lengths import BoneLengths, median_bones
from gallery.scoring.evidence.registry import EVIDENCE
from gallery.scoring.fusion import FusionModel, fusion_weights
from gallery.scoring.window_comparison import WindowDirections
from stream.body import FloatArray
from tools.backend_fit.discriminants import discriminants, shrink_covariance
from tools.backend_fit.fusion_fit import DescribedWalk, fit_cohort, principal_components, standardise

__all__ = ["Site", "fit_bones", "fit_for_any_sensor", "fit_for_few_people"]

Site = Sequence[DescribedWalk]
"""Walks of people before one kind of sensor in one room."""

_WHITENED = 128
_PORTABLE = slice(BONE_COLUMNS.start, DIRECTION_COLUMNS.stop)
"""Bone lengths and directions: joints and CAGEs depend more on a sensor's own view and noise."""
_BONE_SHRINKAGE = 0.1

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
_ANY_SENSOR = _Settings(0.5, 0.1, 32)
# Few people do not show the usual consistency of one person's walks; segments are longer than their walks.
# Before a sensor that was left out, mean windows and mean walks added nothing.
_WEIGHTS = fusion_weights(**{kind.name: 0.0 for kind in EVIDENCE} | {"bones": 0.2, "site": 1.0})


def fit_for_few_people(
    sites: Sequence[Site], many: Sequence[DescribedWalk], portable: FloatArray, bones: BoneLengths
) -> FusionModel:
    """Fits a fusion for a kind of sensor with few known people.

    Args:
        sites: walks in front of such sensors, each of at least two people, in all conditions to be
            recognised.
        many: walks of many people in front of another kind of sensor.
        portable: (D, K3) portable directions, those of the fusion for any sensor.
        bones: see `fit_bones`.

    Returns:
        A fusion of windows and bone lengths. Half of its cohort are the few, half are the many shifted to the
        few's mean: the few alone are too small a background.
    """
    means = [_windows(site).mean(axis=0) for site in sites]
    centred = np.concatenate(
        [_evenly(_windows(site) - mean, sites) for site, mean in zip(sites, means, strict=True)]
    )
    _, scale, standard = standardise(centred)
    whitening = principal_components(standard, _WHITENED) / scale[:, None]
    mean = np.mean(means, axis=0)
    model = _model(mean, whitening, _discriminants(sites, many, _FEW_PEOPLE), portable)
    projected = [model.windows.project(rows + mean) for rows in (centred, _centred(many))]
    comparison = replace(model.windows, cohort=_mixed_cohort(*projected))
    return replace(model, windows=comparison).with_evidence(bones)


def _mixed_cohort(*halves: FloatArray) -> Cohort:
    """Fits a cohort to which each set of directions (n, K) contributes alike."""
    cohorts = [fit_cohort(half) for half in halves]
    mean = np.mean([half.mean for half in cohorts], axis=0)
    return Cohort(mean, np.mean([half.covariance for half in cohorts], axis=0))


def fit_bones(sites: Sequence[Site]) -> BoneLengths:
    """Fits the evidence of bone lengths to their covariance within people, at which all sites count alike."""
    covariances = []
    for site in sites:
        medians = {
            person: np.stack([median_bones(walk.windows) for walk in own]) for person, own in _people(site)
        }
        rest = [own - own.mean(axis=0) for own in medians.values() if len(own) > 1]
        rows = np.concatenate(rest).astype(np.float64)
        covariances.append(rows.T @ rows / (len(rows) - len(rest)))
    within = shrink_covariance(np.mean(covariances, axis=0), _BONE_SHRINKAGE)
    # A millionth of squared log length, 0.1 % of a bone: rigid bones of simulated people do not vary.
    matrix = np.linalg.cholesky(np.linalg.inv(within + 1e-6 * np.eye(len(within))))
    return BoneLengths(matrix.astype(np.float32))


def fit_for_any_sensor(
    few: Sequence[DescribedWalk], many: Sequence[DescribedWalk], numbers: int, bones: BoneLengths
) -> FusionModel:
    """Fits a fusion for kinds of sensors without known people: bone lengths and directions, no whitening.

    Args:
        few: walks of few people in front of one kind of sensor, in many conditions; perturbed poses
            (`tools.backend_fit.perturbation`).
        many: the same of many people in front of another.
        numbers: D, of a description; numbers behind the pose are not used.
        bones: see `fit_bones`.

    Returns:
        A fusion of windows and bone lengths, without a cohort, centred between the two kinds of sensors.
    """
    mean = np.mean([_windows(walks).mean(axis=0) for walks in (few, many)], axis=0)
    portable = _discriminants([few], many, _ANY_SENSOR, _PORTABLE)
    matrix = np.zeros((numbers, portable.shape[1]))
    matrix[_PORTABLE] = portable
    none = np.zeros((numbers, 0))
    return _model(np.pad(mean, (0, numbers - len(mean))), none, none, matrix).with_evidence(bones)


def _model(mean: FloatArray, whitening: Floats, matrix: Floats, portable: FloatArray | Floats) -> FusionModel:
    single = (array.astype(np.float32) for array in (mean, whitening, matrix, portable))
    return FusionModel.of_windows(WindowDirections(*single), _WEIGHTS)


def _discriminants(
    sites: Sequence[Site],
    many: Sequence[DescribedWalk],
    settings: _Settings,
    numbers: slice = slice(None),
) -> Floats:
    """Returns directions (D, K) of unit variance within people and the largest variance between them.

    Args:
        sites: show how a person varies.
        many: show that, too, and how people differ.
        settings: see `_Settings`.
        numbers: the numbers of a description that are used.
    """
    few_share, shrinkage, max_directions = settings
    within_few = np.mean([_scatter(site, numbers)[0] for site in sites], axis=0)
    within_many, between = _scatter(many, numbers)
    within = few_share * within_few + (1 - few_share) * within_many
    count = min(max_directions, len({walk.person for walk in many}) - 1)
    return discriminants(within, between, count, shrinkage)


def _scatter(walks: Sequence[DescribedWalk], numbers: slice) -> tuple[Floats, Floats]:
    """Returns covariances (D, D): of windows around their person's mean, and of the people's means."""
    within: Floats | float = 0.0
    means = []
    count = 0
    for _, walks_of_one in _people(walks):
        own = _windows(walks_of_one)[:, numbers].astype(np.float64)
        means.append(own.mean(axis=0))
        centred = own - means[-1]
        within = within + centred.T @ centred
        count += len(own)
    return np.asarray(within) / count, np.cov(np.stack(means), rowvar=False)


def _people(walks: Sequence[DescribedWalk]) -> list[tuple[int, list[DescribedWalk]]]:
    """Returns each person's walks, by ascending person."""
    people = sorted({walk.person for walk in walks})
    return [(person, [walk for walk in walks if walk.person == person]) for person in people]


def _windows(walks: Sequence[DescribedWalk]) -> FloatArray:
    return np.concatenate([walk.windows for walk in walks])


def _centred(walks: Sequence[DescribedWalk]) -> FloatArray:
    windows = _windows(walks)
    centred: FloatArray = windows - windows.mean(axis=0)
    return centred


def _evenly(rows: FloatArray, sites: Sequence[Site]) -> FloatArray:
    """Returns every n-th row, so that a site has less than about twice as many as the smallest."""
    smallest = min(sum(len(walk.windows) for walk in site) for site in sites)
    return rows[:: max(1, len(rows) // smallest)]
