"""Tests of walk detection: accepted and rejected motions, and the reported problems."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.body import FloatArray
from stream.skeleton import BONES, CANONICAL
from stream.windows.cutting import HOLD_NS, Window, WindowCutter, cut_windows
from tests.stream.bodies import at_rate, walking
from tools.trials import synthetic_bodies

TIMES = at_rate(30, 4)
FULL_CONFIDENCE = np.ones((len(TIMES), 20), np.float32)
HIP = CANONICAL.index("HipCenter")
SECOND = 1_000_000_000


def cut(joints: FloatArray, confidence: FloatArray = FULL_CONFIDENCE) -> tuple[list[Window], set[str]]:
    """Returns the windows of walking, and the problems reported without a window."""
    cutter = WindowCutter(walking_only=True)
    windows: list[Window] = []
    problems: set[str] = set()
    for time_ns, frame, frame_confidence in zip(TIMES.tolist(), joints, confidence, strict=True):
        windows += cutter.push(time_ns, frame, frame_confidence)
        problems |= {cutter.problem} if cutter.problem else set()
    return windows, problems


def noisy(joints: FloatArray, metres: float) -> FloatArray:
    noise = np.random.default_rng(3).normal(0, metres, joints.shape)
    noise[:, HIP] = 0  # a jump of the hip is another problem
    return (joints + noise).astype(np.float32)


def with_confidence(joints: tuple[int, ...], confidence: float) -> FloatArray:
    changed = FULL_CONFIDENCE.copy()
    changed[:, list(joints)] = confidence
    return changed


def test_a_whole_walk_has_full_weight() -> None:
    every = cut_windows(TIMES, walking(TIMES))
    windows, problems = cut(walking(TIMES))
    assert [w.start_ns for w in windows] == [w.start_ns for w in every]
    assert [w.quality for w in windows] == [1.0] * len(every)
    assert problems <= {"standing still"}  # until the first step


def standing(joints: FloatArray) -> FloatArray:
    return synthetic_bodies.standing(joints, 10)


NOT_WALKING: dict[str, tuple[Callable[[FloatArray], FloatArray], str]] = {
    "standing": (standing, "standing still"),
    "standing, with sensor noise": (lambda j: noisy(standing(j), 0.01), "standing still"),
    "swaying": (lambda j: noisy(synthetic_bodies.swayed(standing(j)), 0.005), "standing still"),
    "carried along": (
        lambda j: standing(j) + np.linspace(0, 3, len(j), dtype="f4")[:, None, None],
        "standing still",
    ),
    "sitting": (lambda j: synthetic_bodies.seated(standing(j)), "sitting"),
    "sitting, legs swing": (lambda j: synthetic_bodies.seated(standing(j), swing=30), "sitting"),
    "body too small": (lambda j: np.float32(0.4) * j, "implausible body"),
    "body too large": (lambda j: np.float32(2.2) * j, "implausible body"),
    "two people merged": (lambda j: synthetic_bodies.merged(j, 1.0), "implausible body"),
    "all joints at one point": (lambda j: j[:, [HIP] * 20], "implausible body"),
}


@pytest.mark.parametrize("case", NOT_WALKING)
def test_other_motions_are_rejected(case: str) -> None:
    change, reason = NOT_WALKING[case]
    windows, problems = cut(change(walking(TIMES)))
    assert windows == []
    assert problems == {reason}


def test_noise_reduces_the_weight_and_is_attributed_to_a_long_distance() -> None:
    weights = []
    for metres in (0.0, 0.03, 0.035, 0.1):
        windows, problems = cut(noisy(walking(TIMES, distance=5), metres))
        weights.append(np.mean([w.quality for w in windows]) if windows else 0)
    assert weights[0] == 1 > weights[1] > weights[2] > weights[3] == 0
    assert problems == {"too far away"}
    assert "unsteady skeleton" in cut(noisy(walking(TIMES, distance=2), 0.1))[1]


@pytest.mark.parametrize(
    ("joints", "reason"),
    [(synthetic_bodies.BELOW_KNEES, "feet not seen"), (synthetic_bodies.LEFT_SIDE, "half hidden")],
)
def test_less_visible_body_parts_reduce_the_weight(joints: tuple[int, ...], reason: str) -> None:
    qualities = []
    for confidence in (1.0, 0.6, 0.5, 0.3):
        windows, _ = cut(walking(TIMES), with_confidence(joints, confidence))
        (quality,) = {round(w.quality, 5) for w in windows}
        assert quality <= with_confidence(joints, confidence).mean() + 1e-6
        qualities.append(quality)
    assert qualities == sorted(set(qualities), reverse=True)
    for confidence in (0.1, 0.0):
        windows, problems = cut(walking(TIMES), with_confidence(joints, confidence))
        assert windows == []
        assert problems == {reason}


def test_a_sudden_change_of_size_interrupts_the_windows() -> None:
    joints = walking(TIMES)
    joints[60:] = joints[60:, HIP : HIP + 1] + 1.4 * (joints[60:] - joints[60:, HIP : HIP + 1])
    windows, problems = cut(joints)
    assert "body changed size" in problems
    changed = TIMES[60]
    assert not [w for w in windows if changed <= w.end_ns < changed + SECOND // 5]
    assert [w for w in windows if w.end_ns < changed]
    assert [w for w in windows if w.start_ns > changed + SECOND]


def test_a_walk_after_standing_gives_windows_from_about_its_first_step() -> None:
    begins = TIMES[45]
    joints = walking(np.maximum(TIMES - begins, 0))
    windows, problems = cut(joints)
    assert problems == {"standing still"}
    first = windows[0].start_ns
    assert begins - HOLD_NS <= first <= begins + HOLD_NS
    starts = [w.start_ns for w in windows]
    assert starts == [w.start_ns for w in cut_windows(TIMES, joints) if w.start_ns >= first]


def test_windows_end_within_a_second_of_stopping() -> None:
    stops = TIMES[60]
    windows, problems = cut(walking(np.minimum(TIMES, stops)))
    assert problems == {"standing still"}
    assert stops - SECOND // 5 < windows[-1].end_ns < stops + SECOND


def test_leg_motion_is_kept_over_a_short_gap() -> None:
    gap = np.concatenate([TIMES[:40], TIMES[50:]])
    windows = cut_windows(gap, standing(walking(gap)), walking_only=True)
    assert windows == []
    every = cut_windows(gap, walking(gap))
    assert len(cut_windows(gap, walking(gap), walking_only=True)) == len(every)


@settings(max_examples=25)
@given(
    turn=st.floats(-np.pi, np.pi),
    moved=st.tuples(*[st.floats(-1, 1)] * 3),
    case=st.sampled_from(["walking", "standing", "sitting, legs swing"]),
)
def test_position_and_orientation_of_the_body_have_no_effect(
    turn: float, moved: tuple[float, ...], case: str
) -> None:
    joints = noisy(walking(TIMES), 0.005)
    if case != "walking":
        joints = NOT_WALKING[case][0](joints)
    cos, sin = np.cos(turn), np.sin(turn)
    turned = joints @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]], np.float32)
    windows, problems = cut(joints)
    moved_windows, moved_problems = cut(turned + np.array(moved, np.float32))
    assert [w.start_ns for w in windows] == [w.start_ns for w in moved_windows]
    assert problems == moved_problems
    np.testing.assert_allclose([w.quality for w in windows], [w.quality for w in moved_windows], atol=1e-3)


@settings(max_examples=25)
@given(rate=st.sampled_from([15, 30, 60]), swing=st.floats(0.15, 0.6), stops=st.floats(1, 2.5))
def test_the_frame_rate_of_the_sensor_has_no_effect(rate: int, swing: float, stops: float) -> None:
    def ends_at(rate: int) -> set[int]:
        times = at_rate(rate, 4)
        joints = walking(np.minimum(times, round(stops * SECOND)), swing=swing)
        return {round(w.end_ns / 1e7) for w in cut_windows(times, joints, walking_only=True)}

    # Below 30 skeletons a second the end of the motion is interpolated, which moves it by up to 0.2 s.
    assert len(ends_at(rate) ^ ends_at(30)) <= (2 if rate < 30 else 0)
    assert len(ends_at(rate)) >= 10 * (stops - 0.5)


def scaled(joints: FloatArray, parts: tuple[str, ...], factor: float) -> FloatArray:
    """Scales bones about their inner ends, with all joints beyond them."""
    changed = joints.copy()
    for joint, parent in BONES:
        moved = joints[:, joint] - joints[:, parent]
        scale = factor if CANONICAL[joint].startswith(parts) else 1.0
        changed[:, joint] = changed[:, parent] + np.float32(scale) * moved
    return changed


NOT_HUMAN: dict[str, tuple[tuple[str, ...], float]] = {
    "arms twice as long": (("Elbow", "Wrist"), 2.0),
    "arms half as long": (("Elbow", "Wrist"), 0.45),
    "short trunk": (("Spine", "ShoulderCenter"), 0.15),
    "long trunk": (("Spine", "ShoulderCenter"), 2.6),
    "long shanks": (("Ankle",), 2.8),
    "short shanks": (("Ankle",), 0.4),
    "long thighs": (("Knee",), 2.4),
    "short thighs": (("Knee",), 0.35),
    "one arm twice as long": (("ElbowLeft", "WristLeft"), 2.0),
    "wide shoulders": (("Shoulder",), 2.6),
}


@pytest.mark.parametrize("size", [0.75, 1.0])
@pytest.mark.parametrize("case", NOT_HUMAN)
def test_a_body_of_no_human_proportions_gives_no_window(case: str, size: float) -> None:
    windows, problems = cut(np.float32(size) * scaled(walking(TIMES), *NOT_HUMAN[case]))
    assert windows == []
    assert "implausible body" in problems


@pytest.mark.parametrize("size", [0.62, 0.8, 1.0, 1.2])  # 1.08 m, a child of five, to 2.1 m
def test_bodies_of_children_and_tall_people_have_full_weight(size: float) -> None:
    joints = np.float32(size) * walking(TIMES)
    if size < 0.7:  # shorter legs and arms for the trunk, a larger head
        joints = scaled(scaled(joints, ("Spine", "ShoulderCenter"), 1.15), ("Head",), 1.3)
    windows, _ = cut(joints)
    assert len(windows) > 30
    assert min(w.quality for w in windows) > 0.8


LONG = at_rate(30, 24)


@pytest.mark.parametrize("seconds", [0.1, 0.4, 1.0, 2.0, 3.0])
def test_a_stature_that_keeps_jumping_gives_no_window_after_its_first_jump(seconds: float) -> None:
    large = (np.arange(len(LONG)) / 30 // seconds % 2 == 0)[:, None, None]
    body = walking(LONG)
    body -= body[:, HIP : HIP + 1].copy()
    joints = np.where(large, np.float32(1.5 / 1.75) * body, np.float32(0.8 / 1.75) * body)
    joints = (joints + np.array([0, 0, 3], np.float32)).astype(np.float32)
    windows = cut_windows(LONG, joints, walking_only=True)
    steady = [w for w in windows if w.end_ns <= seconds * SECOND]
    assert [w.end_ns / SECOND for w in windows] == [w.end_ns / SECOND for w in steady]


@pytest.mark.parametrize("period", [8.0, 16.0])
def test_a_stature_that_slowly_grows_and_shrinks_gives_no_window_after_its_first_period(
    period: float,
) -> None:
    body = walking(LONG)
    body -= body[:, HIP : HIP + 1].copy()
    stature = 1.15 + 0.35 * np.sin(2 * np.pi * np.arange(len(LONG)) / 30 / period)
    joints = (stature / 1.75)[:, None, None] * body + np.array([0, 0, 3])
    windows = cut_windows(LONG, joints.astype(np.float32), walking_only=True)
    assert not [w for w in windows if w.end_ns > period * SECOND]
