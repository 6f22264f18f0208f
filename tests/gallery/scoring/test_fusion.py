"""The fusion of window similarity and track-level evidence, against literal definitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg
from numpy.typing import NDArray

from encoder.pose import DEVIATION_COLUMNS, JOINT_COLUMNS, POSE_WIDTH
from gallery.matcher import Matcher
from gallery.matcher_settings import SourceCard
from gallery.open_set_decision import TrackDecision
from gallery.scoring.backend import Backend
from gallery.scoring.cohort import Cohort, Discriminants
from gallery.scoring.descriptions import SEGMENT_STEP, SEGMENT_WINDOWS, describe_windows
from gallery.scoring.evidence.coordination import Coordination
from gallery.scoring.evidence.discriminant_evidence import SegmentEvidence
from gallery.scoring.evidence.mean_walk import MeanWalk
from gallery.scoring.evidence.mean_window import MeanWindow
from gallery.scoring.evidence.registry import EVIDENCE, STATISTICS, segment_statistics, statistics_slice
from gallery.scoring.evidence.swing import Swing
from gallery.scoring.fusion import FusionModel, ReferenceStatistics, fusion_weights
from gallery.scoring.segments import Segments, segments_of
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.track_statistics import TrackStatistics
from gallery.scoring.window_comparison import WindowComparison, WindowDirections
from gallery.store.records import PersonTemplates
from stream.body import FloatArray
from stream.bus.messages import Tick, TrackSplit, WindowRow
from stream.skeleton import CANONICAL
from tests.gallery.flat_visits import flat_visits

F, CAGE = 6, 8
RANDOM = np.random.default_rng(11)
DESCRIBED = POSE_WIDTH + CAGE
SENSOR = "kinect-v1"
SWING, COORDINATION = statistics_slice(Swing), statistics_slice(Coordination)


def floats(*shape: int) -> FloatArray:
    return RANDOM.standard_normal(shape).astype(np.float32)


def units(*shape: int) -> FloatArray:
    rows = floats(*shape)
    found: FloatArray = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return found


def fit_cohort(others: FloatArray) -> Cohort:
    covariance = np.cov(others, rowvar=False, ddof=0).astype(np.float32)
    return Cohort(others.mean(axis=0), covariance)


WINDOW_COHORT, WALK_COHORT = units(30, 9), units(40, 3)
SWING_COHORT, COORDINATION_COHORT = units(70, 6), units(60, 8)
"""Directions that the cohorts are fitted to."""

USUAL = 2.0
DIRECTIONS = WindowDirections(
    floats(DESCRIBED), floats(DESCRIBED, 5), floats(DESCRIBED, 4), np.zeros((DESCRIBED, 0), np.float32)
)
WINDOWS = WindowComparison(DIRECTIONS, fit_cohort(WINDOW_COHORT), 0.5)
MEAN_WALK = MeanWalk(Discriminants(floats(DESCRIBED), floats(DESCRIBED, 3), fit_cohort(WALK_COHORT)))
SWINGS = Swing(Discriminants(floats(Swing.numbers), floats(Swing.numbers, 6), fit_cohort(SWING_COHORT)))
COORDINATIONS = Coordination(
    Discriminants(
        floats(Coordination.numbers), floats(Coordination.numbers, 8), fit_cohort(COORDINATION_COHORT)
    )
)
WEIGHTS = {kind.name: 0.0 for kind in EVIDENCE} | {
    "discriminants": 0.5,
    "windows": 3.0,
    "means": 0.4,
    "walks": 0.15,
    "swing": 0.25,
    "coordination": 0.35,
    "steadiness": 0.3,
    "usual": USUAL,
}
"""Weights of the kinds of evidence tested here; 0 for others that are registered."""

MODEL = replace(FusionModel.of_windows(DIRECTIONS, fusion_weights(**WEIGHTS)), windows=WINDOWS).with_evidence(
    MeanWindow(WINDOWS), MEAN_WALK, SWINGS, COORDINATIONS
)
BACKEND = Backend(fusions={SENSOR: MODEL}, visits={SENSOR: flat_visits(-9.0)})


def synthetic_windows(seed: int, windows: int) -> FloatArray:
    """Returns encoded windows (windows, F, D) of a synthetic person: constant numbers plus noise."""
    random = np.random.default_rng(seed)
    own = random.standard_normal((1, 1, CAGE + POSE_WIDTH))
    rows = own + 0.3 * random.standard_normal((windows, F, CAGE + POSE_WIDTH))
    rows[:, :, CAGE:][:, :, DEVIATION_COLUMNS] **= 2
    found: FloatArray = rows.astype(np.float32)
    return found


def mean_segment(rows: FloatArray) -> FloatArray:
    """Returns the mean statistics of the segments of a walk."""
    found: FloatArray = segments_of(describe_windows(rows)).mean(axis=0)
    return found


def cosine(a: FloatArray, b: FloatArray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_a_window_description_has_means_and_root_mean_square_deviations() -> None:
    rows = synthetic_windows(1, 3)
    found = describe_windows(rows)
    assert found.shape == (3, DESCRIBED)
    cages, pose = rows[:, :, :CAGE], rows[:, :, CAGE:]
    plain = DEVIATION_COLUMNS.start
    np.testing.assert_allclose(found[:, :plain], pose.mean(axis=1)[:, :plain], atol=1e-5)
    deviations = np.sqrt(pose[:, :, DEVIATION_COLUMNS].mean(axis=1))
    np.testing.assert_allclose(found[:, DEVIATION_COLUMNS], deviations, atol=1e-5)
    np.testing.assert_allclose(found[:, POSE_WIDTH:], cages.mean(axis=1), atol=1e-5)


def test_segment_statistics_have_order_statistics_and_amplitudes() -> None:
    described = describe_windows(synthetic_windows(1, 50))
    found = segment_statistics(described)
    assert found.shape == (STATISTICS,)
    for column in (0, 100, POSE_WIDTH - 1):
        ordered = np.sort(described[:, column])
        low, high = np.quantile(ordered, (0.25, 0.75))
        expected = (np.median(ordered), high - low, ordered.mean(), ordered.std())
        assert found[column : 4 * POSE_WIDTH : POSE_WIDTH] == pytest.approx(expected, abs=1e-5)
    time = np.arange(50)
    for place, frequency in ((0, 1), (5, 6), (12, 13)):
        for joint in (0, 56):
            swing = described[:, JOINT_COLUMNS][:, joint].astype(float)
            swing = (swing - swing.mean()) * np.hanning(50)
            wave = np.exp(-2j * np.pi * frequency * time / 64)
            amplitude = found[4 * POSE_WIDTH + place * 57 + joint]
            assert amplitude == pytest.approx(abs((swing * wave).sum()) / 50, abs=1e-5)


def limbs(described: FloatArray) -> NDArray[np.float64]:
    """Returns the centred coordinates of wrists, knees, ankles and head in a segment, (m, 21)."""
    names = ("WristLeft", "WristRight", "KneeLeft", "KneeRight", "AnkleLeft", "AnkleRight", "Head")
    joints = described[:, JOINT_COLUMNS].reshape(len(described), 19, 3).astype(float)
    found: NDArray[np.float64] = np.concatenate(
        [
            joints[:, CANONICAL.index(name) - 1] - joints[:, CANONICAL.index(name) - 1].mean(axis=0)
            for name in names
        ],
        axis=1,
    )
    return found


@pytest.mark.parametrize("windows", [50, 30, 3, 1])
def test_segment_statistics_have_covariances_of_limbs(windows: int) -> None:
    described = describe_windows(synthetic_windows(1, windows))
    found, moved = segment_statistics(described)[COORDINATION], limbs(described)
    covariance = 0.9 * moved.T @ moved / windows
    covariance += 0.1 * np.eye(21) * np.trace(moved.T @ moved) / windows / 21
    if windows == 1:
        covariance = 1e-8 * np.eye(21)  # a single window has no movement
    logarithm = scipy.linalg.logm(covariance)
    upper = [logarithm[row, column] for row in range(21) for column in range(row, 21)]
    np.testing.assert_allclose(found[:231], upper, atol=1e-4)
    for place, lag in ((231, 2), (672, 4)):
        pairs = [np.outer(moved[n], moved[n - lag]) for n in range(lag, windows)]
        expected = np.sum(pairs, axis=0) / windows if pairs else np.zeros((21, 21))
        np.testing.assert_allclose(found[place : place + 441], expected.ravel(), atol=1e-5)


def test_statistics_of_another_length_are_not_compared() -> None:
    described = describe_windows(synthetic_windows(1, 60))
    for old in (np.zeros(0, np.float32), np.ones(SWING.stop, np.float32)):
        enrolled = MODEL.enrol(described, old)
        assert not enrolled.complete
        assert not any(numbers.any() for numbers in enrolled.evidence[2:4])
        walks = [
            MODEL.enrol(described, statistics) for statistics in (old, mean_segment(synthetic_windows(1, 60)))
        ]
        assert MODEL.reference([walks]).consistency == 0, "expected 0 without segment statistics"
        track = TrackStatistics(MODEL)
        for window in synthetic_windows(1, 60):
            track.add(window)
        scores = track.scores(MODEL.reference([walks[:1]]))
        assert scores is not None
        assert np.isfinite(scores).all()


@pytest.mark.parametrize("windows", [0, 7, 30, 50, 75, 123])
def test_running_segments_equal_those_of_the_whole_walk(windows: int) -> None:
    described, segments = describe_windows(synthetic_windows(1, max(windows, 1))), Segments()
    for n, window in enumerate(described[:windows], 1):
        newest = segments.add(window)
        if n % SEGMENT_STEP:
            assert newest is None
        else:
            begin = max(0, n - SEGMENT_WINDOWS)
            assert newest is not None
            np.testing.assert_array_equal(newest, segment_statistics(described[begin:n]))
    assert segments.windows == windows
    expected = segments_of(described).mean(axis=0) if windows else np.zeros(STATISTICS)
    np.testing.assert_allclose(segments.mean, expected, atol=1e-5)


def test_segments_start_every_second_and_a_short_walk_is_one_segment() -> None:
    described = describe_windows(synthetic_windows(1, 75))
    found = segments_of(described)
    assert len(found) == 3
    np.testing.assert_array_equal(found[2], segment_statistics(described[20:70]))
    np.testing.assert_array_equal(segments_of(described[:30])[0], segment_statistics(described[:30]))


def test_the_window_similarity_combines_whitened_discriminant_and_portable_parts() -> None:
    described = describe_windows(synthetic_windows(1, 2))
    directions = replace(DIRECTIONS, portable=floats(DESCRIBED, 3))
    one, other = directions.project(described, 0.5)
    centred = described - MODEL.windows.directions.mean
    white = [row @ MODEL.windows.directions.whitening for row in centred]
    people = [row @ MODEL.windows.directions.discriminants for row in centred]
    portable = [row @ directions.portable for row in centred]
    expected = (cosine(*white) + 0.25 * cosine(*people) + cosine(*portable)) / 2.25
    assert float(one @ other) == pytest.approx(expected, abs=1e-5)


def test_a_site_moves_the_mean_description_towards_its_people() -> None:
    model = replace(MODEL, weights={**MODEL.weights, "site": 0.5})
    people = [floats(DESCRIBED) for _ in range(3)]
    found = model.at_site(people)
    own = DIRECTIONS.mean
    expected = (own + 0.5 * sum(people)) / (1 + 0.5 * 3)
    np.testing.assert_allclose(found.windows.directions.mean, expected, atol=1e-5)
    (walk,) = (each for each in found.evidence if isinstance(each, MeanWalk))
    moved = walk.discriminants.mean - MEAN_WALK.discriminants.mean
    np.testing.assert_allclose(moved, expected - own, atol=1e-5)
    (means,) = (each for each in found.evidence if isinstance(each, MeanWindow))
    assert means.windows is found.windows
    assert model.at_site([]) is model
    assert MODEL.at_site(people) is MODEL


def test_what_a_sensor_changes_in_everybody_alike_matters_less_before_more_people() -> None:
    """The same people before a sensor that shifts all descriptions get nearer to their scores elsewhere."""
    model = replace(MODEL, weights={**MODEL.weights, "site": 1.0})
    shift = 3 * floats(1, 1, CAGE + POSE_WIDTH)
    shift[:, :, CAGE:][:, :, DEVIATION_COLUMNS] = 0
    errors = []
    for count in (1, 4, 16):
        people = [synthetic_windows(seed, 4) for seed in range(count)]
        here, there = (
            TemplateIndex(
                [
                    PersonTemplates(n, str(n), SENSOR, rows + by, mean_segment(rows))
                    for n, rows in enumerate(people)
                ],
                Backend(fusions={SENSOR: model}),
                [SENSOR],
            )
            for by in (np.float32(0), shift)
        )
        probe = synthetic_windows(0, 6)
        scores = [
            index.scores(index.describe(probe + by, SENSOR), SENSOR)[:, 0]
            for index, by in ((here, np.float32(0)), (there, shift))
        ]
        errors.append(float(np.abs(scores[1] - scores[0]).mean()))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.3 * errors[0]


CohortPosition = tuple[FloatArray, float, float]
"""A unit direction, and the mean and deviation of the cohort's similarity to it."""


