"""Joint layouts of the sensors, and their conversion to the canonical 20 joints.

The canonical joints are those of the Kinect v1 SDK, in its order. Every layout is one table: each canonical
joint is a weighted mean of the sensor's joints. A table maps joints only: bodies arrive in metres, Y up, X to
the sensor's left, Z away from it. If a sensor uses other units or axes (Azure Kinect: millimetres, Y down, X
right; MediaPipe: Y down, X right), its source module converts them first. 2D layouts, in pixels and without
depth, are kept apart (`LAYOUTS_2D`); functions that need metres reject them.

Some sources have no hands or feet and write wrists and ankles twice. A hand at its wrist and a foot at its
ankle were not measured: `to_canonical` replaces them by a fixed function of other joints, so that they keep
the skeleton in the range that encoders know and tell nothing of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray
from stream.errors import UserError

__all__ = [
    "BONES",
    "CANONICAL",
    "CANONICAL_LAYOUT",
    "LAYOUTS",
    "LAYOUTS_2D",
    "Layout",
    "get_layout",
    "hip_center",
    "map_joints",
    "to_canonical",
]

CANONICAL: tuple[str, ...] = (
    "HipCenter", "Spine", "ShoulderCenter", "Head",
    "ShoulderLeft", "ElbowLeft", "WristLeft", "HandLeft",
    "ShoulderRight", "ElbowRight", "WristRight", "HandRight",
    "HipLeft", "KneeLeft", "AnkleLeft", "FootLeft",
    "HipRight", "KneeRight", "AnkleRight", "FootRight",
)  # fmt: skip
"""The 20 joints, in order, of all skeletons after `to_canonical`."""

CANONICAL_LAYOUT = "canonical"
"""Layout name of windows and weights with the joints `CANONICAL`."""

BONES = tuple(
    (CANONICAL.index(joint), CANONICAL.index(parent))
    for joint, parent in (
        ("Spine", "HipCenter"), ("ShoulderCenter", "Spine"), ("Head", "ShoulderCenter"),
        ("ShoulderLeft", "ShoulderCenter"), ("ElbowLeft", "ShoulderLeft"),
        ("WristLeft", "ElbowLeft"), ("HandLeft", "WristLeft"),
        ("ShoulderRight", "ShoulderCenter"), ("ElbowRight", "ShoulderRight"),
        ("WristRight", "ElbowRight"), ("HandRight", "WristRight"),
        ("HipLeft", "HipCenter"), ("KneeLeft", "HipLeft"),
        ("AnkleLeft", "KneeLeft"), ("FootLeft", "AnkleLeft"),
        ("HipRight", "HipCenter"), ("KneeRight", "HipRight"),
        ("AnkleRight", "KneeRight"), ("FootRight", "AnkleRight"),
    )
)  # fmt: skip
"""The 19 bones of the canonical skeleton, each as (joint, parent joint)."""

ABSENT_M = 0.0005
"""A hand this close to its wrist, or a foot to its ankle, was not measured, metres.

In KGBD people 1-100 no hand is nearer to its wrist than 2.7 mm (`python -m tools.trials.absent_joints`).
"""

HAND_REACH = 0.29
"""Distance of a completed hand from its wrist, along the forearm, forearms."""

FOOT_FORWARD, FOOT_DOWN = 0.19, 0.15
"""Distance of a completed foot from its ankle, across the shank and along it, shanks.

These three are medians of KGBD people 1-100 (Kinect v1) and people 1-5 of the pathological gaits (Kinect v2),
the mean of both; `python -m tools.trials.absent_joints` prints them.
"""

_ENDS, _AT, _BEFORE = (
    [CANONICAL.index(name + side) for name in names for side in ("Left", "Right")]
    for names in (("Hand", "Foot"), ("Wrist", "Ankle"), ("Elbow", "Knee"))
)


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Joint names of one kind of sensor, and their mapping to the canonical 20 joints.

    Attributes:
        name: the key in `LAYOUTS` or `LAYOUTS_2D`.
        joints: the sensor's J joint names, in its order.
        weights: (20, J) float32, read-only, not negative; row c holds the weights of canonical joint c and
            sums to 1.
        is_2d: True if joints are image positions in pixels with Z = 0.
    """

    name: str
    joints: tuple[str, ...]
    weights: FloatArray
    is_2d: bool = False


