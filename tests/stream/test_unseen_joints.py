"""Tests of the rule of unseen joints, for whole walks and for recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.body import Body, BodyFrame, FloatArray, SourceInfo
from stream.recording import RecordingWriter, read_recording
from stream.skeleton import LAYOUTS
from stream.unseen_joints import joints_at_origin, mark_unseen, mark_unseen_in_walk

V1 = LAYOUTS["kinect-v1"]


def walk(seed: int, *, frames: int = 12, joints: int = 20) -> FloatArray:
    return np.random.default_rng(seed).uniform(0.1, 3, (frames, joints, 3)).astype(np.float32)


def record(
    path: Path, joints: FloatArray, layout: str = "kinect-v1", *, empty: int = 0
) -> tuple[FloatArray, ...]:
    """Records a walk after empty frames, reads it and returns its joints and confidence."""
    info = SourceInfo("s", "any", layout, live=False, finite=True)
    path.unlink(missing_ok=True)
    with RecordingWriter(path, info) as writer:
        for n in range(empty):
            writer.write(BodyFrame(n * 33_000_000, ()))
        for n, frame in enumerate(joints, empty):
            body = Body(1, frame, np.ones(len(frame), np.float32))
            writer.write(BodyFrame(n * 33_000_000, (body,)))
    with read_recording(path) as recording:
        bodies = [frame.bodies[0] for frame in recording if frame.bodies]
    return np.stack([body.joints for body in bodies]), np.stack([body.confidence for body in bodies])


@settings(max_examples=50)
@given(
    seed=st.integers(0, 999),
    joint=st.integers(0, 19),
    lost=st.sets(st.integers(0, 11), min_size=1, max_size=11),
)
def test_a_joint_at_the_origin_in_some_frames_is_unseen_there(seed: int, joint: int, lost: set[int]) -> None:
    given_joints = walk(seed)
    given_joints[sorted(lost), joint] = 0
    joints, confidence = mark_unseen_in_walk(V1, given_joints)
    assert np.argwhere(confidence == 0).tolist() == [[frame, joint] for frame in sorted(lost)]
    assert (np.isnan(joints).all(axis=-1) == (confidence == 0)).all()
    assert np.array_equal(joints[confidence > 0], given_joints[confidence > 0])


@pytest.mark.parametrize("joint", [0, 3])
def test_a_joint_at_the_origin_in_every_frame_is_seen(joint: int, tmp_path: Path) -> None:
    centred = walk(1, frames=60)
    centred[:, joint] = 0
    for joints, confidence in (mark_unseen_in_walk(V1, centred), record(tmp_path / "w.mcap", centred)):
        assert np.array_equal(joints, centred)
        assert (confidence == 1).all()


@pytest.mark.parametrize("joint", [0, 3, 7])
def test_a_joint_always_at_the_origin_and_away_from_the_body_is_never_given(
    joint: int, tmp_path: Path
) -> None:
    before_sensor = walk(1, frames=60) * np.float32(0.5)
    before_sensor[..., 2] += 3
    before_sensor[:, joint] = 0
    marked = mark_unseen_in_walk(V1, before_sensor), record(tmp_path / "w.mcap", before_sensor)
    for _, confidence in marked:
        assert np.flatnonzero((confidence == 0).all(axis=0)).tolist() == [joint]
        assert np.flatnonzero((confidence == 0).any(axis=0)).tolist() == [joint]


def test_only_the_hip_centre_is_seen_if_several_joints_are_always_at_the_origin(tmp_path: Path) -> None:
    centred = walk(1, frames=60)
    centred[:, [0, 7, 11]] = 0
    for _, confidence in (mark_unseen_in_walk(V1, centred), record(tmp_path / "w.mcap", centred)):
        assert np.flatnonzero((confidence == 0).all(axis=0)).tolist() == [7, 11]
        assert np.flatnonzero((confidence == 0).any(axis=0)).tolist() == [7, 11]
    centred[:, 0] = 1
    _, confidence = mark_unseen_in_walk(V1, centred)
    assert np.flatnonzero((confidence == 0).all(axis=0)).tolist() == [7, 11]


def test_frames_in_which_a_centred_body_is_lost_do_not_hide_its_centre() -> None:
    centred = walk(1)
    centred[:, 0] = 0
    centred[3] = 0
    centred[5, 0] = np.nan
    assert joints_at_origin(V1, centred, np.ones(centred.shape[:2], np.float32)) == [0]
    _, confidence = mark_unseen_in_walk(V1, centred)
    assert not confidence[3, 1:].any()
    assert confidence[[4, 6]].all()


def test_nan_infinity_and_no_confidence_are_unseen() -> None:
    joints = walk(1, frames=1)
    joints[0, 1, 2], joints[0, 2, 0], joints[0, 4, 0] = np.nan, np.inf, -1e7
    confidence = np.ones((1, 20), np.float32)
    confidence[0, 3] = 0
    marked, seen = mark_unseen(joints, confidence)
    assert np.flatnonzero(seen[0] == 0).tolist() == [1, 2, 3, 4]
    assert np.isnan(marked[0, [1, 2, 3, 4]]).all()


@pytest.mark.parametrize("empty", [0, 200])
def test_a_joint_lost_at_the_start_of_a_recording_is_unseen(empty: int, tmp_path: Path) -> None:
    lost = walk(1, frames=60)
    lost[:10, 4] = 0
    _, confidence = record(tmp_path / "w.mcap", lost, empty=empty)
    assert np.argwhere(confidence == 0).tolist() == [[frame, 4] for frame in range(10)]


def test_a_joint_that_leaves_the_origin_later_is_no_centre_from_then_on(tmp_path: Path) -> None:
    lost = walk(1, frames=80)
    lost[:50, 4] = 0
    lost[60:65, 4] = 0
    _, confidence = record(tmp_path / "w.mcap", lost)
    assert np.argwhere(confidence == 0).tolist() == [[frame, 4] for frame in range(60, 65)]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_rule_holds_in_every_layout(layout: str, tmp_path: Path) -> None:
    lost = walk(1, frames=40, joints=len(LAYOUTS[layout].joints))
    lost[20:, -1] = 0
    _, confidence = record(tmp_path / "w.mcap", lost, layout)
    assert np.argwhere(confidence == 0).tolist() == [[n, lost.shape[1] - 1] for n in range(20, 40)]


def test_replaying_a_recording_of_a_replay_gives_the_same_bodies(tmp_path: Path) -> None:
    lost = walk(1, frames=60)
    lost[::7, 4] = 0
    joints, confidence = record(tmp_path / "w.mcap", lost)
    again, confidence_again = record(tmp_path / "again.mcap", joints)
    np.testing.assert_array_equal(again, joints)
    np.testing.assert_array_equal(confidence_again, confidence)
