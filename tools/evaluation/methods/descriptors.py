"""D13 and D16, the hand-crafted descriptors of a skeleton that papers compare with.

Both are lists of distances between joints, a few heights and ratios: D13 after Munaro et al., "One-Shot
Person Re-Identification with a Consumer Depth Camera" (2014), D16 after Pala et al., "Enhanced Skeleton and
Face 3D Data for Person Re-Identification from Depth Cameras" (2019). Joints go by their names, so every
layout that maps to the canonical joints is described alike. A window's row is the mean over its skeletons.

The code published with the paper adds d(8, 10), shoulder to wrist, to the upper arm of D13, where the list
says d(9, 10), elbow to wrist. That is an error and is not repeated: an arm is upper and lower arm here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from stream.body import FloatArray
from stream.skeleton import CANONICAL
from tools.evaluation.methods.method import Description, Features, Fixed
from tools.evaluation.methods.named_joints import through_canonical
from tools.evaluation.methods.raw_and_bones import lengths

__all__ = ["D13", "D16", "DESCRIPTORS", "d13_window", "d16_window", "descriptor"]

_LEAST_THIGH = np.float32(0.01)
"""Metres. No thigh is shorter; where one seems to be, its ratio would drown the window's mean."""


def _pairs(*names: tuple[str, str]) -> tuple[tuple[int, int], ...]:
    return tuple((CANONICAL.index(first), CANONICAL.index(second)) for first, second in names)


_HEAD, _NECK = CANONICAL.index("Head"), CANONICAL.index("ShoulderCenter")
_FEET = (CANONICAL.index("FootLeft"), CANONICAL.index("FootRight"))

_D13_PAIRS = _pairs(
    ("ShoulderLeft", "ShoulderCenter"),
    ("ShoulderRight", "ShoulderCenter"),
    ("Spine", "ShoulderRight"),
    ("ShoulderRight", "ElbowRight"),
    ("ElbowRight", "WristRight"),
    ("ShoulderLeft", "ElbowLeft"),
    ("ElbowLeft", "WristLeft"),
    ("HipRight", "KneeRight"),
    ("HipLeft", "KneeLeft"),
    ("ShoulderCenter", "Spine"),
    ("HipLeft", "HipRight"),
)

D13 = (
    "head height", "neck height", "neck to left shoulder", "neck to right shoulder",
    "spine to right shoulder", "right arm", "left arm", "right thigh", "left thigh", "torso", "hips",
    "torso by right thigh", "torso by left thigh",
)  # fmt: skip
"""What the 13 numbers are: metres, the last two ratios."""

_D16_PAIRS = _pairs(
    ("Head", "ShoulderCenter"),
    ("Spine", "ShoulderCenter"),
    ("Spine", "HipCenter"),
    ("ShoulderRight", "ShoulderCenter"),
    ("ShoulderRight", "ElbowRight"),
    ("ElbowRight", "WristRight"),
    ("ShoulderCenter", "ShoulderLeft"),
    ("ShoulderLeft", "ElbowLeft"),
    ("ElbowLeft", "WristLeft"),
    ("HipRight", "HipCenter"),
    ("HipRight", "KneeRight"),
    ("KneeRight", "FootRight"),
    ("HipLeft", "HipCenter"),
    ("HipLeft", "KneeLeft"),
    ("KneeLeft", "FootLeft"),
)

D16 = (*(f"{CANONICAL[first]} to {CANONICAL[second]}" for first, second in _D16_PAIRS), "head height")
"""What the 16 numbers are, metres."""


def _height(skeletons: FloatArray, joint: int) -> FloatArray:
    """How far a joint is above the middle of the feet, (...)."""
    found: FloatArray = skeletons[..., joint, 1] - skeletons[..., _FEET, 1].mean(axis=-1)
    return found


def d13_window(windows: FloatArray) -> FloatArray:
    """D13 of windows, (n, 13), in the order of `D13`."""
    (left_shoulder, right_shoulder, across, upper_right, lower_right, upper_left, lower_left,
     right_thigh, left_thigh, torso, hips) = np.moveaxis(lengths(windows, _D13_PAIRS), -1, 0)  # fmt: skip
    frames = np.stack(
        [
            _height(windows, _HEAD), _height(windows, _NECK), left_shoulder, right_shoulder, across,
            upper_right + lower_right, upper_left + lower_left, right_thigh, left_thigh, torso, hips,
            torso / np.maximum(right_thigh, _LEAST_THIGH), torso / np.maximum(left_thigh, _LEAST_THIGH),
        ],
        axis=-1,
    )  # fmt: skip
    means: FloatArray = frames.mean(axis=1)
    return means


def d16_window(windows: FloatArray) -> FloatArray:
    """D16 of windows, (n, 16), in the order of `D16`."""
    frames = np.concatenate((lengths(windows, _D16_PAIRS), _height(windows, _HEAD)[..., None]), axis=-1)
    means: FloatArray = frames.mean(axis=1)
    return means


DESCRIPTORS: Mapping[str, Features] = MappingProxyType({"d13": d13_window, "d16": d16_window})
"""By the names of their methods."""


def descriptor(name: str, layout: str) -> Fixed:
    """`d13` or `d16` as a description; of windows in that layout."""
    return Fixed((Description(name, through_canonical(DESCRIPTORS[name], layout)),))
