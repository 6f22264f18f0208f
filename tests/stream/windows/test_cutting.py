"""Tests of the cutting of windows: contents, sampling rate, and breaks between windows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.windows.cutting import Window, WindowCutter, cut_windows
from stream.windows.resampling import IRREGULAR, MAX_GAP_NS, MIN_FRAME_RATE, RATE_HZ


def walk(times_ns: np.ndarray, speed: float = 1.0) -> np.ndarray:
    """Returns a smooth walk (T, 20, 3), a function of time only; the hips move at `speed` m/s."""
    t = np.asarray(times_ns)[:, None, None] / 1e9
    joint = np.arange(20)[None, :, None]
    axis = np.arange(3)[None, None, :]
    swing = 0.2 * np.sin(2 * np.pi * 0.9 * t + 0.3 * joint + axis) * (joint > 0)
    travel = np.where(axis == 2, speed * t, 0.0)
    return (swing + travel + 0.1 * joint).astype(np.float32)


def at_rate(rate: float, seconds: float = 3.0) -> np.ndarray:
    return np.round(np.arange(int(seconds * rate)) * 1e9 / rate).astype(np.int64)


def starts(windows: list[Window]) -> list[int]:
    return [window.start_ns for window in windows]


def test_windows_of_a_30_hz_walk_are_its_hip_centred_frames() -> None:
    times = at_rate(30)
    joints = walk(times)
    windows = cut_windows(times, joints, f=6)
    assert len(windows) == (len(times) - 6) // 3 + 1
    for k, window in enumerate(windows):
        raw = joints[3 * k : 3 * k + 6]
        np.testing.assert_array_equal(window.joints, raw - raw[:, :1])
        assert (window.start_ns, window.end_ns) == (times[3 * k], times[3 * k + 5])
        assert window.quality == 1.0


@pytest.mark.parametrize("rate", [10, 15, 24, 30, 50, 60, 120])
def test_windows_agree_at_every_frame_rate(rate: int) -> None:
    reference = cut_windows(at_rate(30), walk(at_rate(30)))
    windows = cut_windows(at_rate(rate), walk(at_rate(rate)))
    common = min(len(windows), len(reference))
    assert common >= len(reference) - 2
    for window, expected in zip(windows[:common], reference[:common], strict=True):
        assert abs(window.start_ns - expected.start_ns) <= 1_000_000
        assert abs(window.end_ns - expected.end_ns) <= 1_000_000
        # The error of linear interpolation of a 0.9 Hz swing of A = 0.2 m is at most A (pi f / rate)^2 / 2.
        bound = 0.2 * (np.pi * 0.9 / min(rate, 30)) ** 2 + 1e-3
        assert np.abs(window.joints - expected.joints).max() < 2 * bound


def test_a_gap_of_0_15_s_is_interpolated_and_a_longer_one_ends_the_window() -> None:
    base = at_rate(30, 2)
    for gap, interpolated in ((MAX_GAP_NS, True), (MAX_GAP_NS + 1, False)):
        times = np.concatenate([base, base[-1] + gap + base])
        windows = cut_windows(times, walk(times))
        across = [w for w in windows if w.start_ns <= base[-1] < w.end_ns]
        assert bool(across) is interpolated


def test_a_frame_with_a_missing_joint_is_skipped() -> None:
    times = at_rate(30)
    joints, confidence = walk(times), np.ones((len(times), 20), np.float32)
    joints[40, 7] = np.nan
    confidence[40, 7] = 0
    with_hole = cut_windows(times, joints, confidence)
    without = cut_windows(np.delete(times, 40), np.delete(joints, 40, axis=0))
    assert starts(with_hole) == starts(without)
    for a, b in zip(with_hole, without, strict=True):
        np.testing.assert_array_equal(a.joints, b.joints)
        assert np.isfinite(a.joints).all()


def test_joints_missing_for_too_long_end_the_window_and_are_reported() -> None:
    times = at_rate(30)
    cutter = WindowCutter()
    complete, incomplete = np.ones(20, np.float32), np.ones(20, np.float32)
    incomplete[19] = 0
    for k, joints in enumerate(walk(times)):
        cut = cutter.push(int(times[k]), joints, incomplete if 30 <= k < 40 else complete)
        if 30 <= k < 40:
            assert cut == []
            assert cutter.problem == "joints missing"
        for window in cut:
            assert not window.start_ns <= times[35] <= window.end_ns
    assert cutter.problem is None


def test_an_implausible_jump_ends_the_window() -> None:
    times = at_rate(30)
    joints = walk(times)
    joints[45:, :, 0] += 0.5
    assert not [w for w in cut_windows(times, joints) if w.start_ns <= times[44] and w.end_ns >= times[45]]


def test_quality_is_the_mean_confidence() -> None:
    times = at_rate(30, 0.2)
    confidence = np.linspace(0.1, 1, len(times) * 20, dtype=np.float32).reshape(-1, 20)
    (window,) = cut_windows(times, walk(times), confidence)
    assert window.quality == pytest.approx(float(confidence.mean()), abs=1e-6)


LONGEST_GAP_NS = 1.15 / MIN_FRAME_RATE * IRREGULAR * 1e9
"""At the least frame rate."""


@settings(max_examples=60)
@given(
    gaps=st.lists(st.integers(1_000_000, 400_000_000), min_size=1, max_size=80),
    f=st.integers(2, 10),
    data=st.data(),
)
def test_every_window_lies_within_one_stretch(gaps: list[int], f: int, data: st.DataObject) -> None:
    step = data.draw(st.integers(1, f))
    times = np.cumsum(gaps)
    windows = cut_windows(times, walk(times), f=f, step=step)
    period = 1e9 / RATE_HZ
    for window in windows:
        assert window.joints.shape == (f, 20, 3)
        assert window.joints.dtype == np.float32
        assert not window.joints[:, 0].any()
        assert abs(window.end_ns - window.start_ns - (f - 1) * period) <= 2_000_002
        inside = times[(times >= window.start_ns - 1_000_000) & (times <= window.end_ns + 1_000_000)]
        edges = np.concatenate([[window.start_ns], inside, [window.end_ns]])
        assert np.diff(edges).max() <= LONGEST_GAP_NS + 1_000_000


def test_f_and_step_are_checked() -> None:
    with pytest.raises(ValueError, match="f >= 2"):
        WindowCutter(1)
    with pytest.raises(ValueError, match="step >= 1"):
        WindowCutter(6, 0)


def problems(times: np.ndarray, missing: Sequence[int] = ()) -> list[str | None]:
    """Returns the problem after each frame; in the frames `missing` the head is not seen."""
    cutter = WindowCutter()
    found: list[str | None] = []
    joints, confidence = walk(times), np.ones((len(times), 20), np.float32)
    joints[list(missing), 3] = np.nan
    confidence[list(missing), 3] = 0
    for time_ns, frame, frame_confidence in zip(times.tolist(), joints, confidence, strict=True):
        cutter.push(time_ns, frame, frame_confidence)
        found.append(cutter.problem)
    return found


@pytest.mark.parametrize(("rate", "seen"), [(4.2, "4.2"), (4, "4.0"), (2, "2.0")])
def test_too_few_frames_are_named_with_the_rate_seen_and_the_least_needed(rate: float, seen: str) -> None:
    expected = f"too few frames: {seen} a second, at least 5 are needed"
    assert problems(at_rate(rate, 5.0))[-1] == expected
    lost = problems(at_rate(rate, 5.0), missing=[4])
    assert lost[4] == "joints missing"
    assert lost[-1] == expected, "a lost joint hides the reason no longer"


@pytest.mark.parametrize("rate", [5, 6, 6.67])
@pytest.mark.parametrize("jitter", [0, 0.3])
def test_few_frames_that_come_regularly_are_interpolated(rate: float, jitter: float) -> None:
    times = at_rate(rate, 10.0)
    late = np.random.default_rng(1).uniform(0, jitter / rate, len(times))
    times = times + (late * 1e9).astype(np.int64)
    joints = walk(times)
    windows = cut_windows(times, joints)
    assert windows[0].start_ns <= times[4], "from the first interval that is known to be usual"
    assert len(windows) >= 0.9 * len(cut_windows(at_rate(30, 9.2), walk(at_rate(30, 9.2))))
    assert problems(times)[-1] is None


@pytest.mark.parametrize("rate", [5, 6, 7.5, 10, 30])
def test_a_lost_frame_is_a_gap_and_the_windows_go_on_behind_it(rate: float) -> None:
    times = at_rate(rate, 8.0)
    lost = max(1, round(rate / 5)) if rate > 7 else 1  # 0.2 s at least
    at = len(times) // 2
    kept = np.delete(times, slice(at, at + lost))
    before, after = kept[at - 1], kept[at]
    assert problems(kept)[at] == "tracking gap"
    windows = cut_windows(kept, walk(kept))
    assert not [w for w in windows if w.start_ns < after and w.end_ns > before]
    assert min(w.start_ns for w in windows if w.start_ns >= after) == after


def test_a_single_gap_and_lost_joints_are_no_low_frame_rate() -> None:
    times = at_rate(30, 2)
    after_gap = np.concatenate([times, times[-1] + 400_000_000 + times])
    assert problems(after_gap)[len(times)] == "tracking gap"
    assert problems(at_rate(7.5, 5.0))[-1] is None
    assert set(problems(at_rate(30, 3), missing=[n for n in range(30, 90) if n % 6])[36:]) == {
        "joints missing"
    }


def test_a_cutter_that_forgets_the_body_between_two_windows_cuts_the_same_windows() -> None:
    times = at_rate(30)
    joints, cutter = walk(times), WindowCutter()
    windows = []
    for time_ns, frame in zip(times.tolist(), joints, strict=True):
        windows += cutter.push(time_ns, frame, np.ones(20, np.float32))
        cutter.forget_body()
    expected = cut_windows(times, joints)
    assert [(w.start_ns, w.end_ns) for w in windows] == [(w.start_ns, w.end_ns) for w in expected]
    for window, whole in zip(windows, expected, strict=True):
        np.testing.assert_array_equal(window.joints, whole.joints)