def literal_position(direction: FloatArray, cohort: FloatArray) -> CohortPosition:
    unit = direction / np.linalg.norm(direction)
    products = [float(unit @ other) for other in cohort]
    return unit, float(np.mean(products)), float(np.std(products))


def literal_similarity(probe: CohortPosition, person: CohortPosition) -> float:
    product = float(probe[0] @ person[0])
    return float(np.mean([(product - common) / spread for _, common, spread in (probe, person)]))


def unit_projection(discriminants: Discriminants, row: FloatArray) -> FloatArray:
    """Returns the projection of a description onto discriminants, of unit length."""
    projected = (row - discriminants.mean) @ discriminants.matrix
    unit: FloatArray = (projected / np.linalg.norm(projected)).astype(np.float32)
    return unit


def mean_direction(rows: FloatArray) -> FloatArray:
    """Returns the projection of the mean description of a walk."""
    return unit_projection(MEAN_WALK.discriminants, describe_windows(rows).mean(axis=0))


def literal_background(window: FloatArray) -> float:
    products = [float(window @ other) for other in WINDOW_COHORT]
    return float(np.mean(products) + 2 * np.std(products))


def literal_score(rows: FloatArray, enrolled: FloatArray) -> float:
    """Returns the score of a whole enrolled walk against another."""
    windows, others = (MODEL.windows.project(describe_windows(each)) for each in (rows, enrolled))
    above = [max(float(one @ other) for other in others) - literal_background(one) for one in windows]
    of_walks = (literal_position(mean_direction(each), WALK_COHORT) for each in (rows, enrolled))
    score = 3.0 * float(np.mean(above)) + 0.15 * literal_similarity(*of_walks)
    return score + literal_segment_score([mean_segment(rows)], [mean_segment(enrolled)])


