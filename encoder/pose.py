"""Pose features: hand-crafted body-size and posture features of each skeleton of a window.

The encoder process appends them to the CAGEs, so that the matcher can also use body size and posture:
f x POSE_WIDTH numbers per window, none of them learned.
"""

from __future__ import annotations

import numpy as np

from stream.body import FloatArray
from stream.skeleton import BONES, CANONICAL

__all__ = [
    "BONE_COLUMNS",
    "DEVIATION_COLUMNS",
    "DIRECTION_COLUMNS",
    "JOINT_COLUMNS",
    "POSE_WIDTH",
    "pose_features",
]

_PARENTS = [parent for _, parent in BONES]

_BONE_COUNT = len(CANONICAL) - 1
JOINT_COLUMNS = slice(0, 3 * _BONE_COUNT)
"""Columns of the rotated joints in the pose features of a skeleton."""
BONE_COLUMNS = slice(3 * _BONE_COUNT, 4 * _BONE_COUNT)
"""Columns of the bone lengths, metres."""
DIRECTION_COLUMNS = slice(4 * _BONE_COUNT, 7 * _BONE_COUNT)
"""Columns of the unit directions of the bones."""
DEVIATION_COLUMNS = slice(7 * _BONE_COUNT, 11 * _BONE_COUNT)
"""Columns of the squared deviations of joints and bone lengths from their means over the window."""
POSE_WIDTH = 11 * _BONE_COUNT
"""Number of pose features of a skeleton."""

_MIN_LENGTH_M = np.float32(1e-6)
_SIDES = tuple(CANONICAL.index(name) for name in ("ShoulderLeft", "ShoulderRight", "HipLeft", "HipRight"))


def pose_features(windows: FloatArray) -> FloatArray:
    """Describes each skeleton by its joints, bone lengths and bone directions, independent of the heading.

    The function rotates each whole window about the vertical axis, so that the mean line through shoulders
    and hips, from right to left, points along +X: the position of the sensor is not part of a person's
    identity.

    Args:
        windows: (n, f, 20, 3) float32, hip-centred, metres, Y up, in order of time.

    Returns:
        (n, f, POSE_WIDTH) float32: 19 joints relative to the hip (57), 19 bone lengths (19), 19 unit bone
        vectors (57), and the squared deviations of joints and bone lengths from the window's mean (76). Axis
        1 is that of CAGEs, which runs backwards in time (paper, Eq. 11).
    """
    left, right, hip_left, hip_right = (windows[:, :, side] for side in _SIDES)
    line = (left - right + hip_left - hip_right).mean(axis=1)
    angle = np.arctan2(line[:, 2], line[:, 0])[:, None, None]
    cosine, sine = np.cos(angle), np.sin(angle)
    x, y, z = (windows[:, ::-1, :, axis] for axis in range(3))
    rotated = np.stack((cosine * x + sine * z, y, cosine * z - sine * x), axis=-1)
    bones = rotated[:, :, 1:] - rotated[:, :, _PARENTS]
    lengths = np.linalg.norm(bones, axis=-1, keepdims=True)
    directions = bones / np.maximum(lengths, _MIN_LENGTH_M)
    parts = [rotated[:, :, 1:], lengths, directions]
    parts += [(part - part.mean(axis=1, keepdims=True)) ** 2 for part in parts[:2]]
    flat = [part.reshape(*windows.shape[:2], part.shape[2] * part.shape[3]) for part in parts]
    features: FloatArray = np.concatenate(flat, axis=-1).astype(np.float32, copy=False)
    return features
