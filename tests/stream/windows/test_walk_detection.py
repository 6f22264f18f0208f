"""What counts as walking, what does not, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.body import FloatArray
from stream.skeleton import CANONICAL
from stream.windows.cutting import HOLD_NS, Window, WindowCutter, cut_windows
from tests.stream.bodies import at_rate, walking
from tools.trials import synthetic_bodies as made

TIMES = at_rate(30, 4)
SURE = np.ones((len(TIMES), 20), np.float32)
HIP = CANONICAL.index("HipCenter")
SECOND = 1_000_000_000


def cut(joints: FloatArray, confidence: FloatArray = SURE) -> tuple[list[Window], set[str]]:
    """The windows that count, and what was said where none came."""
    cutter = WindowCutter(walking_only=True)
    windows: list[Window] = []
    said: set[str] = set()
    for time_ns, frame, sure in zip(TIMES.tolist(), joints, confidence, strict=True):
        windows += cutter.push(time_ns, frame, sure)
        said |= {cutter.trouble} if cutter.trouble else set()
    return windows, said


def noisy(joints: FloatArray, metres: float) -> FloatArray:
    noise = np.random.default_rng(3).normal(0, metres, joints.shape)
    noise[:, HIP] = 0  # a hip that leaps is another trouble
    return (joints + noise).astype(np.float32)


def unsure(joints: tuple[int, ...], confidence: float) -> FloatArray:
    sure = SURE.copy()
    sure[:, list(joints)] = confidence
    return sure


def test_all_of_a_walk_counts_in_full() -> None:
    every = cut_windows(TIMES, walking(TIMES))
    windows, said = cut(walking(TIMES))
    assert [w.start_ns for w in windows] == [w.start_ns for w in every]
    assert [w.quality for w in windows] == [1.0] * len(every)
    assert said <= {"standing still"}  # until the first step


def stood(joints: FloatArray) -> FloatArray:
    return made.standing(joints, 10)


NOBODY_WALKS: dict[str, tuple[Callable[[FloatArray], FloatArray], str]] = {
    "standing": (stood, "standing still"),
    "standing, as a sensor sees it": (lambda j: noisy(stood(j), 0.01), "standing still"),
    "swaying": (lambda j: noisy(made.swayed(stood(j)), 0.005), "standing still"),
    "carried along": (
        lambda j: stood(j) + np.linspace(0, 3, len(j), dtype="f4")[:, None, None],
        "standing still",
    ),
    "sitting": (lambda j: made.seated(stood(j)), "sitting"),
    "sitting, legs swing": (lambda j: made.seated(stood(j), swing=30), "sitting"),
    "a doll": (lambda j: np.float32(0.4) * j, "implausible body"),
    "a giant": (lambda j: np.float32(2.2) * j, "implausible body"),
    "two people as one": (lambda j: made.merged(j, 1.0), "implausible body"),
    "all joints in one place": (lambda j: j[:, [HIP] * 20], "implausible body"),
}


@pytest.mark.parametrize("case", NOBODY_WALKS)
def test_nobody_walks(case: str) -> None:
    change, reason = NOBODY_WALKS[case]
    windows, said = cut(change(walking(TIMES)))
    assert windows == []
    assert said == {reason}


def test_noise_is_put_down_to_the_distance_where_that_is_long() -> None:
    weights = []
    for metres in (0.0, 0.03, 0.035, 0.1):
        windows, said = cut(noisy(walking(TIMES, distance=5), metres))
        weights.append(np.mean([w.quality for w in windows]) if windows else 0)
    assert weights[0] == 1 > weights[1] > weights[2] > weights[3] == 0
    assert said == {"too far away"}
    assert "unsteady skeleton" in cut(noisy(walking(TIMES, distance=2), 0.1))[1]


@pytest.mark.parametrize(
    ("joints", "reason"), [(made.BELOW_KNEES, "feet not seen"), (made.LEFT_SIDE, "half hidden")]
)
def test_the_less_of_a_body_is_seen_the_less_it_counts(joints: tuple[int, ...], reason: str) -> None:
    qualities = []
    for confidence in (1.0, 0.6, 0.5, 0.3):
        windows, _ = cut(walking(TIMES), unsure(joints, confidence))
        (quality,) = {round(w.quality, 5) for w in windows}
        assert quality <= unsure(joints, confidence).mean() + 1e-6
        qualities.append(quality)
    assert qualities == sorted(set(qualities), reverse=True)
    for confidence in (0.1, 0.0):
        windows, said = cut(walking(TIMES), unsure(joints, confidence))
        assert windows == []
        assert said == {reason}


def test_a_sudden_change_of_size_ends_the_windows_until_it_is_known() -> None:
    joints = walking(TIMES)
    joints[60:] = joints[60:, HIP : HIP + 1] + 1.4 * (joints[60:] - joints[60:, HIP : HIP + 1])
    windows, said = cut(joints)
    assert "body changed size" in said
    changed = TIMES[60]
    assert not [w for w in windows if changed <= w.end_ns < changed + SECOND // 5]
    assert [w for w in windows if w.end_ns < changed]
    assert [w for w in windows if w.start_ns > changed + SECOND]


def test_a_walk_that_begins_after_standing_counts_from_about_its_first_step() -> None:
    begins = TIMES[45]
    joints = walking(np.maximum(TIMES - begins, 0))
    windows, said = cut(joints)
    assert said == {"standing still"}
    first = windows[0].start_ns
    assert begins - HOLD_NS <= first <= begins + HOLD_NS
    starts = [w.start_ns for w in windows]
    assert starts == [w.start_ns for w in cut_windows(TIMES, joints) if w.start_ns >= first]


def test_who_stops_no_longer_counts_a_second_later() -> None:
    stops = TIMES[60]
    windows, said = cut(walking(np.minimum(TIMES, stops)))
    assert said == {"standing still"}
    assert stops - SECOND // 5 < windows[-1].end_ns < stops + SECOND


def test_what_was_known_of_the_legs_outlives_a_short_gap() -> None:
    gap = np.concatenate([TIMES[:40], TIMES[50:]])
    windows = cut_windows(gap, stood(walking(gap)), walking_only=True)
    assert windows == []
    every = cut_windows(gap, walking(gap))
    assert len(cut_windows(gap, walking(gap), walking_only=True)) == len(every)


@settings(max_examples=25)
@given(
    turn=st.floats(-np.pi, np.pi),
    moved=st.tuples(*[st.floats(-1, 1)] * 3),
    case=st.sampled_from(["walking", "standing", "sitting, legs swing"]),
)
def test_where_a_body_is_and_which_way_it_faces_changes_nothing(
    turn: float, moved: tuple[float, ...], case: str
) -> None:
    joints = noisy(walking(TIMES), 0.005)
    if case != "walking":
        joints = NOBODY_WALKS[case][0](joints)
    cos, sin = np.cos(turn), np.sin(turn)
    turned = joints @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]], np.float32)
    windows, said = cut(joints)
    others, also = cut(turned + np.array(moved, np.float32))
    assert [w.start_ns for w in windows] == [w.start_ns for w in others]
    assert said == also
    np.testing.assert_allclose([w.quality for w in windows], [w.quality for w in others], atol=1e-3)


@settings(max_examples=25)
@given(rate=st.sampled_from([15, 30, 60]), swing=st.floats(0.15, 0.6), stops=st.floats(1, 2.5))
def test_the_rate_of_the_sensor_changes_nothing(rate: int, swing: float, stops: float) -> None:
    def given_at(rate: int) -> set[int]:
        times = at_rate(rate, 4)
        joints = walking(np.minimum(times, round(stops * SECOND)), swing=swing)
        return {round(w.end_ns / 1e7) for w in cut_windows(times, joints, walking_only=True)}

    # Where motion is just at its limit, interpolation may decide.
    assert len(given_at(rate) ^ given_at(30)) <= 1
    assert len(given_at(rate)) >= 10 * (stops - 0.5)