def literal_segment_score(
    probe: Sequence[FloatArray], person: Sequence[FloatArray], count: int = 100
) -> float:
    """Returns the weighted segment evidence after `count` windows.

    Args:
        probe: statistics (S,) of each segment of the track.
        person: mean statistics (S,) of each of the person's walks.
        count: windows of the track.
    """
    score = 0.0
    for weight, discriminants, part, cohort in (
        (0.25 * min(1, count / 50), SWINGS.discriminants, SWING, SWING_COHORT),
        (0.35 * min(1, count / 100), COORDINATIONS.discriminants, COORDINATION, COORDINATION_COHORT),
    ):
        sums = (
            np.sum([unit_projection(discriminants, one[part]) for one in several], axis=0)
            for several in (probe, person)
        )
        score += weight * literal_similarity(*(literal_position(each, cohort) for each in sums))
    return score


def consistency(*walks: FloatArray, usual: float = USUAL) -> float:
    """Returns the within-person consistency of walks."""
    model = replace(MODEL, weights={**MODEL.weights, "usual": usual})
    own = [model.enrol(describe_windows(rows), mean_segment(rows)) for rows in walks]
    return float(model.reference([own]).consistency[0])


def test_consistency_is_the_mean_score_of_a_persons_walks_against_each_other() -> None:
    walks = synthetic_windows(1, 60), synthetic_windows(5, 40), synthetic_windows(1, 50)
    pairs = [(one, other) for one in walks for other in walks if one is not other]
    expected = np.mean([literal_score(*pair) for pair in pairs]) - USUAL
    assert -2 < expected < 1, "expected an unclipped example"
    assert consistency(*walks) == pytest.approx(expected, abs=1e-4)


