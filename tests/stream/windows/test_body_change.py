"""Tests of noticing that another person has taken over a track."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stream.body import FloatArray
from stream.skeleton import CANONICAL
from stream.windows.body_change import AFTER, BodyChangeDetector, BodyObserver, detector_for
from stream.windows.boosted_trees import BoostedTrees, load_trees
from tests.stream.bodies import at_rate, walking
from tools.backend_fit.body_change_fit import Frames, frames_of, jumps_of, random_splices, splice
from tools.backend_fit.offline_pipeline import kgbd_walks


def jump_times(times: np.ndarray, joints: FloatArray) -> list[int]:
    observer = BodyObserver()
    found = (observer.push(int(time_ns), frame) for time_ns, frame in zip(times, joints, strict=True))
    return [jump.time_ns for jump in found if jump is not None]


def two_people(rate: float = 30.0) -> tuple[np.ndarray, FloatArray]:
    """A walk of 3 s, then a body of 1.2 times the size at the same place, in another phase of its step."""
    times = at_rate(rate, 6.0)
    joints = walking(times)
    half = len(times) // 2
    other = walking(times + 500_000_000)[half:]
    joints[half:] = other[:, :1] + 1.2 * (other - other[:, :1])
    return times, joints


def test_a_jump_of_all_joints_is_described_once_the_frames_after_it_are_known() -> None:
    times, joints = two_people()
    half = len(times) // 2
    assert jump_times(times[: half + AFTER - 1], joints[: half + AFTER - 1]) == []
    assert jump_times(times, joints) == [times[half]]
    assert jump_times(times, walking(times)) == []


def test_the_place_of_the_body_plays_no_part() -> None:
    times = at_rate(30, 6.0)
    joints = walking(times)
    joints[90:] += np.float32(3.0)
    assert jump_times(times, joints) == []


def always() -> BodyChangeDetector:
    """A detector for which each jump is a change."""
    leaf, number = np.zeros((1, 1), np.int32), np.zeros((1, 1), np.float32)
    return BodyChangeDetector(BoostedTrees(leaf - 1, number, leaf, leaf, number, np.full(1, 9, np.float32)))


def test_a_sensor_that_exchanges_left_and_right_of_a_person_who_turns_splits_no_track() -> None:
    times, joints = at_rate(30, 6.0), walking(at_rate(30, 6.0))
    sides = [name.replace("Left", "-").replace("Right", "Left").replace("-", "Right") for name in CANONICAL]
    joints[90:] = joints[90:, [CANONICAL.index(name) for name in sides]]
    (jump,) = jumps_of(Frames("1", "1", times, joints))
    assert jump.sides_exchanged
    for detector, frames, expected in ((always(), joints, []), (always(), two_people()[1], [times[90]])):
        changes = [detector.push(int(t), frame) for t, frame in zip(times, frames, strict=True)]
        assert [change for change in changes if change is not None] == expected


def test_sources_of_60_a_second_are_observed_at_half_their_rate_and_slow_ones_not_at_all() -> None:
    times, joints = two_people(60)
    assert jump_times(times, joints) == [times[len(times) // 2]]
    for rate in (10, 15):
        times, joints = two_people(rate)
        assert jump_times(times, joints) == []


def test_kinds_of_sensors_without_measurements_are_never_split() -> None:
    assert detector_for("kinect-v1") is not None
    assert detector_for("kinect-v2") is not None
    assert detector_for("simulated") is None
    assert detector_for("rgb") is None


@pytest.mark.slow
@pytest.mark.data
def test_most_changes_between_people_who_were_not_used_are_noticed_and_few_walks_are_split(
    data_dir: Path,
) -> None:
    walks = [frames_of(ref.read()) for ref in kgbd_walks(data_dir, range(101, 111)) if ref.walk in "123"]
    trees = load_trees()
    noticed = 0
    for first, at, second, start in random_splices(walks, 30, np.random.default_rng(1)):
        begin = max(0, at - 100)
        before = Frames(first.person, first.walk, first.time_ns[begin:at], first.joints[begin:at])
        after = Frames(second.person, second.walk, second.time_ns[: start + 60], second.joints[: start + 60])
        whole = splice(before, at - begin, after, start)
        detector = BodyChangeDetector(trees)
        changes = [detector.push(*each) for each in zip(whole.time_ns.tolist(), whole.joints, strict=True)]
        noticed += int(whole.time_ns[at - begin]) in changes
    assert noticed >= 25
    split = [any(trees.score(jump.measures) > 4 for jump in jumps_of(walk)) for walk in walks]
    assert sum(split) <= 2
