"""Whether the skeletons of one window are of one whole, steady, upright body.

Each check is a weight between 1, as in any walk, and 0, which no walk shows. All that is measured are lengths
and angles between joints: where the body is and which way it faces changes nothing. The limits were set with
`python -m tools.trials.walk_rejection` on KGBD people 81-100, five people before a Kinect v2, and motion
capture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from stream.body import FloatArray
from stream.skeleton import CANONICAL

__all__ = ["Posture", "Unfit", "ramp", "see_posture", "unseen"]

Unfit = Literal[
    "joints missing",
    "feet not seen",
    "half hidden",
    "sitting",
    "implausible body",
    "too far away",
    "unsteady skeleton",
]
"""Why a window shows no walking body, from itself alone."""

Limits = tuple[float, float]
"""Where a weight is 0, and where it is 1."""

PART_CONFIDENCE: Limits = (0.2, 0.7)
"""Mean confidence of the feet and ankles, or of one side. Inferred joints (0.5) weigh, they do not end."""

BENT_DEGREES: Limits = (60.0, 40.0)
"""The least bent of both hips and knees: above 80 in a chair; in a step one leg is always nearly straight."""

UNSTEADY: Limits = (0.14, 0.07)
"""How bone lengths tremble within a window, as a share of themselves, the middle one of all bones."""

FAR = 3.5
"""Metres from the sensor from which an unsteady skeleton is put down to the distance."""

LEG: Limits = (0.42, 0.52)
"""Metres from hip to ankle along the bones: a child of five has 0.5."""

LOPSIDED: Limits = (0.9, 0.45)
"""Difference of the logarithms of the left and the right thigh, or shank."""

_BONES = (
    ("HipLeft", "KneeLeft", 0.65, 0.85),
    ("KneeLeft", "AnkleLeft", 0.60, 0.80),
    ("HipRight", "KneeRight", 0.65, 0.85),
    ("KneeRight", "AnkleRight", 0.60, 0.80),
    ("ShoulderLeft", "ElbowLeft", 0.42, 0.60),
    ("ElbowLeft", "WristLeft", 0.40, 0.60),
    ("ShoulderRight", "ElbowRight", 0.42, 0.60),
    ("ElbowRight", "WristRight", 0.40, 0.60),
    ("ShoulderLeft", "ShoulderRight", 0.50, 0.70),
    ("HipLeft", "HipRight", 0.30, 0.45),
    ("HipCenter", "ShoulderCenter", 0.70, 0.90),
)
"""Two joints, and the lengths in metres up to which a bone is plausible and from which it is none."""

_FROM = np.array([CANONICAL.index(bone[0]) for bone in _BONES])
_TO = np.array([CANONICAL.index(bone[1]) for bone in _BONES])
_LONG: list[Limits] = [(none, plausible) for _, _, plausible, none in _BONES]
_LEGS, _LIMBS, _TRUNK = slice(4), slice(8), 10
_STRAIGHT = math.cos(math.radians(BENT_DEGREES[1]))

_BELOW_HIPS = {n for n, name in enumerate(CANONICAL) if name.startswith(("Knee", "Ankle", "Foot"))}
_SIDES = [{n for n, name in enumerate(CANONICAL) if name.endswith(side)} for side in ("Left", "Right")]
_PARTS = np.array(
    [
        [name.startswith(("Ankle", "Foot")) / 4 for name in CANONICAL],
        *([(n in side) / len(side) for n in range(len(CANONICAL))] for side in _SIDES),
    ],
    np.float32,
).T
"""(20, 3): weights of the means over ankles and feet, over the left side, over the right side."""


class Posture(NamedTuple):
    """What a window shows."""

    weight: float
    """0..1, the least of all checks."""
    trouble: Unfit | None
    """The check that gave it; None where the weight is 1."""
    leg: float
    """Metres from hip to ankle along the bones."""
    limbs: float
    """Metres, all bones of arms and legs together: how large the body is, however it moves."""


def see_posture(joints: FloatArray, confidence: FloatArray, distance: float) -> Posture:
    """Judge one window.

    Args:
        joints: (f, 20, 3) float32, metres, canonical order; any origin.
        confidence: (f, 20) float32 in 0..1.
        distance: metres from the sensor to the body.
    """
    bones = joints.take(_TO, axis=1) - joints.take(_FROM, axis=1)
    squares = np.einsum("fbk,fbk->fb", bones, bones)
    means = (np.add.reduce(np.sqrt(squares)) / np.float32(len(squares))).tolist()
    mean_squares = (np.add.reduce(squares) / np.float32(len(squares))).tolist()
    leg, limbs = sum(means[_LEGS]) / 2, sum(means[_LIMBS])
    feet, side = _seen(confidence)
    checks: tuple[tuple[float, Unfit], ...] = (
        (ramp(feet, PART_CONFIDENCE), "feet not seen"),
        (ramp(side, PART_CONFIDENCE), "half hidden"),
        (_plausible(means, leg), "implausible body"),
        (ramp(_bent(np.add.reduce(bones).tolist()), BENT_DEGREES), "sitting"),
        (
            ramp(_trembling(means, mean_squares), UNSTEADY),
            "too far away" if distance > FAR else "unsteady skeleton",
        ),
    )
    weight, trouble = min(checks, key=lambda check: check[0])
    return Posture(weight, trouble if weight < 1 else None, leg, limbs)


def unseen(confidence: FloatArray) -> Unfit:
    """What to say of a frame of which some joints have confidence 0, (20,)."""
    hidden = set(np.flatnonzero(confidence == 0).tolist())
    if len(hidden) > 1 and hidden <= _BELOW_HIPS:
        return "feet not seen"
    sides = sorted(len(hidden & side) / len(side) for side in _SIDES)
    return "half hidden" if sides[0] < 0.5 <= sides[1] else "joints missing"


def ramp(value: float, limits: Limits) -> float:
    """0 at the first limit and beyond it, 1 at the second and beyond, straight between."""
    none, full = limits
    return min(1.0, max(0.0, (value - none) / (full - none)))


def _seen(confidence: FloatArray) -> tuple[float, float]:
    """Mean confidence of ankles and feet, and of the side that is seen worse."""
    feet, left, right = (np.add.reduce(confidence) @ _PARTS).tolist()
    return feet / len(confidence), min(left, right) / len(confidence)


def _plausible(means: Sequence[float], leg: float) -> float:
    """Weight of the bones' mean lengths: none too long, the legs not too short, nor unlike each other."""
    weight = ramp(leg, LEG)
    for length, limits in zip(means, _LONG, strict=True):
        if length > limits[1]:
            weight = min(weight, ramp(length, limits))
    thigh, shank, other_thigh, other_shank = (max(length, 1e-6) for length in means[_LEGS])
    uneven = max(thigh / other_thigh, other_thigh / thigh, shank / other_shank, other_shank / shank)
    return min(weight, ramp(math.log(uneven), LOPSIDED))


def _trembling(means: Sequence[float], mean_squares: Sequence[float]) -> float:
    """Standard deviation of each bone's length over its mean; that of the middle bone."""
    pairs = zip(means, mean_squares, strict=True)
    variances = sorted(square / (mean * mean) - 1 if mean else 0.0 for mean, square in pairs)
    return math.sqrt(max(0.0, variances[len(variances) // 2]))


def _bent(bones: Sequence[Sequence[float]]) -> float:
    """The least bend among both knees and both hips, degrees; 0 where one is straight enough to walk.

    Args:
        bones: B sums of the bone's vectors over the window.
    """
    thigh, shank, other_thigh, other_shank = bones[_LEGS]
    down = [-x for x in bones[_TRUNK]]
    straightest = -1.0
    for a, b in ((thigh, shank), (other_thigh, other_shank), (down, thigh), (down, other_thigh)):
        straightest = max(straightest, _cosine(a, b))
        if straightest > _STRAIGHT:
            return 0.0
    return math.degrees(math.acos(max(-1.0, straightest)))


def _cosine(a: Sequence[float], b: Sequence[float]) -> float:
    scale = math.hypot(*a) * math.hypot(*b)
    return sum(x * y for x, y in zip(a, b, strict=True)) / scale if scale else 1.0
