"""The fusion of windows and segments against literal definitions, and what the live path makes of it."""

from __future__ import annotations

import numpy as np
import pytest

from encoder.pose import BONES, JOINTS, POSE
from gallery.backend import Backend
from gallery.calibration import Calibration, ImpostorScores
from gallery.fusion import (
    SEGMENT_STEP,
    SEGMENT_WINDOWS,
    FusionModel,
    FusionWeights,
    Trail,
    describe_windows,
    segment_statistics,
    segments_of,
)
from gallery.likeness import walk_segments
from gallery.matcher import Finding, Matcher
from gallery.orders import SourceCard
from gallery.records import PersonTemplates
from gallery.scoring import TemplateIndex
from stream.body import FloatArray
from stream.bus.messages import Row, Tick

F, CAGE = 6, 8
RANDOM = np.random.default_rng(11)
POSTURE = POSE + 57 + 19
DESCRIBED = POSTURE + CAGE
SENSOR = "kinect-v1"


def floats(*shape: int) -> FloatArray:
    return RANDOM.standard_normal(shape).astype(np.float32)


def units(*shape: int) -> FloatArray:
    rows = floats(*shape)
    found: FloatArray = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return found


MODEL = FusionModel(
    window_mean=floats(DESCRIBED),
    whitening=floats(DESCRIBED, 5),
    discriminants=floats(DESCRIBED, 4),
    window_clusters=units(30, 9),
    segment_mean=floats(2 * POSTURE),
    segment_matrix=floats(2 * POSTURE, 6),
    segment_clusters=units(70, 6),
    weights=FusionWeights(discriminants=0.5, windows=3.0, segments=0.25),
)
FLAT = ImpostorScores("test", 1, (1,), (1,), (0.5, 0.001), ((-9.0, -9.0),))
BACKEND = Backend(calibration=Calibration({SENSOR: FLAT}), fusions={SENSOR: MODEL})


def person(seed: int, windows: int) -> FloatArray:
    """Somebody's windows: a stance of their own, and noise."""
    random = np.random.default_rng(seed)
    own = random.standard_normal((1, 1, CAGE + POSE))
    return (own + 0.3 * random.standard_normal((windows, F, CAGE + POSE))).astype(np.float32)


