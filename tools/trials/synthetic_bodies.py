"""Synthetic non-walking bodies, derived from walking ones, to measure walk detection.

All functions take and return joints (T, 20, 3) float32, metres, in canonical order, at 30 Hz.
"""

from __future__ import annotations

import numpy as np

from stream.body import FloatArray
from stream.simulation import SimulatedKinect
from stream.skeleton import CANONICAL

__all__ = [
    "BELOW_KNEES",
    "LEFT_SIDE",
    "at_distance",
    "changing_size",
    "merged",
    "seated",
    "standing",
    "swayed",
    "with_kinect_noise",
]

BELOW_KNEES: tuple[int, ...] = tuple(n for n, j in enumerate(CANONICAL) if j.startswith(("Ankle", "Foot")))
LEFT_SIDE: tuple[int, ...] = tuple(n for n, j in enumerate(CANONICAL) if j.endswith("Left"))

_HIP, _SHOULDERS = CANONICAL.index("HipCenter"), CANONICAL.index("ShoulderCenter")
_SIDES = ("Left", "Right")


def standing(joints: FloatArray, frame: int) -> FloatArray:
    """Repeats one frame."""
    repeated: FloatArray = np.repeat(joints[frame : frame + 1], len(joints), axis=0)
    return repeated


def swayed(joints: FloatArray, metres: float = 0.04, hz: float = 0.3) -> FloatArray:
    """Adds body sway about the ankles in all directions; `metres` is the amplitude at hip height."""
    ankles = joints[:, [_joint("Ankle", side) for side in _SIDES]].mean(axis=1, keepdims=True)
    height = (joints - ankles)[..., 1:2]
    hip = np.maximum(height[:, _HIP : _HIP + 1], 0.1)
    phase = 2 * np.pi * hz * np.arange(len(joints))[:, None, None] / 30
    direction = np.concatenate([np.cos(phase), 0 * phase, np.sin(0.7 * phase)], axis=2)
    moved: FloatArray = (joints + metres * direction * np.maximum(height, 0) / hip).astype(np.float32)
    return moved


def seated(joints: FloatArray, swing: float = 0.0) -> FloatArray:
    """Bends thighs at right angles to the trunk; the hanging shanks swing by `swing` degrees at 0.8 Hz."""
    posed = joints.copy()
    trunk = _unit(joints[:, _SHOULDERS] - joints[:, _HIP])
    across = _unit(joints[:, _joint("Hip", "Left")] - joints[:, _joint("Hip", "Right")])
    forward = _unit(np.cross(across, trunk))
    seconds = np.arange(len(joints)) / 30
    for side, phase in zip(_SIDES, (0.0, np.pi), strict=True):
        hip, knee, ankle, foot = (_joint(part, side) for part in ("Hip", "Knee", "Ankle", "Foot"))
        thigh, shank = (_lengths(joints, a, b) for a, b in ((hip, knee), (knee, ankle)))
        angle = np.radians(swing) * np.sin(2 * np.pi * 0.8 * seconds + phase)
        down = np.sin(angle)[:, None] * forward - np.cos(angle)[:, None] * trunk
        posed[:, knee] = posed[:, hip] + thigh * forward
        posed[:, ankle] = posed[:, knee] + shank * down
        posed[:, foot] = posed[:, ankle] + _lengths(joints, ankle, foot) * forward
    return posed


def merged(joints: FloatArray, apart: float = 0.6) -> FloatArray:
    """Moves the left arm and leg `apart` metres aside, as if a tracker had merged two people."""
    moved = joints.copy()
    moved[:, list(LEFT_SIDE)] += np.array([apart, 0, 0], np.float32)
    return moved


def changing_size(joints: FloatArray, factor: float = 1.4) -> FloatArray:
    """Scales the body in every other second, as if a tracker alternated between two people."""
    large = (np.arange(len(joints)) // 30 % 2).astype(bool)[:, None, None]
    hip = joints[:, _HIP : _HIP + 1]
    return np.where(large, hip + np.float32(factor) * (joints - hip), joints).astype(np.float32)


def at_distance(joints: FloatArray, metres: float) -> FloatArray:
    """Keeps the hip at `metres` in front of the sensor; the body moves on the spot."""
    moved: FloatArray = joints - joints[:, _HIP : _HIP + 1] + np.array([0, 0, metres], np.float32)
    return moved


def with_kinect_noise(joints: FloatArray, seed: int) -> tuple[FloatArray, FloatArray]:
    """Adds the noise of a Kinect v1 at that distance.

    Returns:
        Joints, NaN where the sensor loses them, and confidence (T, 20).
    """
    kinect = SimulatedKinect([np.random.default_rng(seed)], fps=30)
    noisy, confidence = kinect.observe(joints[:, None].astype(np.float64))
    return noisy[:, 0], confidence[:, 0]


def _joint(part: str, side: str) -> int:
    return CANONICAL.index(part + side)


def _lengths(joints: FloatArray, a: int, b: int) -> FloatArray:
    lengths: FloatArray = np.linalg.norm(joints[:, b] - joints[:, a], axis=1, keepdims=True)
    return lengths


def _unit(vectors: FloatArray) -> FloatArray:
    unit: FloatArray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
