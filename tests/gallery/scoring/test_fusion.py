"""The fusion of windows and segments against literal definitions, and what the live path makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import numpy as np
import pytest
import scipy.linalg
from numpy.typing import NDArray

from encoder.pose import DEVIATIONS, JOINTS, POSE
from gallery.matcher import Finding, Matcher
from gallery.matcher_settings import SourceCard
from gallery.scoring.backend import Backend
from gallery.scoring.calibration import Calibration, ImpostorScores
from gallery.scoring.cohort import Cohort, Discriminants
from gallery.scoring.fusion import FusionModel, FusionWeights
from gallery.scoring.segments import (
    COORDINATION,
    SEGMENT_STEP,
    SEGMENT_WINDOWS,
    STATISTICS,
    SWING,
    Segments,
    describe_windows,
    segment_statistics,
    segments_of,
)
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.track_statistics import Trail
from gallery.scoring.window_directions import WindowDirections
from gallery.store.records import PersonTemplates
from stream.body import FloatArray
from stream.bus.messages import Row, Tick
from stream.skeleton import CANONICAL

F, CAGE = 6, 8
RANDOM = np.random.default_rng(11)
DESCRIBED = POSE + CAGE
SENSOR = "kinect-v1"


def floats(*shape: int) -> FloatArray:
    return RANDOM.standard_normal(shape).astype(np.float32)


def units(*shape: int) -> FloatArray:
    rows = floats(*shape)
    found: FloatArray = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return found


def told(others: FloatArray) -> Cohort:
    covariance = np.cov(others, rowvar=False, ddof=0).astype(np.float32)
    return Cohort(others.mean(axis=0), covariance)


WINDOW_COHORT, WALK_COHORT = units(30, 9), units(40, 3)
SWING_COHORT, COORDINATION_COHORT = units(70, 6), units(60, 8)
"""What the cohorts are told by their means and covariances."""

USUAL = 2.0
SWINGING, COORDINATED = SWING.stop, STATISTICS - SWING.stop
MODEL = FusionModel(
    directions=WindowDirections(floats(DESCRIBED), floats(DESCRIBED, 5), floats(DESCRIBED, 4)),
    cohort=told(WINDOW_COHORT),
    walks=Discriminants(floats(DESCRIBED), floats(DESCRIBED, 3), told(WALK_COHORT)),
    swing=Discriminants(floats(SWINGING), floats(SWINGING, 6), told(SWING_COHORT)),
    coordination=Discriminants(floats(COORDINATED), floats(COORDINATED, 8), told(COORDINATION_COHORT)),
    weights=FusionWeights(
        discriminants=0.5,
        windows=3.0,
        means=0.4,
        walks=0.15,
        swing=0.25,
        coordination=0.35,
        steadiness=0.3,
        usual=USUAL,
    ),
)
FLAT = ImpostorScores("test", 1, (1,), (1,), (0.5, 0.001), ((-9.0, -9.0),), (0.0,))
BACKEND = Backend(calibration=Calibration({SENSOR: FLAT}), fusions={SENSOR: MODEL})


def person(seed: int, windows: int) -> FloatArray:
    """Somebody's windows: a stance of their own, and noise."""
    random = np.random.default_rng(seed)
    own = random.standard_normal((1, 1, CAGE + POSE))
    rows = own + 0.3 * random.standard_normal((windows, F, CAGE + POSE))
    rows[:, :, CAGE:][:, :, DEVIATIONS] **= 2
    found: FloatArray = rows.astype(np.float32)
    return found


def walked(rows: FloatArray) -> FloatArray:
    """The mean statistics of somebody's segments."""
    found: FloatArray = segments_of(describe_windows(rows)).mean(axis=0)
    return found


