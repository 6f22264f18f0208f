"""Tests of the joint layouts: their tables, and the conversion to the canonical 20 joints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.errors import UserError
from stream.skeleton import (
    CANONICAL,
    LAYOUTS,
    LAYOUTS_2D,
    Layout,
    get_layout,
    hip_center,
    map_joints,
    to_canonical,
)
from stream.windows.cutting import cut_windows
from tests.stream.bodies import at_rate, walking

ALL = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
SIDED = [name.removesuffix("Left") for name in CANONICAL if name.endswith("Left")]

# A person of 1.7 m, facing the sensor at 3 m: heights above the hips and half widths, metres. X points to the
# sensor's left, which is the person's right.
HEIGHT = {
    "Head": 0.68, "ShoulderCenter": 0.50, "Spine": 0.10, "HipCenter": 0.0,
    "Shoulder": 0.45, "Elbow": 0.18, "Wrist": -0.06, "Hand": -0.13,
    "Hip": 0.0, "Knee": -0.42, "Ankle": -0.82, "Foot": -0.87,
}  # fmt: skip
WIDTH = {"Shoulder": 0.19, "Elbow": 0.24, "Wrist": 0.25, "Hand": 0.25, "Hip": 0.09, "Knee": 0.1, "Ankle": 0.1,
         "Foot": 0.1}  # fmt: skip


def standing(joint: str) -> tuple[float, float, float]:
    part = joint.removesuffix("Left").removesuffix("Right")
    side = -1 if joint.endswith("Left") else 1
    forward = 0.1 if part == "Foot" else 0.0
    return side * WIDTH.get(part, 0.0), 0.9 + HEIGHT[part], 3.0 - forward


def standing_joints(layout: Layout) -> np.ndarray:
    """Returns the standing person in the layout's joints, from anatomy, not from the layout's table."""
    aliases = {
        "SpineBase": "HipCenter", "PELVIS": "HipCenter", "pelv": "HipCenter",
        "SpineMid": "Spine", "SPINE_NAVEL": "Spine", "spin": "Spine",
        "SpineShoulder": "ShoulderCenter", "NECK": "ShoulderCenter", "neck": "ShoulderCenter",
        "HEAD": "Head", "head": "Head", "left_ear": "Head", "right_ear": "Head",
    }  # fmt: skip
    parts = {"sho": "Shoulder", "elb": "Elbow", "wri": "Wrist", "hip": "Hip", "kne": "Knee", "ank": "Ankle",
             "index": "Hand", "pinky": "Hand", "foot_index": "Foot"}  # fmt: skip

    def position(joint: str) -> tuple[float, float, float]:
        if joint in aliases or joint in CANONICAL:
            return standing(aliases.get(joint, joint))
        words = joint.lower().split("_")
        side = "Left" if "left" in words else "Right" if "right" in words else ""
        part = "_".join(word for word in words if word not in ("left", "right"))
        if layout.name == "mpi-17" and part[1:] in parts:
            side, part = {"l": "Left", "r": "Right"}[part[0]], part[1:]
        name = parts.get(part, part.capitalize()) + side
        return standing(name) if side and name in CANONICAL else (9.0, 9.0, 9.0)  # not used by the table

    return np.array([position(joint) for joint in layout.joints], np.float32)


def full_confidence(layout: Layout) -> np.ndarray:
    return np.ones(len(layout.joints), np.float32)


def test_canonical_order_is_the_kinect_v1_sdk_order() -> None:
    assert len(CANONICAL) == len(set(CANONICAL)) == 20
    assert CANONICAL[:8] == (
        "HipCenter", "Spine", "ShoulderCenter", "Head", "ShoulderLeft", "ElbowLeft", "WristLeft", "HandLeft"
    )  # fmt: skip
    assert CANONICAL[12:] == (
        "HipLeft", "KneeLeft", "AnkleLeft", "FootLeft", "HipRight", "KneeRight", "AnkleRight", "FootRight"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "count", "known"),
    [
        ("kinect-v1", 20, {3: "Head", 19: "FootRight"}),
        ("kinect-v2", 25, {0: "SpineBase", 2: "Neck", 20: "SpineShoulder", 24: "ThumbRight"}),
        ("azure-kinect", 32, {3: "NECK", 10: "THUMB_LEFT", 22: "HIP_RIGHT", 26: "HEAD", 31: "EAR_RIGHT"}),
        ("mediapipe", 33, {7: "left_ear", 12: "right_shoulder", 19: "left_index", 32: "right_foot_index"}),
        ("coco", 17, {0: "nose", 4: "right_ear", 9: "left_wrist", 16: "right_ankle"}),
        ("mpi-17", 17, {0: "htop", 7: "lwri", 14: "pelv", 16: "head"}),
        ("openpose-14", 14, {0: "head", 1: "neck", 4: "right_wrist", 7: "left_wrist", 13: "left_ankle"}),
        ("coco17-2d", 17, {0: "nose", 4: "right_ear", 9: "left_wrist", 16: "right_ankle"}),
    ],
)
def test_layouts_have_the_joints_documented_by_the_sensors(
    name: str, count: int, known: dict[int, str]
) -> None:
    layout = get_layout(name)
    assert layout.name == name
    assert len(layout.joints) == len(set(layout.joints)) == count
    assert {index: layout.joints[index] for index in known} == known


@ALL
def test_tables_are_weighted_means(layout: Layout) -> None:
    assert layout.weights.shape == (20, len(layout.joints))
    assert layout.weights.dtype == np.float32
    assert (layout.weights >= 0).all()
    np.testing.assert_allclose(layout.weights.sum(axis=1), 1, atol=1e-6)
    with pytest.raises(ValueError, match="read-only"):
        layout.weights[0, 0] = 1


@ALL
def test_left_and_right_tables_mirror_each_other(layout: Layout) -> None:
    for part in SIDED:
        left = layout.weights[CANONICAL.index(part + "Left")]
        right = layout.weights[CANONICAL.index(part + "Right")]
        assert not (left * right).any(), f"{part}: left and right share a joint"
        assert sorted(left) == sorted(right)


def test_kinect_v1_is_the_identity() -> None:
    layout = get_layout("kinect-v1")
    rng = np.random.default_rng(5)
    joints = rng.normal(size=(20, 3)).astype(np.float32)
    confidence = rng.uniform(0.1, 1, 20).astype(np.float32)
    converted, trust = to_canonical(layout, joints, confidence)
    np.testing.assert_array_equal(converted, joints)
    np.testing.assert_array_equal(trust, confidence)


@ALL
def test_conversion_reproduces_a_standing_person(layout: Layout) -> None:
    converted, confidence = to_canonical(layout, standing_joints(layout), full_confidence(layout))
    assert converted.dtype == confidence.dtype == np.float32
    assert (confidence == 1).all()
    expected = np.array([standing(name) for name in CANONICAL])
    # Spine, hands, feet and the shoulder centre are derived from neighbours if the sensor lacks them.
    np.testing.assert_allclose(converted, expected, atol=0.11)
    exact = [i for i, name in enumerate(CANONICAL) if name[:4] in ("Head", "Elbo", "Wris", "Knee", "Ankl")]
    np.testing.assert_allclose(converted[exact], expected[exact], atol=1e-5)


@ALL
def test_left_is_the_persons_left(layout: Layout) -> None:
    converted, _ = to_canonical(layout, standing_joints(layout), full_confidence(layout))
    for part in SIDED:
        left, right = (converted[CANONICAL.index(part + side), 0] for side in ("Left", "Right"))
        assert left < right, f"{part}: facing the sensor, the person's left is on the sensor's right"


@ALL
def test_proportions_are_human(layout: Layout) -> None:
    joints, _ = to_canonical(layout, standing_joints(layout), full_confidence(layout))
    at = {name: joints[i] for i, name in enumerate(CANONICAL)}

    def bone(start: str, end: str) -> float:
        return float(np.linalg.norm(at[start] - at[end]))

    assert at["Head"][1] > at["ShoulderCenter"][1] > at["Spine"][1] > at["HipCenter"][1]
    for side in ("Left", "Right"):
        assert 0.8 < bone("Hip" + side, "Knee" + side) / bone("Knee" + side, "Ankle" + side) < 1.25
        assert 0.8 < bone("Shoulder" + side, "Elbow" + side) / bone("Elbow" + side, "Wrist" + side) < 1.35
        assert bone("Wrist" + side, "Hand" + side) < 0.12
        assert bone("Ankle" + side, "Foot" + side) < 0.2
    assert bone("ShoulderLeft", "ShoulderRight") > 1.5 * bone("HipLeft", "HipRight")


def test_joints_missing_in_mediapipe_are_derived_from_their_neighbours() -> None:
    layout = get_layout("mediapipe")
    joints = standing_joints(layout)
    converted, _ = to_canonical(layout, joints, full_confidence(layout))
    at = dict(zip(layout.joints, joints, strict=True))
    hips, shoulders = (at[f"left_{x}"] / 2 + at[f"right_{x}"] / 2 for x in ("hip", "shoulder"))
    np.testing.assert_allclose(converted[CANONICAL.index("Spine")], 0.7 * hips + 0.3 * shoulders, atol=1e-6)
    hand = 0.2 * at["left_wrist"] + 0.4 * at["left_pinky"] + 0.4 * at["left_index"]
    np.testing.assert_allclose(converted[CANONICAL.index("HandLeft")], hand, atol=1e-6)


def test_mpi_17_agrees_with_the_index_map_of_the_rgb_data_set(data_dir: Path) -> None:
    with np.load(data_dir / "rgb_metrabs_large_17j.npz", allow_pickle=False) as data:
        layout = get_layout("mpi-17")
        assert layout.joints == tuple(data["joint_names"].tolist())
        np.testing.assert_array_equal(layout.weights, np.eye(17, dtype=np.float32)[data["kinect20_from"]])


@ALL
@pytest.mark.parametrize("value", [0.0, np.nan], ids=["no-confidence", "nan-coordinates"])
def test_a_missing_joint_affects_only_the_joints_derived_from_it(layout: Layout, value: float) -> None:
    joints = standing_joints(layout)
    whole, _ = map_joints(layout, joints, full_confidence(layout))
    for index in range(len(layout.joints)):
        changed, confidence = joints.copy(), full_confidence(layout)
        changed[index] = np.nan
        if value == 0.0:
            changed[index], confidence[index] = 1e9, 0
        converted, trust = map_joints(layout, changed, confidence)
        affected = layout.weights[:, index] > 0
        np.testing.assert_array_equal(trust, np.where(affected, 0, 1))
        assert np.isnan(converted[affected]).all()
        np.testing.assert_allclose(converted[~affected], whole[~affected], atol=1e-6)


def test_confidence_is_the_minimum_of_the_source_joints() -> None:
    layout = get_layout("coco")
    confidence = full_confidence(layout)
    confidence[layout.joints.index("left_hip")] = 0.25
    confidence[layout.joints.index("right_shoulder")] = 0.5
    _, trust = to_canonical(layout, standing_joints(layout), confidence)
    trusted = dict(zip(CANONICAL, trust.tolist(), strict=True))
    assert trusted["HipCenter"] == trusted["Spine"] == trusted["HipLeft"] == 0.25
    assert trusted["ShoulderCenter"] == trusted["ShoulderRight"] == 0.5
    assert trusted["HipRight"] == trusted["Head"] == 1


def test_no_detected_joint_gives_no_canonical_joint() -> None:
    layout = get_layout("azure-kinect")
    joints = np.full((32, 3), np.nan, np.float32)
    converted, trust = to_canonical(layout, joints, np.zeros(32, np.float32))
    assert np.isnan(converted).all()
    assert (trust == 0).all()


@ALL
def test_batch_conversion_equals_frame_by_frame_conversion(layout: Layout) -> None:
    rng = np.random.default_rng(3)
    joints = rng.normal(size=(7, len(layout.joints), 3)).astype(np.float32)
    confidence = rng.choice([0.0, 0.5, 1.0], size=joints.shape[:2]).astype(np.float32)
    together, trust = to_canonical(layout, joints, confidence)
    assert together.shape == (7, 20, 3)
    for frame in range(7):
        alone, alone_trust = to_canonical(layout, joints[frame], confidence[frame])
        np.testing.assert_allclose(together[frame], alone, atol=1e-6)
        np.testing.assert_array_equal(trust[frame], alone_trust)


@given(
    layout=st.sampled_from(list(LAYOUTS.values())),
    seed=st.integers(0, 2**32 - 1),
    shift=st.tuples(*[st.floats(-5, 5)] * 3),
)
def test_conversion_is_equivariant_to_rotation_and_translation(
    layout: Layout, seed: int, shift: tuple[float, ...]
) -> None:
    rng = np.random.default_rng(seed)
    joints = rng.uniform(-1, 1, (len(layout.joints), 3)).astype(np.float32)
    confidence = rng.choice([0.0, 0.5, 1.0], len(layout.joints), p=[0.1, 0.2, 0.7]).astype(np.float32)
    turn = np.linalg.qr(rng.normal(size=(3, 3))).Q
    turn *= np.linalg.det(turn)
    moved, moved_trust = to_canonical(layout, (joints @ turn.T + shift).astype(np.float32), confidence)
    converted, trust = to_canonical(layout, joints, confidence)
    np.testing.assert_allclose(moved, converted @ turn.T + shift, atol=1e-5)
    np.testing.assert_array_equal(moved_trust, trust)


def test_an_unknown_layout_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'kinect-v3'.*kinect-v1.*mpi-17"):
        get_layout("kinect-v3")


@ALL
def test_the_hip_centre_equals_the_canonical_joint_in_every_layout(layout: Layout) -> None:
    rng = np.random.default_rng(11)
    joints = rng.normal(size=(4, 6, len(layout.joints), 3)).astype(np.float32)
    converted, _ = to_canonical(layout, joints, np.ones(joints.shape[:-1], np.float32))
    np.testing.assert_allclose(hip_center(layout, joints), converted[..., 0, :], atol=1e-6)


def test_the_hip_centre_does_not_depend_on_other_joints() -> None:
    layout = get_layout("openpose-14")
    joints = np.full((14, 3), np.nan, np.float32)
    joints[layout.joints.index("left_hip")], joints[layout.joints.index("right_hip")] = (0, 1, 2), (1, 1, 4)
    np.testing.assert_allclose(hip_center(layout, joints), [0.5, 1, 3])


def test_2d_skeletons_are_rejected_by_the_conversion() -> None:
    (layout,) = LAYOUTS_2D.values()
    assert layout.is_2d
    assert layout.name not in LAYOUTS, "sources and recordings must not use it"
    with pytest.raises(UserError, match="layout coco17-2d are 2D image positions in pixels: they cannot"):
        to_canonical(layout, np.ones((17, 3), np.float32), np.ones(17, np.float32))
    assert not any(known.is_2d for known in LAYOUTS.values())


WITHOUT = {
    "kinect-v2": ("Hand",),
    "coco": ("Hand", "Foot"),
    "mpi-17": ("Hand", "Foot"),
    "openpose-14": ("Hand", "Foot"),
}


@pytest.mark.parametrize("name", WITHOUT)
def test_hands_at_wrists_and_feet_at_ankles_are_completed_by_the_limb(name: str) -> None:
    layout = get_layout(name)
    joints = standing_joints(layout)
    if name == "kinect-v2":
        for side in ("Left", "Right"):
            joints[layout.joints.index("Hand" + side)] = joints[layout.joints.index("Wrist" + side)]
    converted, trust = to_canonical(layout, joints, full_confidence(layout))
    at = dict(zip(CANONICAL, converted, strict=True))
    assert (trust == 1).all()
    for side in ("Left", "Right"):
        forearm = at["Wrist" + side] - at["Elbow" + side]
        np.testing.assert_allclose(at["Hand" + side] - at["Wrist" + side], 0.29 * forearm, atol=1e-5)
        if "Foot" in WITHOUT[name]:
            foot = at["Foot" + side] - at["Ankle" + side]
            assert foot[2] < -0.05, "feet point to the front: this person faces the sensor"
            assert foot[1] < -0.03


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), limb=st.sampled_from([("Hand", "Wrist"), ("Foot", "Ankle")]))
def test_what_a_source_writes_for_joints_that_it_does_not_have_changes_no_window(
    seed: int, limb: tuple[str, str]
) -> None:
    random = np.random.default_rng(seed)
    layout, times = get_layout("kinect-v1"), at_rate(30, 1)
    joints, confidence = walking(times), np.ones((len(times), 20), np.float32)
    ends, at = ([CANONICAL.index(part + side) for side in ("Left", "Right")] for part in limb)
    cut = []
    for _ in range(2):
        written, sure = joints.copy(), confidence.copy()
        written[:, ends] = joints[:, at] + random.uniform(-2e-4, 2e-4, (len(times), 2, 3))
        sure[:, ends] = random.uniform(0.1, 1, (len(times), 2))
        cut.append(cut_windows(times, *to_canonical(layout, written, sure)))
    assert len(cut[0]) > 5
    for window, other in zip(*cut, strict=True):
        np.testing.assert_array_equal(window.joints, other.joints)
        assert window.quality == other.quality


def test_hands_that_were_measured_stay_as_they_are() -> None:
    layout = get_layout("kinect-v1")
    joints = standing_joints(layout)
    converted, _ = to_canonical(layout, joints, full_confidence(layout))
    np.testing.assert_array_equal(converted, joints)


def test_pictures_show_the_joints_that_the_sensor_gave() -> None:
    layout = get_layout("coco")
    joints, _ = map_joints(layout, standing_joints(layout), full_confidence(layout))
    np.testing.assert_array_equal(joints[CANONICAL.index("FootLeft")], joints[CANONICAL.index("AnkleLeft")])
