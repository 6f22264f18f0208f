"""Tests of levelling: whole tracks before tilted sensors, and nothing before level ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.body import BodyFrame, FloatArray
from stream.capture.levelling import LONGEST_WAIT_NS, Levelling
from stream.capture.tracking import TRACK_TIMEOUT_NS, Tracker, TrackerUpdate
from stream.skeleton import CANONICAL, get_layout
from stream.sources.simulated import SimulatedConfig, simulated_frames
from stream.windows.cutting import Window

LAYOUT = get_layout("kinect-v1")
HIP_LEFT, HIP_RIGHT = CANONICAL.index("HipLeft"), CANONICAL.index("HipRight")
UPPER = [n for n, name in enumerate(CANONICAL) if not name.startswith(("Hip", "Knee", "Ankle", "Foot"))]


def walkers(seed: int, people: int = 1, seconds: float = 5.0) -> list[BodyFrame]:
    return list(simulated_frames(SimulatedConfig(n=people, seed=seed, seconds=seconds, live=False)))


def changed(frames: Iterable[BodyFrame], change: Callable[[FloatArray], FloatArray]) -> list[BodyFrame]:
    return [
        replace(frame, bodies=tuple(replace(body, joints=change(body.joints)) for body in frame.bodies))
        for frame in frames
    ]


def turn(pitch: float, roll: float = 0.0) -> FloatArray:
    a, b = np.radians((pitch, roll))
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_z = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    about: FloatArray = (about_x @ about_z).astype(np.float32)
    return about


def tilted(frames: Iterable[BodyFrame], pitch: float, roll: float = 0.0) -> list[BodyFrame]:
    about = turn(pitch, roll)
    return changed(frames, lambda joints: joints @ about.T)


def later(frames: Iterable[BodyFrame], delay_ns: int, first_id: int) -> list[BodyFrame]:
    return [
        BodyFrame(
            frame.time_ns + delay_ns, tuple(replace(body, id=body.id + first_id) for body in frame.bodies)
        )
        for frame in frames
    ]


def updates_of(frames: Iterable[BodyFrame], levelling: Levelling | None) -> Iterator[TrackerUpdate]:
    tracker = Tracker(LAYOUT, levelling=levelling)
    yield from (tracker.push(frame) for frame in frames)
    yield tracker.end()


def windows_of(frames: Iterable[BodyFrame], levelling: Levelling | None = None) -> dict[int, list[Window]]:
    found: dict[int, list[Window]] = {}
    for update in updates_of(frames, levelling):
        for track, window in update.windows:
            found.setdefault(track, []).append(window)
    return found


def same(some: dict[int, list[Window]], others: dict[int, list[Window]]) -> bool:
    return some.keys() == others.keys() and all(
        len(own) == len(others[track])
        and all(
            (a.start_ns, a.end_ns, a.quality) == (b.start_ns, b.end_ns, b.quality)
            and (a.joints == b.joints).all()
            for a, b in zip(own, others[track], strict=True)
        )
        for track, own in some.items()
    )


def turn_between(before: Iterable[Window], after: Iterable[Window]) -> FloatArray:
    """Returns the one rotation (3, 3) from all windows to the others."""
    a, b = (np.concatenate([w.joints.reshape(-1, 3) for w in part]) for part in (before, after))
    u, _, v = np.linalg.svd(b.T.astype(np.float64) @ a)
    rotation: FloatArray = (u @ v).astype(np.float32)
    assert np.allclose(a @ rotation.T, b, atol=2e-4)
    return rotation


@settings(max_examples=8)
@given(st.integers(0, 10_000))
def test_windows_of_a_level_sensor_stay_exactly_as_they_are(seed: int) -> None:
    frames = walkers(seed, people=2)
    assert same(windows_of(frames, Levelling()), windows_of(frames))


@settings(max_examples=8)
@given(st.integers(0, 10_000), st.sampled_from([(20, 0), (-20, 0), (0, 20), (0, -20), (30, 0), (15, 15)]))
def test_every_window_of_a_tilted_sensor_is_levelled(seed: int, tilt: tuple[float, float]) -> None:
    frames = tilted(walkers(seed), *tilt)
    levelled, plain = windows_of(frames, Levelling()), windows_of(frames)
    assert levelled.keys() == plain.keys()
    for track, windows in plain.items():
        up = turn_between(windows, levelled[track]) @ turn(*tilt)[:, 1]
        assert np.degrees(np.arccos(min(1.0, up[1]))) < 8


def test_the_next_track_does_not_wait_and_is_levelled_alike() -> None:
    first = tilted(walkers(1), 20)
    second = later(tilted(walkers(2), 20), first[-1].time_ns + 2 * TRACK_TIMEOUT_NS, 10)
    together, alone = windows_of([*first, *second], Levelling()), windows_of([*first, *second])
    turns = [turn_between(alone[track], together[track]) for track in (1, 2)]
    assert np.abs(turns[0] - turns[1]).max() < 0.1  # 6 degrees
    times = [
        next(frame.time_ns for frame, update in zip(second, part, strict=False) if update.windows)
        for part in (
            list(updates_of([*first, *second], Levelling()))[len(first) :],
            list(updates_of([*first, *second], None))[len(first) :],
        )
    ]
    assert times[0] == times[1]


@pytest.mark.slow
def test_a_sensor_that_is_put_level_again_is_noticed() -> None:
    levelling = Levelling()
    frames = tilted(walkers(0), 20)
    for seed in range(1, 31):
        frames += later(walkers(seed, seconds=3), frames[-1].time_ns + 2 * TRACK_TIMEOUT_NS, 10 * seed)
    levelled, plain = windows_of(frames, levelling), windows_of(frames)
    last = max(plain)
    assert same({last: levelled[last]}, {last: plain[last]})
    assert levelling.tilt is None


def test_windows_are_counted_when_they_are_given_out() -> None:
    counts: dict[int, int] = {}
    for update in updates_of(tilted(walkers(3), 20), Levelling()):
        for track, _ in update.windows:
            counts[track] = counts.get(track, 0) + 1
        assert all(update.cut[track] == count for track, count in counts.items() if track in update.cut)
    assert sum(counts.values()) > 20


def test_no_window_is_lost_at_the_end_of_a_short_track() -> None:
    frames = tilted(walkers(4), 20)[:50]
    alone = {track: len(windows) for track, windows in windows_of(frames).items()}
    assert alone and {track: len(w) for track, w in windows_of(frames, Levelling()).items()} == alone


def test_windows_wait_for_a_limited_time() -> None:
    """Who leans and does not walk on tells nothing certain."""
    on_the_spot = tilted(
        changed(walkers(5, seconds=8), lambda joints: joints - joints[0] + np.array((0, 0, 3), np.float32)), 8
    )
    plain = list(updates_of(on_the_spot, None))
    waiting = list(updates_of(on_the_spot, Levelling()))
    first, released = (
        next(frame.time_ns for frame, update in zip(on_the_spot, part, strict=False) if update.windows)
        for part in (plain, waiting)
    )
    assert released - first <= LONGEST_WAIT_NS
    assert same(windows_of(on_the_spot, Levelling()), windows_of(on_the_spot))


def bend(degrees: float) -> Callable[[FloatArray], FloatArray]:
    """Returns a change that bends the upper body forwards at the hips."""

    def change(joints: FloatArray) -> FloatArray:
        axis = (joints[HIP_LEFT] - joints[HIP_RIGHT]).astype(np.float64)
        x, y, z = axis / np.linalg.norm(axis)
        cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        angle = np.radians(degrees)
        about = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
        bent = joints.copy()
        bent[UPPER] = (joints[UPPER] - joints[0]) @ about.T.astype(np.float32) + joints[0]
        return bent

    return change


@pytest.mark.slow
@pytest.mark.parametrize("degrees", [-20, 20, 30, 40])
@pytest.mark.parametrize("seed", range(5))
def test_bent_people_are_no_tilted_sensor(seed: int, degrees: float) -> None:
    frames = changed(walkers(seed, people=2, seconds=8), bend(degrees))
    assert same(windows_of(frames, Levelling()), windows_of(frames))


@pytest.mark.slow
@pytest.mark.parametrize("slope", [-0.6, -0.3, 0.3, 0.6])
@pytest.mark.parametrize("seed", range(4))
def test_stairs_and_ramps_are_no_tilted_sensor(seed: int, slope: float) -> None:
    def climb(joints: FloatArray) -> FloatArray:
        return joints + np.array([0, slope * joints[0, 2], 0], np.float32)

    frames = changed(walkers(seed, people=2, seconds=8), climb)
    assert same(windows_of(frames, Levelling()), windows_of(frames))


def test_a_body_upside_down_is_left_alone() -> None:
    frames = changed(walkers(6), lambda joints: joints * np.array([-1, -1, 1], np.float32))
    assert same(windows_of(frames, Levelling()), windows_of(frames))


def test_the_same_frames_give_the_same_windows_again() -> None:
    frames = tilted(walkers(7, people=3), -20)
    assert same(windows_of(frames, Levelling()), windows_of(frames, Levelling()))