def test_consistency_is_clipped_and_needs_two_walks() -> None:
    one, other = synthetic_windows(1, 60), synthetic_windows(1, 50)
    assert consistency(one, usual=-50) == consistency(one, usual=50) == 0
    assert consistency(one, other, usual=-50) == 1
    assert consistency(one, other, usual=50) == -2


def test_inconsistent_people_get_higher_scores_as_windows_are_added() -> None:
    model = replace(MODEL, evidence=(), weights={**MODEL.weights})
    people = ReferenceStatistics((), np.array([1.0, 0.0, -2.0]))
    found = model.track_scores(np.array([1, 25, 80]), [], people)
    np.testing.assert_allclose(found, [[-0.006, 0, 0.012], [-0.15, 0, 0.3], [-0.3, 0, 0.6]])


def test_segment_evidence_is_the_sum_of_the_segments_so_far() -> None:
    rows = synthetic_windows(2, 95)
    described = describe_windows(rows)
    track = TrackStatistics(MODEL)
    kinds: tuple[tuple[SegmentEvidence, slice, FloatArray, int], ...] = (
        (SWINGS, SWING, SWING_COHORT, 2),
        (COORDINATIONS, COORDINATION, COORDINATION_COHORT, 3),
    )
    for n, window in enumerate(rows, 1):
        track.add(window)
        for evidence, part, cohort, place in kinds:
            (summed,) = track.states[place]
            if n < SEGMENT_STEP:
                assert evidence.share(np.array([n])) == 0
                assert not summed.any()
                continue
            whole = segments_of(described[: n - n % SEGMENT_STEP])
            projected = [unit_projection(evidence.discriminants, segment[part]) for segment in whole]
            direction, mean, spread = literal_position(np.sum(projected, axis=0), cohort)
            found = evidence.discriminants.statistics(summed[None])
            np.testing.assert_allclose(found.directions[0], direction, atol=1e-4)
            assert found.mean[0] == pytest.approx(mean, abs=1e-4)
            assert found.spread[0] == pytest.approx(spread, abs=1e-4)


