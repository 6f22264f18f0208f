"""Joint layouts of the sensors, and their conversion to the canonical 20 joints.

The canonical joints are those of the Kinect v1 SDK, in its order. Every other layout is one table: for each
canonical joint, the sensor's joints it is made of and their weights. A table maps joints and nothing else:
bodies arrive in metres, Y up, X to the sensor's left, Z away from it. Where a sensor speaks otherwise
(Azure Kinect: millimetres, Y down, X right; MediaPipe: Y down, X right), its source module converts units and
axes before anything here sees the joints. Layouts of pictures, in pixels and without depth, stand apart
(`FLAT_LAYOUTS`): nothing that works on metres takes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from stream.body import FloatArray
from stream.errors import UserError

__all__ = [
    "BONES",
    "CANONICAL",
    "CANONICAL_LAYOUT",
    "FLAT_LAYOUTS",
    "LAYOUTS",
    "Layout",
    "get_layout",
    "hip_of",
    "to_canonical",
]

CANONICAL: tuple[str, ...] = (
    "HipCenter", "Spine", "ShoulderCenter", "Head",
    "ShoulderLeft", "ElbowLeft", "WristLeft", "HandLeft",
    "ShoulderRight", "ElbowRight", "WristRight", "HandRight",
    "HipLeft", "KneeLeft", "AnkleLeft", "FootLeft",
    "HipRight", "KneeRight", "AnkleRight", "FootRight",
)  # fmt: skip
"""The 20 joints that everything after the sources works on, in their order."""

CANONICAL_LAYOUT = "canonical"
"""The name of the layout of windows and weights whose joints are `CANONICAL`."""

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
"""The 19 bones of the canonical joints, each as (joint, the joint that it hangs on)."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """How one kind of sensor names its joints, and how the canonical 20 are made of them.

    Attributes:
        name: the key in `LAYOUTS` or `FLAT_LAYOUTS`.
        joints: the sensor's J joint names, in its order.
        weights: (20, J) float32, read-only, not negative; row c says what canonical joint c is made of, and
            sums to 1.
        flat: whether the joints are places in a picture: pixels, Z = 0.
    """

    name: str
    joints: tuple[str, ...]
    weights: FloatArray
    flat: bool = False


def get_layout(name: str) -> Layout:
    """The layout of that name.

    Raises:
        ValueError: no such layout; the text lists those there are.
    """
    layout = LAYOUTS.get(name) or FLAT_LAYOUTS.get(name)
    if layout is None:
        raise ValueError(f"no joint layout {name!r}; there are {', '.join((*LAYOUTS, *FLAT_LAYOUTS))}")
    return layout


def hip_of(layout: Layout, joints: FloatArray) -> FloatArray:
    """(..., 3) the middle of the hips, which skeletons are centred on, of (..., J, 3) joints."""
    parts = np.flatnonzero(layout.weights[0])
    hip: FloatArray = layout.weights[0, parts] @ joints[..., parts, :]
    return hip


def to_canonical(layout: Layout, joints: FloatArray, confidence: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Make the canonical 20 joints of a sensor's J.

    A joint with confidence 0 or a coordinate that is not finite was not seen: the canonical joints made of it
    are NaN with confidence 0, all others are untouched by it.

    Args:
        layout: the layout that `joints` are in.
        joints: (..., J, 3) float32, metres, the axes of `stream.body.Body`. Leading axes (frames) are kept.
        confidence: (..., J) float32 in 0..1.

    Returns:
        (..., 20, 3) float32, each the weighted mean of what it is made of, and (..., 20) float32, the least
        confidence among what it is made of.

    Raises:
        UserError: the layout is flat.
    """
    if layout.flat:
        raise UserError(
            f"skeletons in the layout {layout.name} are places in a picture, in pixels: they cannot stand "
            "beside skeletons in metres; give 3D skeletons, or measure them by themselves"
        )
    seen = (confidence > 0) & np.isfinite(joints).all(axis=-1)
    # Zero instead of NaN, because 0 * NaN would spread to every joint of the product.
    canonical: FloatArray = layout.weights @ np.where(seen[..., None], joints, np.float32(0))
    trusted = np.where(seen, confidence, np.float32(0))[..., None, :]
    least: FloatArray = np.where(layout.weights > 0, trusted, np.float32(np.inf)).min(axis=-1)
    canonical[least == 0] = np.nan
    return canonical, least


def _layout(name: str, joints: str, made_of: Mapping[str, Mapping[str, float]]) -> Layout:
    """A layout from its joint names, separated by blanks, and a recipe for each canonical joint."""
    names = tuple(joints.split())
    weights = np.zeros((len(CANONICAL), len(names)), np.float32)
    for row, canonical in enumerate(CANONICAL):
        for joint, weight in made_of[canonical].items():
            weights[row, names.index(joint)] = weight
    weights.flags.writeable = False
    return Layout(name, names, weights)


def _same(*joints: str) -> dict[str, dict[str, float]]:
    """Recipes of canonical joints that the sensor has under the same name."""
    return {joint: {joint: 1.0} for joint in joints}


def _sides(**recipes: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Recipes of the left and of the right joint at once.

    In the sensor's names `{Side}`, `{SIDE}`, `{side}` and `{s}` become Left, LEFT, left and l, or the right.
    """
    return {
        canonical + side: {
            joint.format(Side=side, SIDE=side.upper(), side=side.lower(), s=side[0].lower()): weight
            for joint, weight in recipe.items()
        }
        for canonical, recipe in recipes.items()
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

# NECK, not the clavicles: a Kinect v1's ShoulderCenter lies at the base of the neck, 13 cm above the middle
# of the shoulder joints (median over KGBD).
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

# Neither MediaPipe nor COCO sees the spine: it is put 30 % of the way from the hips to the shoulders.
_TRUNK_OF_FOUR = {
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
        **_TRUNK_OF_FOUR,
        **_LIMBS,
        **_sides(
            Hand={"{side}_wrist": 0.2, "{side}_pinky": 0.4, "{side}_index": 0.4},
            Foot={"{side}_foot_index": 1},
        ),
    },
)

# COCO has neither hands nor feet: they are copies of the wrists and the ankles.
_COCO = _layout(
    "coco",
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow"
    " left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle right_ankle",
    {**_TRUNK_OF_FOUR, **_LIMBS, **_sides(Hand={"{side}_wrist": 1}, Foot={"{side}_ankle": 1})},
)

# The 17 joints of MPI-INF-3DHP; hands and feet are again copies.
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

# OpenPose's first 14 joints, as CASIA-B's estimated 3D skeletons have them; its head is the nose.
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
"""Every layout that a source may name, in metres."""

FLAT_LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {"coco17-2d": replace(_COCO, name="coco17-2d", flat=True)}
)
"""Layouts of data sets that hold places in pictures: X to the picture's left, Y up, pixels, Z = 0."""
