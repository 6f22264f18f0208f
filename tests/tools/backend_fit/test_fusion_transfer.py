"""Fusions for kinds of sensors with few known people, or none."""

from __future__ import annotations

import numpy as np

from encoder.pose import BONE_COLUMNS, DIRECTION_COLUMNS, POSE_WIDTH
from gallery.scoring.evidence.registry import STATISTICS
from gallery.scoring.fusion import FusionModel
from gallery.scoring.track_statistics import TrackStatistics
from stream.body import FloatArray
from tools.backend_fit.fusion_fit import DescribedWalk
from tools.backend_fit.fusion_transfer import fit_for_any_sensor, fit_for_few_people

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
    assert rank1(fit_for_few_people(FEW, MANY), others, "1") >= 0.9
    # Without other gaits in the training data, other gaits are not recognised.
    one_gait = fit_for_few_people(walks(4, 2, offset=3.0), MANY)
    assert rank1(one_gait, others, "1") <= 0.6


def test_the_fusion_for_any_sensor_uses_bone_lengths_and_directions_only() -> None:
    model = fit_for_any_sensor(poses(FEW), poses(MANY), NUMBERS)
    windows = MANY[0].windows
    disturbed = windows + 50
    portable = slice(BONE_COLUMNS.start, DIRECTION_COLUMNS.stop)
    disturbed[:, portable] = windows[:, portable]
    np.testing.assert_array_equal(model.windows.project(disturbed), model.windows.project(windows))
    assert rank1(model, walks(12, 4, gaits=(0.0, 6.0), offset=1.5), "1") >= 0.9


def test_projected_windows_have_unit_length() -> None:
    for model in (fit_for_few_people(FEW, MANY), fit_for_any_sensor(poses(FEW), poses(MANY), NUMBERS)):
        projected = model.windows.project(MANY[0].windows)
        np.testing.assert_allclose(np.linalg.norm(projected, axis=1), 1, atol=1e-5)


def test_the_cohort_is_half_the_few_and_half_the_shifted_many() -> None:
    model = fit_for_few_people(FEW, MANY)
    few, many = (np.concatenate([walk.windows for walk in walk_set]) for walk_set in (FEW, MANY))
    many = many - many.mean(axis=0) + few.mean(axis=0)
    probe = model.windows.project(FEW[0].windows[:5])
    products = [probe @ model.windows.project(each).T for each in (few, many)]
    mean = np.mean([each.mean(axis=1) for each in products], axis=0)
    variance = np.mean([each.var(axis=1) for each in products], axis=0)
    np.testing.assert_allclose(model.windows.background(probe), mean + 2 * np.sqrt(variance), atol=1e-4)


def test_mean_walks_identify_people_across_gaits() -> None:
    model = fit_for_few_people(FEW, MANY)
    others = walks(12, 3, gaits=(0.0, 6.0), offset=3.0)
    statistics = np.ones(STATISTICS, np.float32)
    (place,) = (n for n, evidence in enumerate(model.evidence) if evidence.name == "walks")
    evidence = model.evidence[place]
    enrolled, probes = (
        [model.enrol(walk.windows, statistics).evidence[place] for walk in others if walk.walk == name]
        for name in "01"
    )
    reference = evidence.reference([[walk] for walk in enrolled])
    similarity = np.concatenate([evidence.similarity(evidence.as_track(walk), reference) for walk in probes])
    assert np.mean(similarity.argmax(axis=1) == np.arange(12)) >= 0.9


def test_the_fusion_for_any_sensor_has_no_cohort_and_no_evidence() -> None:
    model = fit_for_any_sensor(poses(FEW), poses(MANY), NUMBERS)
    described = MANY[0].windows
    np.testing.assert_array_equal(model.windows.background(model.windows.project(described)), 0)
    statistics = np.ones(STATISTICS, np.float32)
    people = model.reference([[model.enrol(own, statistics)] for own in (described, described[:3])])
    track = TrackStatistics(model)
    for window in (
        np.random.default_rng(5).standard_normal((30, 6, CAGE + POSE_WIDTH)).astype(np.float32) ** 2
    ):
        track.add(window)
    np.testing.assert_array_equal(track.scores(people), [0, 0])
