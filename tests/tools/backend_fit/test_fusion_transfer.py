"""Fusions for kinds of sensors of which few people, or none, are known."""

from __future__ import annotations

import numpy as np

from encoder.pose import BONES, DIRECTIONS, POSE
from gallery.scoring.fusion import FusionModel
from gallery.scoring.segments import STATISTICS
from gallery.scoring.track_statistics import Trail
from stream.body import FloatArray
from tools.backend_fit.fusion_fit import DescribedWalk
from tools.backend_fit.fusion_transfer import fit_for_any_sensor, fit_for_few_people

CAGE = 12
NUMBERS = POSE + CAGE
GAIT = BONES.start + 3
"""A number that tells the many apart, and that the few change with their gait."""
TELLING = slice(BONES.start, BONES.start + 8)


def walks(
    people: int, seed: int, gaits: tuple[float, ...] = (0.0, 0.0), offset: float = 0.0
) -> list[DescribedWalk]:
    """People who differ in a few numbers, and walks of each whose gait shifts one of these."""
    random = np.random.default_rng(seed)
    found = []
    for person in range(people):
        own = np.zeros(NUMBERS)
        own[TELLING] = random.standard_normal(8)
        for walk, gait in enumerate(gaits):
            windows = offset + own + 0.3 * random.standard_normal((40, NUMBERS))
            windows[:, GAIT] += gait
            found.append(DescribedWalk(person, str(walk), windows.astype(np.float32)))
    return found


MANY = walks(40, 1)
FEW = walks(4, 2, gaits=(0.0, 6.0, -6.0), offset=3.0)


def poses(walk_set: list[DescribedWalk]) -> list[DescribedWalk]:
    return [DescribedWalk(walk.person, walk.walk, walk.windows[:, :POSE]) for walk in walk_set]


def mean_rows(model: FusionModel, walk: DescribedWalk) -> FloatArray:
    rows: FloatArray = model.windows(walk.windows).mean(axis=0)
    return rows / np.linalg.norm(rows)


def right_names(model: FusionModel, walk_set: list[DescribedWalk], asked: str) -> float:
    """The share of people whose walk `asked` is most like their own first walk."""
    first = np.stack([mean_rows(model, walk) for walk in walk_set if walk.walk == "0"])
    probes = [walk for walk in walk_set if walk.walk == asked]
    named = [int((first @ mean_rows(model, walk)).argmax()) for walk in probes]
    return float(np.mean([walk.person == place for walk, place in zip(probes, named, strict=True)]))


def test_what_the_few_vary_in_counts_little() -> None:
    others = walks(12, 3, gaits=(0.0, 6.0), offset=3.0)
    assert right_names(fit_for_few_people(FEW, MANY), others, "1") >= 0.9
    # Whoever has shown one gait alone has taught nothing of another.
    unmoved = fit_for_few_people(walks(4, 2, offset=3.0), MANY)
    assert right_names(unmoved, others, "1") <= 0.6


def test_a_model_for_any_sensor_sees_bones_and_their_directions_alone() -> None:
    model = fit_for_any_sensor(poses(FEW), poses(MANY), NUMBERS)
    windows = MANY[0].windows
    disturbed = windows + 50
    disturbed[:, BONES.start : DIRECTIONS.stop] = windows[:, BONES.start : DIRECTIONS.stop]
    np.testing.assert_array_equal(model.windows(disturbed), model.windows(windows))
    assert right_names(model, walks(12, 4, gaits=(0.0, 6.0), offset=1.5), "1") >= 0.9


def test_windows_are_of_unit_length() -> None:
    for model in (fit_for_few_people(FEW, MANY), fit_for_any_sensor(poses(FEW), poses(MANY), NUMBERS)):
        seen = model.windows(MANY[0].windows)
        np.testing.assert_allclose(np.linalg.norm(seen, axis=1), 1, atol=1e-5)


def test_the_cohort_of_few_people_is_half_of_theirs_and_half_of_the_manys() -> None:
    model = fit_for_few_people(FEW, MANY)
    few, many = (np.concatenate([walk.windows for walk in walk_set]) for walk_set in (FEW, MANY))
    many = many - many.mean(axis=0) + few.mean(axis=0)
    probe = model.windows(FEW[0].windows[:5])
    products = [probe @ model.windows(each).T for each in (few, many)]
    mean = np.mean([each.mean(axis=1) for each in products], axis=0)
    variance = np.mean([each.var(axis=1) for each in products], axis=0)
    np.testing.assert_allclose(model.commonness(probe), mean + 2 * np.sqrt(variance), atol=1e-4)


def test_walks_of_few_people_are_told_apart_whatever_their_gait() -> None:
    model = fit_for_few_people(FEW, MANY)
    others = walks(12, 3, gaits=(0.0, 6.0), offset=3.0)
    statistics = np.ones(STATISTICS, np.float32)
    enrolled, probes = (
        model.portraits([[model.enrolled(walk.windows, statistics)] for walk in others if walk.walk == which])
        for which in "01"
    )
    likeness = probes.walks.likeness(enrolled.walks)
    assert np.mean(likeness.argmax(axis=1) == np.arange(12)) >= 0.9


def test_any_sensor_compares_windows_alone_and_nobody_is_common() -> None:
    model = fit_for_any_sensor(poses(FEW), poses(MANY), NUMBERS)
    described = MANY[0].windows
    np.testing.assert_array_equal(model.commonness(model.windows(described)), 0)
    statistics = np.ones(STATISTICS, np.float32)
    people = model.portraits([[model.enrolled(own, statistics)] for own in (described, described[:3])])
    trail = Trail(model)
    for window in np.random.default_rng(5).standard_normal((30, 6, CAGE + POSE)).astype(np.float32) ** 2:
        trail.add(window)
    np.testing.assert_array_equal(trail.added(people), [0, 0])