def cosine(a: FloatArray, b: FloatArray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_a_window_is_described_by_means_and_deviations() -> None:
    rows = person(1, 3)
    found = describe_windows(rows)
    assert found.shape == (3, DESCRIBED)
    cages, pose = rows[:, :, :CAGE], rows[:, :, CAGE:]
    plain = DEVIATIONS.start
    np.testing.assert_allclose(found[:, :plain], pose.mean(axis=1)[:, :plain], atol=1e-5)
    deviations = np.sqrt(pose[:, :, DEVIATIONS].mean(axis=1))
    np.testing.assert_allclose(found[:, DEVIATIONS], deviations, atol=1e-5)
    np.testing.assert_allclose(found[:, POSE:], cages.mean(axis=1), atol=1e-5)


def test_a_segment_is_described_by_its_spread_and_its_swing() -> None:
    described = describe_windows(person(1, 50))
    found = segment_statistics(described)
    assert found.shape == (STATISTICS,)
    for column in (0, 100, POSE - 1):
        ordered = np.sort(described[:, column])
        low, high = np.quantile(ordered, (0.25, 0.75))
        expected = (np.median(ordered), high - low, ordered.mean(), ordered.std())
        assert found[column : 4 * POSE : POSE] == pytest.approx(expected, abs=1e-5)
    time = np.arange(50)
    for place, frequency in ((0, 1), (5, 6), (12, 13)):
        for joint in (0, 56):
            swing = described[:, JOINTS][:, joint].astype(float)
            swing = (swing - swing.mean()) * np.hanning(50)
            wave = np.exp(-2j * np.pi * frequency * time / 64)
            amplitude = found[4 * POSE + place * 57 + joint]
            assert amplitude == pytest.approx(abs((swing * wave).sum()) / 50, abs=1e-5)


def limbs(described: FloatArray) -> NDArray[np.float64]:
    """Wrists, knees, ankles and the head of a segment's windows, less their means, (m, 21)."""
    names = ("WristLeft", "WristRight", "KneeLeft", "KneeRight", "AnkleLeft", "AnkleRight", "Head")
    joints = described[:, JOINTS].reshape(len(described), 19, 3).astype(float)
    found: NDArray[np.float64] = np.concatenate(
        [
            joints[:, CANONICAL.index(name) - 1] - joints[:, CANONICAL.index(name) - 1].mean(axis=0)
            for name in names
        ],
        axis=1,
    )
    return found


@pytest.mark.parametrize("windows", [50, 30, 3, 1])
def test_a_segment_is_described_by_how_limbs_move_together(windows: int) -> None:
    described = describe_windows(person(1, windows))
    found, moved = segment_statistics(described)[COORDINATION], limbs(described)
    covariance = 0.9 * moved.T @ moved / windows
    covariance += 0.1 * np.eye(21) * np.trace(moved.T @ moved) / windows / 21
    if windows == 1:
        covariance = 1e-8 * np.eye(21)  # nobody moves in one window
    logarithm = scipy.linalg.logm(covariance)
    upper = [logarithm[row, column] for row in range(21) for column in range(row, 21)]
    np.testing.assert_allclose(found[:231], upper, atol=1e-4)
    for place, lag in ((231, 2), (672, 4)):
        pairs = [np.outer(moved[n], moved[n - lag]) for n in range(lag, windows)]
        expected = np.sum(pairs, axis=0) / windows if pairs else np.zeros((21, 21))
        np.testing.assert_allclose(found[place : place + 441], expected.ravel(), atol=1e-5)


def test_a_walk_enrolled_with_other_numbers_says_nothing_by_its_segments() -> None:
    described = describe_windows(person(1, 60))
    for old in (np.zeros(0, np.float32), np.ones(SWING.stop, np.float32)):
        assert not MODEL.enrolled(described, old).segments.any()
        walks = [MODEL.enrolled(described, statistics) for statistics in (old, walked(person(1, 60)))]
        assert MODEL.portraits([walks]).steadiness == 0, "how alike they are is not known"
        people = MODEL.portraits([walks[:1]])
        standing = MODEL.segment_standings(MODEL.segments(segments_of(described)[:1]))
        assert np.isfinite(MODEL.by_segments(np.array([50]), standing, people)).all()


@pytest.mark.parametrize("windows", [0, 7, 30, 50, 75, 123])
def test_segments_come_as_the_windows_do(windows: int) -> None:
    described, segments = describe_windows(person(1, max(windows, 1))), Segments()
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


def test_segments_begin_every_second_and_a_short_walk_is_one() -> None:
    described = describe_windows(person(1, 75))
    found = segments_of(described)
    assert len(found) == 3
    np.testing.assert_array_equal(found[2], segment_statistics(described[20:70]))
    np.testing.assert_array_equal(segments_of(described[:30])[0], segment_statistics(described[:30]))


def test_windows_are_compared_by_two_parts() -> None:
    described = describe_windows(person(1, 2))
    one, other = MODEL.windows(described)
    centred = described - MODEL.directions.mean
    white = [row @ MODEL.directions.whitening for row in centred]
    people = [row @ MODEL.directions.discriminants for row in centred]
    expected = (cosine(*white) + 0.25 * cosine(*people)) / 1.25
    assert float(one @ other) == pytest.approx(expected, abs=1e-5)


Standing = tuple[FloatArray, float, float]


def literal_standing(direction: FloatArray, cohort: FloatArray) -> Standing:
    unit = direction / np.linalg.norm(direction)
    products = [float(unit @ other) for other in cohort]
    return unit, float(np.mean(products)), float(np.std(products))


def literal_likeness(probe: Standing, person: Standing) -> float:
    product = float(probe[0] @ person[0])
    return float(np.mean([(product - common) / spread for _, common, spread in (probe, person)]))


def along(what: Discriminants, row: FloatArray) -> FloatArray:
    """A unit vector along discriminants."""
    place = (row - what.mean) @ what.matrix
    unit: FloatArray = (place / np.linalg.norm(place)).astype(np.float32)
    return unit


def mean_place(rows: FloatArray) -> FloatArray:
    """Where the mean description of a walk lies."""
    return along(MODEL.walks, describe_windows(rows).mean(axis=0))


def literal_commonness(window: FloatArray) -> float:
    products = [float(window @ other) for other in WINDOW_COHORT]
    return float(np.mean(products) + 2 * np.std(products))


def literal_score(rows: FloatArray, enrolled: FloatArray) -> float:
    """What a whole enrolled walk scores against another."""
    windows, others = (MODEL.windows(describe_windows(each)) for each in (rows, enrolled))
    above = [max(float(one @ other) for other in others) - literal_commonness(one) for one in windows]
    of_walks = (literal_standing(mean_place(each), WALK_COHORT) for each in (rows, enrolled))
    score = 3.0 * float(np.mean(above)) + 0.15 * literal_likeness(*of_walks)
    return score + literal_by_segments([walked(rows)], [walked(enrolled)])


def literal_by_segments(probe: Sequence[FloatArray], person: Sequence[FloatArray], seen: int = 100) -> float:
    """What segments (each (S,)) of a track score against those of somebody's walks after so many windows."""
    score = 0.0
    for weight, what, part, cohort in (
        (0.25 * min(1, seen / 50), MODEL.swing, SWING, SWING_COHORT),
        (0.35 * min(1, seen / 100), MODEL.coordination, COORDINATION, COORDINATION_COHORT),
    ):
        sums = (np.sum([along(what, one[part]) for one in several], axis=0) for several in (probe, person))
        score += weight * literal_likeness(*(literal_standing(each, cohort) for each in sums))
    return score


def steadiness(*walks: FloatArray, usual: float = USUAL) -> float:
    """What the model says of somebody's walks."""
    model = replace(MODEL, weights=msgspec.structs.replace(MODEL.weights, usual=usual))
    own = [model.enrolled(describe_windows(rows), walked(rows)) for rows in walks]
    return float(model.portraits([own]).steadiness[0])


def test_how_steady_people_are_is_what_their_walks_score_against_each_other() -> None:
    walks = person(1, 60), person(5, 40), person(1, 50)
    pairs = [(one, other) for one in walks for other in walks if one is not other]
    expected = np.mean([literal_score(*pair) for pair in pairs]) - USUAL
    assert -2 < expected < 1, "the example says nothing"
    assert steadiness(*walks) == pytest.approx(expected, abs=1e-4)


def test_steadiness_is_bounded_and_wants_two_walks() -> None:
    one, other = person(1, 60), person(1, 50)
    assert steadiness(one, usual=-50) == steadiness(one, usual=50) == 0
    assert steadiness(one, other, usual=-50) == 1
    assert steadiness(one, other, usual=50) == -2


def test_the_bar_is_lower_for_the_unsteady_and_moves_with_the_evidence() -> None:
    walks = [MODEL.enrolled(describe_windows(rows), walked(rows)) for rows in (person(1, 60), person(1, 50))]
    people = MODEL.portraits([walks])._replace(steadiness=np.array([1.0, 0.0, -2.0]))
    found = MODEL.by_steadiness(np.array([1, 25, 80]), people)
    np.testing.assert_allclose(found, [[-0.006, 0, 0.012], [-0.15, 0, 0.3], [-0.3, 0, 0.6]])


def test_the_trail_is_the_mean_of_the_segments_so_far() -> None:
    rows = person(2, 95)
    described = describe_windows(rows)
    trail = Trail(MODEL)
    for n, window in enumerate(rows, 1):
        trail.add(window)
        if n < SEGMENT_STEP:
            assert trail.standing is None
            continue
        seen = n - n % SEGMENT_STEP
        whole = segments_of(described[:seen])
        assert trail.standing is not None
        for what, part, cohort, standing in (
            (MODEL.swing, SWING, SWING_COHORT, trail.standing.swing),
            (MODEL.coordination, COORDINATION, COORDINATION_COHORT, trail.standing.coordination),
        ):
            places = [along(what, segment[part]) for segment in whole]
            direction, common, spread = literal_standing(np.sum(places, axis=0), cohort)
            np.testing.assert_allclose(standing.directions[0], direction, atol=1e-4)
            assert standing.common[0] == pytest.approx(common, abs=1e-4)
            assert standing.spread[0] == pytest.approx(spread, abs=1e-4)


def test_windows_without_pose_numbers_have_no_trail() -> None:
    trail = Trail(None)
    trail.add(np.ones((F, CAGE), np.float32))
    assert trail.segments.windows == 0
    assert not trail.segments.mean.any()


def walk(subject: Matcher, rows: FloatArray) -> list[Finding]:
    findings: list[Finding] = []
    for k, window in enumerate(rows):
        row = Row(1, k * 100_000_000, k * 100_000_000 + 166_666_667, 7, 1.0)
        findings += subject.observe(Tick(0, 0, k, "c", (1, *window.shape), (row,)), window[None])
    return findings


@pytest.mark.parametrize("seen", [7, 23, 73, 112])
def test_a_tracks_score_is_what_windows_and_segments_say(seen: int) -> None:
    enrolled = {1: [person(1, 60), person(1, 64)], 2: [person(2, 50)]}
    templates = [
        PersonTemplates(number, f"p{number}", SENSOR, rows, walked(rows))
        for number, walks in enrolled.items()
        for rows in walks
    ]
    subject = Matcher((SourceCard("a", SENSOR, False),), F, 0.01, TemplateIndex(templates, BACKEND, [SENSOR]))
    probe = person(2, seen)
    last = walk(subject, probe)[-1]

    windows = MODEL.windows(describe_windows(probe))
    common = [literal_commonness(window) for window in windows]
    expected = {}
    for number, walks in enrolled.items():
        own = np.concatenate([MODEL.windows(describe_windows(rows)) for rows in walks])
        nearest = [max(float(window @ template) for template in own) for window in windows]
        expected[number] = 3.0 * np.mean(np.array(nearest) - common)
        of_means = float(windows.mean(axis=0) @ own.mean(axis=0)) / np.linalg.norm(own.mean(axis=0))
        expected[number] += 3.0 * 0.4 * (1 - min(1, seen / 50)) * (of_means - np.mean(common))
        of_track = literal_standing(mean_place(probe), WALK_COHORT)
        of_person = literal_standing(np.sum([mean_place(rows) for rows in walks], axis=0), WALK_COHORT)
        expected[number] += 0.15 * min(1, seen / 10) * literal_likeness(of_track, of_person)
        if seen >= SEGMENT_STEP:
            whole = segments_of(describe_windows(probe)[: seen - seen % SEGMENT_STEP])
            expected[number] += literal_by_segments(list(whole), [walked(rows) for rows in walks], seen)
        expected[number] -= 0.3 * min(1, seen / 50) * steadiness(*walks)
    assert last.candidate == "p2"
    assert last.score == pytest.approx(expected[2], abs=1e-3)
    assert last.margin == pytest.approx(expected[2] - expected[1], abs=1e-3)


def test_nobody_enrolled_by_this_kind_of_sensor_is_said() -> None:
    templates = [PersonTemplates(1, "ada", "kinect-v2", person(1, 20))]
    subject = Matcher((SourceCard("a", SENSOR, False),), F, 0.01, TemplateIndex(templates, BACKEND, [SENSOR]))
    last = walk(subject, person(1, 20))[-1]
    assert (last.state, last.candidate, last.reason) == ("unknown", None, "enrolled on another sensor")
