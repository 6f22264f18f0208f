"""Bodies that do not walk, made of those that do: for measuring whether that is told.

All take joints (T, 20, 3) float32, metres, canonical order, at 30 Hz, and give the same.
"""

from __future__ import annotations

import numpy as np

from stream.body import FloatArray
from stream.simulation import SimulatedKinect
from stream.skeleton import CANONICAL

__all__ = [
    "BELOW_KNEES",
    "LEFT_SIDE",
    "flickering",
    "merged",
    "placed",
    "seated",
    "seen_by_kinect",
    "standing",
    "swayed",
]

BELOW_KNEES: tuple[int, ...] = tuple(n for n, j in enumerate(CANONICAL) if j.startswith(("Ankle", "Foot")))
LEFT_SIDE: tuple[int, ...] = tuple(n for n, j in enumerate(CANONICAL) if j.endswith("Left"))

_HIP, _SHOULDERS = CANONICAL.index("HipCenter"), CANONICAL.index("ShoulderCenter")
_SIDES = ("Left", "Right")


def standing(joints: FloatArray, frame: int) -> FloatArray:
    """One frame for all time."""
    stood: FloatArray = np.repeat(joints[frame : frame + 1], len(joints), axis=0)
    return stood


def swayed(joints: FloatArray, metres: float = 0.04, hz: float = 0.3) -> FloatArray:
    """Sway about the ankles, to all sides, by so much at the height of the hip."""
    ankles = joints[:, [_joint("Ankle", side) for side in _SIDES]].mean(axis=1, keepdims=True)
    height = (joints - ankles)[..., 1:2]
    hip = np.maximum(height[:, _HIP : _HIP + 1], 0.1)
    phase = 2 * np.pi * hz * np.arange(len(joints))[:, None, None] / 30
    direction = np.concatenate([np.cos(phase), 0 * phase, np.sin(0.7 * phase)], axis=2)
    moved: FloatArray = (joints + metres * direction * np.maximum(height, 0) / hip).astype(np.float32)
    return moved


def seated(joints: FloatArray, swing: float = 0.0) -> FloatArray:
    """Thighs at right angles to the trunk, shanks hanging; they swing by so many degrees at 0.8 Hz."""
    made = joints.copy()
    trunk = _unit(joints[:, _SHOULDERS] - joints[:, _HIP])
    across = _unit(joints[:, _joint("Hip", "Left")] - joints[:, _joint("Hip", "Right")])
    forward = _unit(np.cross(across, trunk))
    when = np.arange(len(joints)) / 30
    for side, turn in zip(_SIDES, (0.0, np.pi), strict=True):
        hip, knee, ankle, foot = (_joint(part, side) for part in ("Hip", "Knee", "Ankle", "Foot"))
        thigh, shank = (_lengths(joints, a, b) for a, b in ((hip, knee), (knee, ankle)))
        angle = np.radians(swing) * np.sin(2 * np.pi * 0.8 * when + turn)
        down = np.sin(angle)[:, None] * forward - np.cos(angle)[:, None] * trunk
        made[:, knee] = made[:, hip] + thigh * forward
        made[:, ankle] = made[:, knee] + shank * down
        made[:, foot] = made[:, ankle] + _lengths(joints, ankle, foot) * forward
    return made


def merged(joints: FloatArray, apart: float = 0.6) -> FloatArray:
    """One leg and arm are those of somebody else, who walks so many metres beside."""
    made = joints.copy()
    made[:, list(LEFT_SIDE)] += np.array([apart, 0, 0], np.float32)
    return made


def flickering(joints: FloatArray, times: float = 1.4) -> FloatArray:
    """Larger by so much in every other second, as where a tracker changes between two bodies."""
    large = (np.arange(len(joints)) // 30 % 2).astype(bool)[:, None, None]
    hip = joints[:, _HIP : _HIP + 1]
    return np.where(large, hip + np.float32(times) * (joints - hip), joints).astype(np.float32)


def placed(joints: FloatArray, metres: float) -> FloatArray:
    """At so many metres before the sensor, moving on the spot."""
    moved: FloatArray = joints - joints[:, _HIP : _HIP + 1] + np.array([0, 0, metres], np.float32)
    return moved


def seen_by_kinect(joints: FloatArray, seed: int) -> tuple[FloatArray, FloatArray]:
    """With the noise of a Kinect v1 at that distance; joints, NaN where lost, and confidence (T, 20)."""
    kinect = SimulatedKinect([np.random.default_rng(seed)], fps=30)
    seen, confidence = kinect.look(joints[:, None].astype(np.float64))
    return seen[:, 0], confidence[:, 0]


def _joint(part: str, side: str) -> int:
    return CANONICAL.index(part + side)


def _lengths(joints: FloatArray, a: int, b: int) -> FloatArray:
    lengths: FloatArray = np.linalg.norm(joints[:, b] - joints[:, a], axis=1, keepdims=True)
    return lengths


def _unit(vectors: FloatArray) -> FloatArray:
    unit: FloatArray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
