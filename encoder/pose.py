"""Pose numbers of each skeleton of a window, for what compares windows beyond their CAGEs.

They stand beside the CAGEs in what the encoder process sends on, so that the matcher can tell people by body
size and posture, too: f x POSE numbers a window, no learned ones.
"""

from __future__ import annotations

import numpy as np

from stream.body import FloatArray
from stream.skeleton import BONES as BONE_PAIRS
from stream.skeleton import CANONICAL

__all__ = ["BONES", "DEVIATIONS", "DIRECTIONS", "JOINTS", "POSE", "pose_numbers"]

_PARENTS = [parent for _, parent in BONE_PAIRS]

_LIMBS = len(CANONICAL) - 1
JOINTS = slice(0, 3 * _LIMBS)
"""Where the turned joints stand in a skeleton's pose numbers."""
BONES = slice(3 * _LIMBS, 4 * _LIMBS)
"""Where the bone lengths stand, metres."""
DIRECTIONS = slice(4 * _LIMBS, 7 * _LIMBS)
"""Where the unit directions of the bones stand."""
DEVIATIONS = slice(7 * _LIMBS, 11 * _LIMBS)
"""Where the squared deviations of joints and bone lengths from their means in the window stand."""
POSE = 11 * _LIMBS
"""Pose numbers of a skeleton."""

_LEAST_M = np.float32(1e-6)
_SIDES = tuple(CANONICAL.index(name) for name in ("ShoulderLeft", "ShoulderRight", "HipLeft", "HipRight"))


def pose_numbers(windows: FloatArray) -> FloatArray:
    """Describe each skeleton by its joints, bone lengths and bone directions, whatever way the walker faces.

    Each window is turned about the vertical as a whole, so that the mean line through shoulders and hips,
    right to left, lies along +X: where the sensor stands is no one's identity.

    Args:
        windows: (n, f, 20, 3) float32, hip-centred, metres, Y up, in order of time.

    Returns:
        (n, f, POSE) float32: 19 joints relative to the hip (57), 19 bone lengths (19), 19 unit bone vectors
        (57), and the squares by which joints and bone lengths differ from the window's mean (76). Axis 1 is
        that of CAGEs, which runs backwards in time (paper, Eq. 11).
    """
    left, right, hip_left, hip_right = (windows[:, :, side] for side in _SIDES)
    line = (left - right + hip_left - hip_right).mean(axis=1)
    angle = np.arctan2(line[:, 2], line[:, 0])[:, None, None]
    cosine, sine = np.cos(angle), np.sin(angle)
    x, y, z = (windows[:, ::-1, :, axis] for axis in range(3))
    turned = np.stack((cosine * x + sine * z, y, cosine * z - sine * x), axis=-1)
    bones = turned[:, :, 1:] - turned[:, :, _PARENTS]
    lengths = np.linalg.norm(bones, axis=-1, keepdims=True)
    directions = bones / np.maximum(lengths, _LEAST_M)
    parts = [turned[:, :, 1:], lengths, directions]
    parts += [(part - part.mean(axis=1, keepdims=True)) ** 2 for part in parts[:2]]
    flat = [part.reshape(*windows.shape[:2], part.shape[2] * part.shape[3]) for part in parts]
    numbers: FloatArray = np.concatenate(flat, axis=-1).astype(np.float32, copy=False)
    return numbers