def test_windows_without_pose_numbers_are_ignored() -> None:
    track = TrackStatistics(None)
    track.add(np.ones((F, CAGE), np.float32))
    assert track.segments.windows == 0
    assert not track.segments.mean.any()


def test_the_likeness_of_two_walks_is_that_of_their_mean_windows_above_the_background() -> None:
    one, other, stranger = synthetic_windows(1, 7), synthetic_windows(1, 30), synthetic_windows(2, 30)
    index = TemplateIndex([], BACKEND, [SENSOR])

    def literal(*walks: FloatArray) -> float:
        means = [MODEL.windows.project(describe_windows(rows)).mean(axis=0) for rows in walks]
        pair = [mean / np.linalg.norm(mean) for mean in means]
        return float(pair[0] @ pair[1]) - float(np.mean([literal_background(mean) for mean in pair]))

    found = index.likeness(one, other, SENSOR)
    assert found == pytest.approx(literal(one, other), abs=1e-4)
    assert index.likeness(other, one, SENSOR) == pytest.approx(found, abs=1e-6)
    apart = index.likeness(one, stranger, SENSOR)
    assert found is not None
    assert apart is not None
    assert found > apart
    assert TemplateIndex([], Backend(), [SENSOR]).likeness(one, other, SENSOR) is None


