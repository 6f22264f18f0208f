"""Fusions for kinds of sensors with few known people, or none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from encoder.pose import BONE_COLUMNS, DIRECTION_COLUMNS, POSE_WIDTH
from gallery.scoring.fusion import FusionModel
from stream.body import FloatArray
from tools.backend_fit.fusion_fit import DescribedWalk
from tools.backend_fit.fusion_transfer import fit_bones, fit_for_any_sensor, fit_for_few_people

CAGE = 12
NUMBERS = POSE_WIDTH + CAGE
GAIT = BONE_COLUMNS.start + 3
"""A number that differs between the many, and varies with the gait of the few."""
DISCRIMINATING = slice(BONE_COLUMNS.start, BONE_COLUMNS.start + 8)


def walks(
    people: int, seed: int, gaits: tuple[float, ...] = (0.0, 0.0), offset: float = 0.0
) -> list[DescribedWalk]:
    """Returns walks of people who differ in a few numbers; the gait of a walk shifts one of these."""
    random = np.random.default_rng(seed)
    found = []
    for person in range(people):
        own = np.zeros(NUMBERS)
        own[DISCRIMINATING] = random.standard_normal(8)
        for walk, gait in enumerate(gaits):
            windows = offset + own + 0.3 * random.standard_normal((40, NUMBERS))
            windows[:, GAIT] += gait
            found.append(DescribedWalk(person, str(walk), windows.astype(np.float32)))
    return found


MANY = walks(40, 1)
FEW = walks(4, 2, gaits=(0.0, 6.0, -6.0), offset=3.0)


BONES = fit_bones([MANY, FEW])
NO_PORTABLE = np.zeros((NUMBERS, 0), np.float32)


def few_people(*sites: list[DescribedWalk]) -> FusionModel:
    return fit_for_few_people(sites, MANY, NO_PORTABLE, BONES)


def any_sensor() -> FusionModel:
    return fit_for_any_sensor(poses(FEW), poses(MANY), NUMBERS, BONES)


def poses(walk_set: list[DescribedWalk]) -> list[DescribedWalk]:
    return [DescribedWalk(walk.person, walk.walk, walk.windows[:, :POSE_WIDTH]) for walk in walk_set]


def mean_rows(model: FusionModel, walk: DescribedWalk) -> FloatArray:
    rows: FloatArray = model.windows.project(walk.windows).mean(axis=0)
    return rows / np.linalg.norm(rows)


def rank1(model: FusionModel, walk_set: list[DescribedWalk], probe_walk: str) -> float:
    """Returns Rank-1 of the walks of that name, with the first walk of each person enrolled."""
    first = np.stack([mean_rows(model, walk) for walk in walk_set if walk.walk == "0"])
    probes = [walk for walk in walk_set if walk.walk == probe_walk]
    named = [int((first @ mean_rows(model, walk)).argmax()) for walk in probes]
    return float(np.mean([walk.person == place for walk, place in zip(probes, named, strict=True)]))


def test_variation_within_the_few_gets_a_low_weight() -> None:
    others = walks(12, 3, gaits=(0.0, 6.0), offset=3.0)
    assert rank1(few_people(FEW), others, "1") >= 0.9
    # Without other gaits in the training data, other gaits are not recognised.
    one_gait = few_people(walks(4, 2, offset=3.0))
    assert rank1(one_gait, others, "1") <= 0.6


def test_the_fusion_for_any_sensor_uses_bone_lengths_and_directions_only() -> None:
    model = any_sensor()
    windows = MANY[0].windows
    disturbed = windows + 50
    portable = slice(BONE_COLUMNS.start, DIRECTION_COLUMNS.stop)
    disturbed[:, portable] = windows[:, portable]
    np.testing.assert_array_equal(model.windows.project(disturbed), model.windows.project(windows))
    assert rank1(model, walks(12, 4, gaits=(0.0, 6.0), offset=1.5), "1") >= 0.9


def test_projected_windows_have_unit_length() -> None:
    for model in (few_people(FEW), any_sensor()):
        projected = model.windows.project(MANY[0].windows)
        np.testing.assert_allclose(np.linalg.norm(projected, axis=1), 1, atol=1e-5)


def test_the_cohort_is_half_the_few_and_half_the_shifted_many() -> None:
    model = few_people(FEW)
    few, many = (np.concatenate([walk.windows for walk in walk_set]) for walk_set in (FEW, MANY))
    many = many - many.mean(axis=0) + few.mean(axis=0)
    probe = model.windows.project(FEW[0].windows[:5])
    products = [probe @ model.windows.project(each).T for each in (few, many)]
    mean = np.mean([each.mean(axis=1) for each in products], axis=0)
    variance = np.mean([each.var(axis=1) for each in products], axis=0)
    np.testing.assert_allclose(model.windows.background(probe), mean + 2 * np.sqrt(variance), atol=1e-4)


def test_sites_count_alike_and_are_centred_each_on_its_own_mean() -> None:
    there = walks(3, 5, gaits=(0.0, 6.0, -6.0), offset=-2.0)
    twice = [replace(walk, walk=f"{walk.walk}-again") for walk in FEW]
    once, again = few_people(FEW, there), few_people([*FEW, *twice], there)
    means = [np.concatenate([walk.windows for walk in site]).mean(axis=0) for site in (FEW, there)]
    np.testing.assert_allclose(once.windows.directions.mean, np.mean(means, axis=0), atol=1e-4)
    np.testing.assert_allclose(
        once.windows.directions.discriminants, again.windows.directions.discriminants, atol=1e-3
    )
    # A site that is moved as a whole changes nothing but the common mean.
    moved = few_people(FEW, [replace(walk, windows=walk.windows + 1) for walk in there])
    for part in ("whitening", "discriminants"):
        one, other = (getattr(model.windows.directions, part) for model in (once, moved))
        np.testing.assert_allclose(one, other, atol=1e-2)


def test_bones_are_scaled_by_their_variation_within_people() -> None:
    random = np.random.default_rng(7)
    scales = np.where(np.arange(19) < 10, 0.01, 0.1)
    site = []
    for person in range(40):
        own = np.log(0.3) + 0.2 * random.standard_normal(19)
        for walk in range(6):
            windows = np.zeros((5, NUMBERS), np.float32)
            windows[:, BONE_COLUMNS] = np.exp(own + scales * random.standard_normal(19))
            site.append(DescribedWalk(person, str(walk), windows))
    bones = fit_bones([site])
    people = bones.reference([[np.zeros(19, np.float32)]])
    for bone, scale in ((3, 0.01), (15, 0.1)):
        moved = np.zeros((1, 19), np.float32)
        moved[0, bone] = scale
        # One of 19 bones is off by one standard deviation.
        assert bones.similarity((moved,), people)[0, 0] == pytest.approx(-1 / np.sqrt(19), rel=0.25)


def test_the_fusion_for_any_sensor_has_no_cohort_and_compares_bones() -> None:
    model = any_sensor()
    described = MANY[0].windows
    np.testing.assert_array_equal(model.windows.background(model.windows.project(described)), 0)
    assert {name for name, weight in model.weights.items() if weight} == {
        "windows",
        "discriminants",
        "bones",
        "site",
    }
