"""Pose features: their definition and their invariances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.pose import BONE_COLUMNS, DEVIATION_COLUMNS, JOINT_COLUMNS, POSE_WIDTH, pose_features
from stream.body import FloatArray
from stream.skeleton import CANONICAL

PARENTS = {
    "Spine": "HipCenter",
    "ShoulderCenter": "Spine",
    "Head": "ShoulderCenter",
    **{f"Shoulder{side}": "ShoulderCenter" for side in ("Left", "Right")},
    **{f"Hip{side}": "HipCenter" for side in ("Left", "Right")},
    **{
        f"{joint}{side}": f"{parent}{side}"
        for side in ("Left", "Right")
        for joint, parent in (
            ("Elbow", "Shoulder"),
            ("Wrist", "Elbow"),
            ("Hand", "Wrist"),
            ("Knee", "Hip"),
            ("Ankle", "Knee"),
            ("Foot", "Ankle"),
        )
    },
}


@pytest.fixture(scope="module")
def windows() -> FloatArray:
    synthetic = np.random.default_rng(2).standard_normal((4, 6, 20, 3)).astype(np.float32) * 0.3
    # The person faces the sensor: the line from right to left joints points along +X.
    for side, x in (("Left", 0.2), ("Right", -0.2)):
        for joint in ("Shoulder", "Hip"):
            synthetic[:, :, CANONICAL.index(f"{joint}{side}"), 0] = x
            synthetic[:, :, CANONICAL.index(f"{joint}{side}"), 2] = 0.0
    synthetic -= synthetic[:, :, :1].copy()
    return synthetic


def rotated(windows: FloatArray, angle: float) -> FloatArray:
    c, s = np.cos(angle), np.sin(angle)
    matrix = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)
    return windows @ matrix.T


def test_bones_are_those_of_the_skeleton_backwards_in_time(windows: FloatArray) -> None:
    found = pose_features(windows)
    assert found.shape == (4, 6, POSE_WIDTH)
    assert found.dtype == np.float32
    lengths, directions = found[:, :, BONE_COLUMNS], found[:, :, BONE_COLUMNS.stop : DEVIATION_COLUMNS.start]
    for n, joint in enumerate(CANONICAL[1:]):
        bone = windows[:, :, CANONICAL.index(joint)] - windows[:, :, CANONICAL.index(PARENTS[joint])]
        length = np.linalg.norm(bone, axis=-1)
        np.testing.assert_allclose(lengths[:, ::-1, n], length, atol=1e-5)
        along = directions[:, ::-1, 3 * n : 3 * n + 3]
        np.testing.assert_allclose(np.linalg.norm(along, axis=-1), 1, atol=1e-4)
        np.testing.assert_allclose(along[:, :, 1], bone[:, :, 1] / length, atol=1e-4)


def test_mean_squared_deviations_are_the_variances_in_the_window(windows: FloatArray) -> None:
    found = pose_features(windows)
    varying = np.concatenate((found[:, :, JOINT_COLUMNS], found[:, :, BONE_COLUMNS]), axis=2)
    np.testing.assert_allclose(found[:, :, DEVIATION_COLUMNS].mean(axis=1), varying.var(axis=1), atol=1e-5)
    assert found[:, :, DEVIATION_COLUMNS].shape == varying.shape


def test_a_person_facing_the_sensor_is_not_rotated(windows: FloatArray) -> None:
    joints = pose_features(windows)[:, ::-1, JOINT_COLUMNS].reshape(4, 6, 19, 3)
    np.testing.assert_allclose(joints, windows[:, :, 1:], atol=1e-6)


@given(st.floats(-np.pi, np.pi))
def test_features_do_not_depend_on_the_heading(windows: FloatArray, angle: float) -> None:
    np.testing.assert_allclose(pose_features(rotated(windows, angle)), pose_features(windows), atol=2e-5)


def test_mirrored_windows_have_different_features(windows: FloatArray) -> None:
    mirrored = windows * np.array([-1, 1, 1], np.float32)
    assert np.abs(pose_features(mirrored) - pose_features(windows)).max() > 0.1


def test_the_bits_of_a_window_do_not_depend_on_other_windows(windows: FloatArray) -> None:
    together = pose_features(windows)
    for n in range(len(windows)):
        assert pose_features(windows[n : n + 1]).tobytes() == together[n : n + 1].tobytes()


def test_coinciding_joints_give_finite_features() -> None:
    assert np.isfinite(pose_features(np.zeros((1, 6, 20, 3), np.float32))).all()