def get_layout(name: str) -> Layout:
    """Returns the layout with a name.

    Raises:
        ValueError: the name is unknown; the text lists the known names.
    """
    layout = LAYOUTS.get(name) or LAYOUTS_2D.get(name)
    if layout is None:
        raise ValueError(f"unknown joint layout {name!r}; known are {', '.join((*LAYOUTS, *LAYOUTS_2D))}")
    return layout


def hip_center(layout: Layout, joints: FloatArray) -> FloatArray:
    """Returns the hip centre (..., 3), the origin of centred skeletons, of joints (..., J, 3)."""
    parts = np.flatnonzero(layout.weights[0])
    hip: FloatArray = layout.weights[0, parts] @ joints[..., parts, :]
    return hip


def to_canonical(layout: Layout, joints: FloatArray, confidence: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Converts a sensor's J joints to the canonical 20 joints, with hands and feet that it has not completed.

    A hand at its wrist, or a foot at its ankle, becomes a fixed function of the other joints, with the
    confidence of wrist or ankle.

    Args:
        layout: the layout that `joints` are in.
        joints: (..., J, 3) float32, metres, axes as in `stream.body.Body`. Leading axes (frames) are kept.
        confidence: (..., J) float32 in 0..1.

    Returns:
        Joints (..., 20, 3) float32 and confidence (..., 20) float32; see `map_joints`.

    Raises:
        UserError: the layout is 2D.
    """
    canonical, minimum = map_joints(layout, joints, confidence)
    _complete_absent(canonical, minimum)
    return canonical, minimum


def map_joints(layout: Layout, joints: FloatArray, confidence: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Maps a sensor's J joints to the canonical 20 joints, as the sensor gave them, for pictures.

    A joint is missing if its confidence is 0 or a coordinate is not finite. Canonical joints that depend on
    it become NaN with confidence 0; all others stay the same.

    Args:
        layout: the layout that `joints` are in.
        joints: (..., J, 3) float32; leading axes (frames) are kept.
        confidence: (..., J) float32 in 0..1.

    Returns:
        Joints (..., 20, 3) float32, weighted means of the sensor's joints, and confidence (..., 20) float32,
        the minimum over the sensor's joints used.

    Raises:
        UserError: the layout is 2D.
    """
    if layout.is_2d:
        raise UserError(
            f"skeletons in the layout {layout.name} are 2D image positions in pixels: they cannot be "
            "combined with skeletons in metres; give 3D skeletons, or evaluate the 2D skeletons separately"
        )
    finite = np.isfinite(joints)
    detected = (confidence > 0) & finite[..., 0] & finite[..., 1] & finite[..., 2]
    known = np.where(detected, confidence, np.float32(0))
    parts = _parts(layout)
    canonical: FloatArray
    if len(parts) == 1:
        canonical, minimum = joints.take(parts[0], axis=-2), known.take(parts[0], axis=-1)
    else:
        # Zero instead of NaN, because 0 * NaN would spread to every joint of the product.
        canonical = layout.weights @ np.where(detected[..., None], joints, np.float32(0))
        minimum = np.minimum.reduce([known.take(part, axis=-1) for part in parts])
    missing = minimum == 0
    if missing.any():
        canonical[missing] = np.nan
    return canonical, minimum


@cache
def _parts(layout: Layout) -> tuple[NDArray[np.intp], ...]:
    """Returns the sensor's joints that make up the canonical ones: P arrays (20,), joints may repeat.

    One array says that every canonical joint is a joint of the sensor as it is.
    """
    used = [np.flatnonzero(row) for row in layout.weights]
    most = max(len(joints) for joints in used)
    return tuple(np.array([joints[min(part, len(joints) - 1)] for joints in used]) for part in range(most))


def _complete_absent(joints: FloatArray, confidence: FloatArray) -> None:
    """Completes hands at wrists and feet at ankles, in place.

    Args:
        joints: (..., 20, 3) float32.
        confidence: (..., 20) float32.
    """
    reach = joints.take(_ENDS, axis=-2) - joints.take(_AT, axis=-2)
    # Not where one is missing: NaN is never less.
    absent = np.einsum("...k,...k->...", reach, reach) < np.float32(ABSENT_M**2)
    if not absent.any():
        return
    limbs = joints[..., _AT, :] - joints[..., _BEFORE, :]
    arms, shanks = limbs[..., :2, :], limbs[..., 2:, :]
    trunk = joints[..., CANONICAL.index("ShoulderCenter"), :] - joints[..., 0, :]
    hips = joints[..., CANONICAL.index("HipLeft"), :] - joints[..., CANONICAL.index("HipRight"), :]
    down, ahead = _unit(shanks), np.cross(hips, trunk)[..., None, :]
    across = _unit(ahead - (ahead * down).sum(axis=-1, keepdims=True) * down)
    shank_lengths = np.linalg.norm(shanks, axis=-1, keepdims=True)
    feet = shank_lengths * (np.float32(FOOT_FORWARD) * across + np.float32(FOOT_DOWN) * down)
    completed = joints[..., _AT, :] + np.concatenate((np.float32(HAND_REACH) * arms, feet), axis=-2)
    absent &= np.isfinite(completed).all(axis=-1)  # a joint that it depends on may be missing
    joints[..., _ENDS, :] = np.where(absent[..., None], completed, joints[..., _ENDS, :])
    confidence[..., _ENDS] = np.where(absent, confidence[..., _AT], confidence[..., _ENDS])


def _unit(vectors: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: FloatArray = vectors / np.maximum(lengths, np.float32(1e-6))
    return unit


def _layout(name: str, joints: str, mapping: Mapping[str, Mapping[str, float]]) -> Layout:
    """Builds a layout.

    Args:
        name: its name.
        joints: the sensor's joint names, separated by blanks.
        mapping: for each canonical joint, weights by sensor joint.
    """
    names = tuple(joints.split())
    weights = np.zeros((len(CANONICAL), len(names)), np.float32)
    for row, canonical in enumerate(CANONICAL):
        for joint, weight in mapping[canonical].items():
            weights[row, names.index(joint)] = weight
    weights.flags.writeable = False
    return Layout(name, names, weights)


def _same(*joints: str) -> dict[str, dict[str, float]]:
    """Maps canonical joints to the sensor joints of the same names."""
    return {joint: {joint: 1.0} for joint in joints}


def _sides(**mapping: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Expands a mapping of paired joints to the left and the right joint.

    In sensor joint names, `{SIDE}`, `{side}` and `{s}` become LEFT, left and l, or RIGHT, right and r.
    """
    return {
        canonical + side: {
            joint.format(SIDE=side.upper(), side=side.lower(), s=side[0].lower()): weight
            for joint, weight in weights.items()
        }
        for canonical, weights in mapping.items()
        for side in ("Left", "Right")
    }


_KINECT_V1 = _layout("kinect-v1", " ".join(CANONICAL), _same(*CANONICAL))

_KINECT_V2 = _layout(
    "kinect-v2",
    "SpineBase SpineMid Neck Head"
    " ShoulderLeft ElbowLeft WristLeft HandLeft ShoulderRight ElbowRight WristRight HandRight"
    " HipLeft KneeLeft AnkleLeft FootLeft HipRight KneeRight AnkleRight FootRight"
    " SpineShoulder HandTipLeft ThumbLeft HandTipRight ThumbRight",
    _same(*CANONICAL[3:])
    | {"HipCenter": {"SpineBase": 1}, "Spine": {"SpineMid": 1}, "ShoulderCenter": {"SpineShoulder": 1}},
)

# NECK, not the clavicles: the ShoulderCenter of a Kinect v1 lies at the base of the neck, 13 cm above the
# midpoint of the shoulder joints (median over KGBD).
_AZURE_KINECT = _layout(
    "azure-kinect",
    "PELVIS SPINE_NAVEL SPINE_CHEST NECK"
    " CLAVICLE_LEFT SHOULDER_LEFT ELBOW_LEFT WRIST_LEFT HAND_LEFT HANDTIP_LEFT THUMB_LEFT"
    " CLAVICLE_RIGHT SHOULDER_RIGHT ELBOW_RIGHT WRIST_RIGHT HAND_RIGHT HANDTIP_RIGHT THUMB_RIGHT"
    " HIP_LEFT KNEE_LEFT ANKLE_LEFT FOOT_LEFT HIP_RIGHT KNEE_RIGHT ANKLE_RIGHT FOOT_RIGHT"
    " HEAD NOSE EYE_LEFT EAR_LEFT EYE_RIGHT EAR_RIGHT",
    {
        "HipCenter": {"PELVIS": 1},
        "Spine": {"SPINE_NAVEL": 1},
        "ShoulderCenter": {"NECK": 1},
        "Head": {"HEAD": 1},
        **_sides(
            Shoulder={"SHOULDER_{SIDE}": 1},
            Elbow={"ELBOW_{SIDE}": 1},
            Wrist={"WRIST_{SIDE}": 1},
            Hand={"HAND_{SIDE}": 1},
            Hip={"HIP_{SIDE}": 1},
            Knee={"KNEE_{SIDE}": 1},
            Ankle={"ANKLE_{SIDE}": 1},
            Foot={"FOOT_{SIDE}": 1},
        ),
    },
)

# Neither MediaPipe nor COCO has a spine joint: it is placed 30 % of the way from the hips to the shoulders.
_TRUNK_WITHOUT_SPINE = {
    "HipCenter": {"left_hip": 0.5, "right_hip": 0.5},
    "Spine": {"left_hip": 0.35, "right_hip": 0.35, "left_shoulder": 0.15, "right_shoulder": 0.15},
    "ShoulderCenter": {"left_shoulder": 0.5, "right_shoulder": 0.5},
    "Head": {"left_ear": 0.5, "right_ear": 0.5},
}
_LIMBS = _sides(
    Shoulder={"{side}_shoulder": 1},
    Elbow={"{side}_elbow": 1},
    Wrist={"{side}_wrist": 1},
    Hip={"{side}_hip": 1},
    Knee={"{side}_knee": 1},
    Ankle={"{side}_ankle": 1},
)

_MEDIAPIPE = _layout(
    "mediapipe",
    "nose left_eye_inner left_eye left_eye_outer right_eye_inner right_eye right_eye_outer"
    " left_ear right_ear mouth_left mouth_right left_shoulder right_shoulder left_elbow right_elbow"
    " left_wrist right_wrist left_pinky right_pinky left_index right_index left_thumb right_thumb"
    " left_hip right_hip left_knee right_knee left_ankle right_ankle left_heel right_heel"
    " left_foot_index right_foot_index",
    {
        **_TRUNK_WITHOUT_SPINE,
        **_LIMBS,
        **_sides(
            Hand={"{side}_wrist": 0.2, "{side}_pinky": 0.4, "{side}_index": 0.4},
            Foot={"{side}_foot_index": 1},
        ),
    },
)

# COCO has neither hands nor feet: copied wrists and ankles mark them as absent.
_COCO = _layout(
    "coco",
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow"
    " left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle right_ankle",
    {
        **_TRUNK_WITHOUT_SPINE,
        **_LIMBS,
        **_sides(Hand={"{side}_wrist": 1}, Foot={"{side}_ankle": 1}),
    },
)

# The 17 joints of MPI-INF-3DHP, which has neither hands nor feet, as COCO.
_MPI_17 = _layout(
    "mpi-17",
    "htop neck rsho relb rwri lsho lelb lwri rhip rkne rank lhip lkne lank pelv spin head",
    {
        "HipCenter": {"pelv": 1},
        "Spine": {"spin": 1},
        "ShoulderCenter": {"neck": 1},
        "Head": {"head": 1},
        **_sides(
            Shoulder={"{s}sho": 1},
            Elbow={"{s}elb": 1},
            Wrist={"{s}wri": 1},
            Hand={"{s}wri": 1},
            Hip={"{s}hip": 1},
            Knee={"{s}kne": 1},
            Ankle={"{s}ank": 1},
            Foot={"{s}ank": 1},
        ),
    },
)

# The first 14 joints of OpenPose, as in CASIA-B's estimated 3D skeletons; the joint `head` is the nose.
_OPENPOSE_14 = _layout(
    "openpose-14",
    "head neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist"
    " right_hip right_knee right_ankle left_hip left_knee left_ankle",
    {
        "HipCenter": {"left_hip": 0.5, "right_hip": 0.5},
        "Spine": {"left_hip": 0.35, "right_hip": 0.35, "neck": 0.3},
        "ShoulderCenter": {"neck": 1},
        "Head": {"head": 1},
        **_LIMBS,
        **_sides(Hand={"{side}_wrist": 1}, Foot={"{side}_ankle": 1}),
    },
)

LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        layout.name: layout
        for layout in (_KINECT_V1, _KINECT_V2, _AZURE_KINECT, _MEDIAPIPE, _COCO, _MPI_17, _OPENPOSE_14)
    }
)
"""The 3D layouts, in metres; a source uses one of these."""

LAYOUTS_2D: Mapping[str, Layout] = MappingProxyType(
    {"coco17-2d": replace(_COCO, name="coco17-2d", is_2d=True)}
)
"""2D layouts of data sets: X to the image's left, Y up, pixels, Z = 0."""
