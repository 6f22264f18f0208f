"""Pose numbers: a literal definition, and what must not change them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.pose import BONES, DEVIATIONS, JOINTS, POSE, pose_numbers
from stream.body import FloatArray
from stream.skeleton import CANONICAL

HANGS_ON = {
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
    made = np.random.default_rng(2).standard_normal((4, 6, 20, 3)).astype(np.float32) * 0.3
    # Somebody who faces the sensor: left to the sensor's left.
    for side, x in (("Left", 0.2), ("Right", -0.2)):
        for joint in ("Shoulder", "Hip"):
            made[:, :, CANONICAL.index(f"{joint}{side}"), 0] = x
            made[:, :, CANONICAL.index(f"{joint}{side}"), 2] = 0.0
    made -= made[:, :, :1].copy()
    return made


def turned(windows: FloatArray, angle: float) -> FloatArray:
    c, s = np.cos(angle), np.sin(angle)
    matrix = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)
    return windows @ matrix.T


def test_bones_are_those_of_the_skeleton_backwards_in_time(windows: FloatArray) -> None:
    found = pose_numbers(windows)
    assert found.shape == (4, 6, POSE)
    assert found.dtype == np.float32
    lengths, directions = found[:, :, BONES], found[:, :, BONES.stop : DEVIATIONS.start]
    for n, joint in enumerate(CANONICAL[1:]):
        bone = windows[:, :, CANONICAL.index(joint)] - windows[:, :, CANONICAL.index(HANGS_ON[joint])]
        length = np.linalg.norm(bone, axis=-1)
        np.testing.assert_allclose(lengths[:, ::-1, n], length, atol=1e-5)
        along = directions[:, ::-1, 3 * n : 3 * n + 3]
        np.testing.assert_allclose(np.linalg.norm(along, axis=-1), 1, atol=1e-4)
        np.testing.assert_allclose(along[:, :, 1], bone[:, :, 1] / length, atol=1e-4)


def test_deviations_are_squares_of_what_the_window_varies_by(windows: FloatArray) -> None:
    found = pose_numbers(windows)
    varied = np.concatenate((found[:, :, JOINTS], found[:, :, BONES]), axis=2)
    np.testing.assert_allclose(found[:, :, DEVIATIONS].mean(axis=1), varied.var(axis=1), atol=1e-5)
    assert found[:, :, DEVIATIONS].shape == varied.shape


def test_who_faces_the_sensor_is_not_turned(windows: FloatArray) -> None:
    joints = pose_numbers(windows)[:, ::-1, JOINTS].reshape(4, 6, 19, 3)
    np.testing.assert_allclose(joints, windows[:, :, 1:], atol=1e-6)


@given(st.floats(-np.pi, np.pi))
def test_it_does_not_matter_which_way_somebody_faces(windows: FloatArray, angle: float) -> None:
    np.testing.assert_allclose(pose_numbers(turned(windows, angle)), pose_numbers(windows), atol=2e-5)


def test_mirrored_people_are_other_people(windows: FloatArray) -> None:
    mirrored = windows * np.array([-1, 1, 1], np.float32)
    assert np.abs(pose_numbers(mirrored) - pose_numbers(windows)).max() > 0.1


def test_a_windows_bits_do_not_depend_on_the_windows_beside_it(windows: FloatArray) -> None:
    together = pose_numbers(windows)
    for n in range(len(windows)):
        assert pose_numbers(windows[n : n + 1]).tobytes() == together[n : n + 1].tobytes()


def test_joints_that_coincide_give_numbers_all_the_same() -> None:
    assert np.isfinite(pose_numbers(np.zeros((1, 6, 20, 3), np.float32))).all()