def cosine(a: FloatArray, b: FloatArray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_a_window_is_described_by_means_and_deviations() -> None:
    rows = person(1, 3)
    found = describe_windows(rows)
    assert found.shape == (3, DESCRIBED)
    cages, pose = rows[:, :, :CAGE], rows[:, :, CAGE:]
    np.testing.assert_allclose(found[:, :POSE], pose.mean(axis=1), atol=1e-5)
    np.testing.assert_allclose(found[:, POSE : POSE + 57], pose[:, :, JOINTS].std(axis=1), atol=1e-5)
    np.testing.assert_allclose(found[:, POSE + 57 : POSTURE], pose[:, :, BONES].std(axis=1), atol=1e-5)
    np.testing.assert_allclose(found[:, POSTURE:], cages.mean(axis=1), atol=1e-5)


def test_a_segment_is_described_by_medians_and_quartiles() -> None:
    described = describe_windows(person(1, 50))
    found = segment_statistics(described)
    for column in (0, 100, POSTURE - 1):
        ordered = np.sort(described[:, column])
        assert found[column] == pytest.approx(np.median(ordered), abs=1e-5)
        low, high = np.quantile(ordered, (0.25, 0.75))
        assert found[POSTURE + column] == pytest.approx(high - low, abs=1e-5)


def test_segments_begin_every_second_and_a_short_walk_is_one() -> None:
    described = describe_windows(person(1, 75))
    found = segments_of(described)
    assert len(found) == 3
    np.testing.assert_array_equal(found[2], segment_statistics(described[20:70]))
    np.testing.assert_array_equal(segments_of(described[:30])[0], segment_statistics(described[:30]))


def test_windows_are_compared_by_two_parts() -> None:
    described = describe_windows(person(1, 2))
    one, other = MODEL.windows(described)
    centred = described - MODEL.window_mean
    white = [row @ MODEL.whitening for row in centred]
    people = [row @ MODEL.discriminants for row in centred]
    expected = (cosine(*white) + 0.25 * cosine(*people)) / 1.25
    assert float(one @ other) == pytest.approx(expected, abs=1e-5)


def literal_standing(direction: FloatArray) -> tuple[FloatArray, float, float]:
    mean = direction / np.linalg.norm(direction)
    near = sorted(float(mean @ cluster) for cluster in MODEL.segment_clusters)[-64:]
    return mean, float(np.mean(near)), float(np.std(near))


def test_the_trail_is_the_mean_of_the_segments_so_far() -> None:
    described = describe_windows(person(2, 95))
    trail = Trail(MODEL)
    for n, window in enumerate(described, 1):
        trail.add(window)
        assert trail.weight == pytest.approx(0.25 * min(1.0, n / SEGMENT_WINDOWS))
        if n < SEGMENT_STEP:
            assert trail.standing is None
            continue
        seen = n - n % SEGMENT_STEP
        segments = MODEL.segments(segments_of(described[:seen]))
        assert trail.standing is not None
        mean, common, spread = literal_standing(segments.sum(axis=0))
        np.testing.assert_allclose(trail.standing.mean, mean, atol=1e-4)
        assert trail.standing.common == pytest.approx(common, abs=1e-4)
        assert trail.standing.spread == pytest.approx(spread, abs=1e-4)


def test_an_enrolled_walk_of_which_every_other_window_was_kept_stands_where_the_walk_does() -> None:
    described = describe_windows(person(3, 400))
    all_of_it = walk_segments(MODEL, described)
    thinned = walk_segments(MODEL, described[::2], 0.5)
    assert float(all_of_it @ thinned) > 0.98
    stranger = walk_segments(MODEL, describe_windows(person(4, 400)))
    assert float(all_of_it @ stranger) < 0.9


def walk(subject: Matcher, rows: FloatArray) -> list[Finding]:
    findings: list[Finding] = []
    for k, window in enumerate(rows):
        row = Row(1, k * 100_000_000, k * 100_000_000 + 166_666_667, 7, 1.0)
        findings += subject.observe(Tick(0, 0, k, "c", (1, *window.shape), (row,)), window[None])
    return findings


def test_a_tracks_score_is_what_windows_and_segments_say() -> None:
    enrolled = {1: [person(1, 60), person(1, 64)], 2: [person(2, 50)]}
    templates = [
        PersonTemplates(number, f"p{number}", SENSOR, rows, seconds=len(rows) / 10)
        for number, walks in enrolled.items()
        for rows in walks
    ]
    subject = Matcher((SourceCard("a", SENSOR, False),), F, 0.01, TemplateIndex(templates, BACKEND, [SENSOR]))
    probe = person(2, 73)
    last = walk(subject, probe)[-1]

    described = describe_windows(probe)
    seen = MODEL.windows(described)
    standing = literal_standing(MODEL.segments(segments_of(described[:70])).sum(axis=0))
    expected = {}
    for number, walks in enrolled.items():
        own = np.concatenate([MODEL.windows(describe_windows(rows)) for rows in walks])
        windows = []
        for window in seen:
            common = np.mean(sorted(float(window @ cluster) for cluster in MODEL.window_clusters)[-20:])
            windows.append(3.0 * (max(float(window @ template) for template in own) - common))
        places = [MODEL.segments(segments_of(describe_windows(rows))).sum(axis=0) for rows in walks]
        person_standing = literal_standing(sum(place / np.linalg.norm(place) for place in places))
        product = float(standing[0] @ person_standing[0])
        by_both = [(product - common) / spread for _, common, spread in (standing, person_standing)]
        expected[number] = np.mean(windows) + 0.25 * np.mean(by_both)
    assert last.candidate == "p2"
    assert last.score == pytest.approx(expected[2], abs=1e-3)
    assert last.margin == pytest.approx(expected[2] - expected[1], abs=1e-3)


def test_nobody_enrolled_by_this_kind_of_sensor_is_said() -> None:
    templates = [PersonTemplates(1, "ada", "kinect-v2", person(1, 20))]
    subject = Matcher((SourceCard("a", SENSOR, False),), F, 0.01, TemplateIndex(templates, BACKEND, [SENSOR]))
    last = walk(subject, person(1, 20))[-1]
    assert (last.state, last.candidate, last.reason) == ("unknown", None, "enrolled on another sensor")