def observe(subject: Matcher, rows: FloatArray) -> list[TrackDecision]:
    decisions: list[TrackDecision] = []
    for k, window in enumerate(rows):
        row = WindowRow(1, k * 100_000_000, k * 100_000_000 + 166_666_667, 7, 1.0)
        decisions += subject.observe(Tick(0, 0, k, "c", (1, *window.shape), (row,)), window[None])
    return decisions


@pytest.mark.parametrize("count", [7, 23, 73, 112])
def test_the_score_of_a_track_combines_windows_and_evidence(count: int) -> None:
    enrolled = {1: [synthetic_windows(1, 60), synthetic_windows(1, 64)], 2: [synthetic_windows(2, 50)]}
    templates = [
        PersonTemplates(number, f"p{number}", SENSOR, rows, mean_segment(rows))
        for number, walks in enrolled.items()
        for rows in walks
    ]
    subject = Matcher((SourceCard("a", SENSOR, False),), F, 0.01, TemplateIndex(templates, BACKEND, [SENSOR]))
    probe = synthetic_windows(2, count)
    last = observe(subject, probe)[-1]

    windows = MODEL.windows.project(describe_windows(probe))
    common = [literal_background(window) for window in windows]
    expected = {}
    for number, walks in enrolled.items():
        own = np.concatenate([MODEL.windows.project(describe_windows(rows)) for rows in walks])
        nearest = [max(float(window @ template) for template in own) for window in windows]
        expected[number] = 3.0 * np.mean(np.array(nearest) - common)
        of_means = float(windows.mean(axis=0) @ own.mean(axis=0)) / np.linalg.norm(own.mean(axis=0))
        expected[number] += 3.0 * 0.4 * (1 - min(1, count / 50)) * (of_means - np.mean(common))
        of_track = literal_position(mean_direction(probe), WALK_COHORT)
        of_person = literal_position(np.sum([mean_direction(rows) for rows in walks], axis=0), WALK_COHORT)
        expected[number] += 0.15 * min(1, count / 10) * literal_similarity(of_track, of_person)
        if count >= SEGMENT_STEP:
            whole = segments_of(describe_windows(probe)[: count - count % SEGMENT_STEP])
            expected[number] += literal_segment_score(
                list(whole), [mean_segment(rows) for rows in walks], count
            )
        expected[number] -= 0.3 * min(1, count / 50) * consistency(*walks)
    assert last.candidate == "p2"
    assert last.score == pytest.approx(expected[2], abs=1e-3)
    assert last.margin == pytest.approx(expected[2] - expected[1], abs=1e-3)


def test_the_reason_states_that_people_are_enrolled_on_another_sensor() -> None:
    templates = [PersonTemplates(1, "ada", "kinect-v2", synthetic_windows(1, 20))]
    subject = Matcher((SourceCard("a", SENSOR, False),), F, 0.01, TemplateIndex(templates, BACKEND, [SENSOR]))
    last = observe(subject, synthetic_windows(1, 20))[-1]
    assert (last.state, last.candidate, last.reason) == ("unknown", None, "enrolled on another sensor")


