"""Hand-crafted skeleton descriptors D13 and D16, common baselines.

Both consist of joint distances, heights and ratios: D13 after Munaro et al., "One-Shot Person
Re-Identification with a Consumer Depth Camera" (2014), D16 after Pala et al., "Enhanced Skeleton and Face 3D
Data for Person Re-Identification from Depth Cameras" (2019). Joints are addressed by canonical names, so the
descriptors work for every layout that maps to the canonical joints. The features of a window are the mean
over its skeletons.

The code published with the paper has an error that is not repeated here: for the arm length of D13 it adds
d(8, 10), shoulder to wrist, to the upper arm, instead of d(9, 10), elbow to wrist.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from stream.body import FloatArray
from stream.skeleton import CANONICAL
from tools.evaluation.methods.method import Description, FeatureFunction, FixedMethod
from tools.evaluation.methods.named_joints import adapt_to_layout
from tools.evaluation.methods.raw_and_bones import joint_distances

__all__ = ["D13", "D16", "DESCRIPTORS", "d13_features", "d16_features", "descriptor_method"]

_MIN_THIGH = np.float32(0.01)
"""Lower bound of the thigh length in ratios, metres; keeps one bad skeleton from dominating the mean."""


def _joint_pairs(*names: tuple[str, str]) -> tuple[tuple[int, int], ...]:
    return tuple((CANONICAL.index(first), CANONICAL.index(second)) for first, second in names)


_HEAD, _NECK = CANONICAL.index("Head"), CANONICAL.index("ShoulderCenter")
_FEET = (CANONICAL.index("FootLeft"), CANONICAL.index("FootRight"))

_D13_PAIRS = _joint_pairs(
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
"""Names of the 13 features; in metres, except the last two, which are ratios."""

_D16_PAIRS = _joint_pairs(
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
"""Names of the 16 features, metres."""


def _height(skeletons: FloatArray, joint: int) -> FloatArray:
    """Returns the height (...) of a joint above the midpoint of the feet."""
    height: FloatArray = skeletons[..., joint, 1] - skeletons[..., _FEET, 1].mean(axis=-1)
    return height


def d13_features(windows: FloatArray) -> FloatArray:
    """Returns D13 of windows, (n, 13), in the order of `D13`."""
    distances = joint_distances(windows, _D13_PAIRS)
    (left_shoulder, right_shoulder, across, upper_right, lower_right, upper_left, lower_left,
     right_thigh, left_thigh, torso, hips) = np.moveaxis(distances, -1, 0)  # fmt: skip
    frames = np.stack(
        [
            _height(windows, _HEAD), _height(windows, _NECK), left_shoulder, right_shoulder, across,
            upper_right + lower_right, upper_left + lower_left, right_thigh, left_thigh, torso, hips,
            torso / np.maximum(right_thigh, _MIN_THIGH), torso / np.maximum(left_thigh, _MIN_THIGH),
        ],
        axis=-1,
    )  # fmt: skip
    means: FloatArray = frames.mean(axis=1)
    return means


def d16_features(windows: FloatArray) -> FloatArray:
    """Returns D16 of windows, (n, 16), in the order of `D16`."""
    frames = np.concatenate(
        (joint_distances(windows, _D16_PAIRS), _height(windows, _HEAD)[..., None]), axis=-1
    )
    means: FloatArray = frames.mean(axis=1)
    return means


DESCRIPTORS: Mapping[str, FeatureFunction] = MappingProxyType({"d13": d13_features, "d16": d16_features})
"""Feature functions by name of the method."""


def descriptor_method(name: str, layout: str) -> FixedMethod:
    """Returns the method `d13` or `d16` for windows in a joint layout."""
    return FixedMethod((Description(name, adapt_to_layout(DESCRIPTORS[name], layout)),))