def site_index(sensor: str, *people: int) -> TemplateIndex:
    """Returns people before a sensor whose scores are relative to the mean of the site."""
    weights = {**MODEL.weights, "site": 1.0, "means": 0.0, "walks": 0.0, "steadiness": 0.0}
    templates = [
        PersonTemplates(n, f"p{n}", sensor, rows, mean_segment(rows))
        for n, rows in ((n, synthetic_windows(n, 30)) for n in people)
    ]
    backend = Backend(fusions={sensor: replace(MODEL, weights=weights)})
    return TemplateIndex(templates, backend, [sensor])


def walk_on(subject: Matcher, rows: FloatArray, first: int) -> TrackDecision:
    decisions: list[TrackDecision] = []
    for k, window in enumerate(rows, first):
        row = WindowRow(1, k * 100_000_000, k * 100_000_000 + 166_666_667, 7, 1.0)
        tick = Tick(0, 0, k, "c", (1, *window.shape), (row,))
        decisions += subject.observe(tick, window[None])
    return decisions[-1]


@pytest.mark.parametrize("sensor", ["kinect-v2", "camera"])
@pytest.mark.parametrize(
    ("before", "after"), [((1,), (1, 2)), ((1, 2, 3), (1, 2)), ((1, 2), (2, 3, 4)), ((1,), ())]
)
def test_a_track_is_compared_anew_where_scores_depend_on_who_is_enrolled(
    sensor: str, before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    """People enrolled before and during a walk are compared relative to the same mean."""
    rows = synthetic_windows(2, 55)
    subject, fresh = (
        Matcher((SourceCard("a", sensor, False),), F, None, site_index(sensor, *people))
        for people in (before, after)
    )
    walk_on(subject, rows[:40], 0)
    subject.replace_index(site_index(sensor, *after))
    last, expected = walk_on(subject, rows[40:], 40), walk_on(fresh, rows, 0)
    found = {each.person: each.score for each in subject.rule(0.01).ranking(subject.tracks[1])}
    known = {each.person: each.score for each in fresh.rule(0.01).ranking(fresh.tracks[1])}
    assert found.keys() == known.keys() == set(after)
    for person in set(before) & set(after):
        assert found[person] == pytest.approx(known[person], abs=1e-4)
    assert last.candidate == expected.candidate


def test_windows_given_to_another_track_were_compared_anew_too() -> None:
    sensor = "kinect-v2"
    rows = synthetic_windows(2, 40)
    subject, fresh = (
        Matcher((SourceCard("a", sensor, False),), F, None, site_index(sensor, *people))
        for people in ((1, 3), (1, 2, 3))
    )
    walk_on(subject, rows, 0)
    subject.replace_index(site_index(sensor, 1, 2, 3))
    walk_on(fresh, rows, 0)
    for each in (subject, fresh):
        split = TrackSplit(1, 2, 20 * 100_000_000)
        each.observe(Tick(0, 0, 40, "c", (0, F, rows.shape[2]), (), splits=(split,)), rows[:0])
    found, known = (
        {each.person: each.score for each in run.rule(0.01).ranking(run.tracks[2])}
        for run in (subject, fresh)
    )
    assert found.keys() == known.keys() == {1, 2, 3}
    assert found == pytest.approx(known, abs=1e-4)


def test_an_ended_track_is_no_longer_compared_with_people_of_another_site_mean() -> None:
    subject = Matcher((SourceCard("a", "camera", False),), F, None, site_index("camera", 1))
    walk_on(subject, synthetic_windows(2, 20), 0)
    subject.end(1)
    subject.replace_index(site_index("camera", 1, 2))
    assert not subject.rule(0.01).ranking(subject.ended[1])
