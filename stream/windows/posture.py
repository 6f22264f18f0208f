"""Posture checks of windows: one complete, steady, upright body.

Each check gives a weight between 1 (as in any walk) and 0 (never in a walk). All checks measure lengths and
angles between joints, so that position and orientation of the body have no effect. The limits were set with
`python -m tools.trials.walk_rejection` on KGBD people 81-100, five people in front of a Kinect v2, and motion
capture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray
from stream.skeleton import CANONICAL
from stream.windows.body_history import BoneLengths

__all__ = ["Posture", "PostureProblem", "assess_postures", "missing_joints_problem", "ramp"]

PostureProblem = Literal[
    "joints missing",
    "feet not seen",
    "half hidden",
    "sitting",
    "implausible body",
    "too far away",
    "unsteady skeleton",
]
"""Reason why a single window does not show a walking body."""

Limits = tuple[float, float]
"""Values at which a weight is 0 and 1."""

PART_CONFIDENCE: Limits = (0.2, 0.7)
"""Mean confidence of feet and ankles, or of one side. Inferred joints (0.5) do not give 0."""

BEND_DEGREES: Limits = (60.0, 40.0)
"""Bend of the straightest of hips and knees: above 80 on a chair; one leg is nearly straight in a step."""

BONE_VARIATION: Limits = (0.14, 0.07)
"""Coefficient of variation of bone lengths within a window, median over the bones."""

FAR_M = 3.5
"""Metres from the sensor beyond which an unsteady skeleton is attributed to the distance."""

LEG_LENGTH: Limits = (0.42, 0.52)
"""Leg length, hip to ankle along the bones, metres; 0.5 for a child of five."""

LEG_ASYMMETRY: Limits = (0.9, 0.45)
"""Absolute log ratio of the left to the right thigh length, or shank length."""

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
"""Two joints, the longest plausible bone length, and the length from which the weight is 0, metres."""

_FROM = np.array([CANONICAL.index(bone[0]) for bone in _BONES])
_TO = np.array([CANONICAL.index(bone[1]) for bone in _BONES])
_LENGTH_LIMITS: list[Limits] = [(none, plausible) for _, _, plausible, none in _BONES]
_LEGS, _LIMBS, _TRUNK = slice(4), slice(8), 10
_STRAIGHT = math.cos(math.radians(BEND_DEGREES[1]))

_BELOW_HIPS = {n for n, name in enumerate(CANONICAL) if name.startswith(("Knee", "Ankle", "Foot"))}
_SIDES = [{n for n, name in enumerate(CANONICAL) if name.endswith(side)} for side in ("Left", "Right")]
_PARTS = np.array(
    [
        [name.startswith(("Ankle", "Foot")) / 4 for name in CANONICAL],
        *([(n in side) / len(side) for n in range(len(CANONICAL))] for side in _SIDES),
    ],
    np.float32,
).T
"""(20, 3): weights of the means over ankles and feet, the left side and the right side."""


class Posture(NamedTuple):
    """Result of the posture checks of a window."""

    weight: float
    """0..1, minimum over the checks."""
    problem: PostureProblem | None
    """The problem of the check with the minimum; None if the weight is 1."""
    leg: float
    """Mean leg length, hip to ankle along the bones, metres."""
    limbs: float
    """Total bone length of arms and legs, metres: a body size that is independent of the pose."""
    lengths: BoneLengths
    """Mean bone lengths, metres."""


def assess_postures(joints: FloatArray, confidence: FloatArray, distances: Sequence[float]) -> list[Posture]:
    """Assesses the posture in each of n windows.

    Args:
        joints: (n, f, 20, 3) float32, metres, canonical order; any origin.
        confidence: (n, f, 20) float32 in 0..1.
        distances: from the sensor to the body, metres, n.
    """
    samples = joints.shape[1]
    bones = joints.take(_TO, axis=2) - joints.take(_FROM, axis=2)
    squares = np.einsum("nfbk,nfbk->nfb", bones, bones)
    means = np.add.reduce(np.sqrt(squares), axis=1) / np.float32(samples)
    mean_squares = np.add.reduce(squares, axis=1) / np.float32(samples)
    parts = (np.add.reduce(confidence, axis=1)[:, None] @ _PARTS)[:, 0]
    return [
        _posture(*measured)
        for measured in zip(
            means.tolist(),
            _bone_variations(means.astype(np.float64), mean_squares.astype(np.float64)),
            np.add.reduce(bones, axis=1).tolist(),
            (parts.astype(np.float64) / samples).tolist(),
            distances,
            strict=True,
        )
    ]


def _posture(
    means: Sequence[float],
    variation: float,
    bones: Sequence[Sequence[float]],
    parts: Sequence[float],
    distance: float,
) -> Posture:
    """Assesses the posture of one window.

    Args:
        means: mean lengths of the B bones.
        variation: see `_bone_variations`.
        bones: sums of the B bone vectors over the window.
        parts: mean confidence of ankles and feet, of the left side and of the right.
        distance: from the sensor to the body.
    """
    leg, limbs = sum(means[_LEGS]) / 2, sum(means[_LIMBS])
    feet, left, right = parts
    checks: tuple[tuple[float, PostureProblem], ...] = (
        (ramp(feet, PART_CONFIDENCE), "feet not seen"),
        (ramp(min(left, right), PART_CONFIDENCE), "half hidden"),
        (_bone_length_weight(means, leg), "implausible body"),
        (ramp(_least_bend(bones), BEND_DEGREES), "sitting"),
        (ramp(variation, BONE_VARIATION), "too far away" if distance > FAR_M else "unsteady skeleton"),
    )
    weight, problem = min(checks, key=_weight)
    return Posture(weight, problem if weight < 1 else None, leg, limbs, _bone_lengths(means))


def _weight(check: tuple[float, PostureProblem]) -> float:
    return check[0]


def _bone_lengths(means: Sequence[float]) -> BoneLengths:
    thigh, shank, other_thigh, other_shank, upper, fore, other_upper, other_fore, *rest = means
    return BoneLengths(
        (thigh + other_thigh) / 2,
        (shank + other_shank) / 2,
        (upper + other_upper) / 2,
        (fore + other_fore) / 2,
        thigh + shank,
        other_thigh + other_shank,
        upper + fore,
        other_upper + other_fore,
        *rest,
    )


def missing_joints_problem(confidence: FloatArray) -> PostureProblem:
    """Returns the problem of a frame in which some joints have confidence (20,) 0."""
    hidden = set(np.flatnonzero(confidence == 0).tolist())
    if len(hidden) > 1 and hidden <= _BELOW_HIPS:
        return "feet not seen"
    sides = sorted(len(hidden & side) / len(side) for side in _SIDES)
    return "half hidden" if sides[0] < 0.5 <= sides[1] else "joints missing"


def ramp(value: float, limits: Limits) -> float:
    """Returns 0 at or beyond the first limit, 1 at or beyond the second, and linear values in between."""
    none, full = limits
    return min(1.0, max(0.0, (value - none) / (full - none)))


def _bone_length_weight(means: Sequence[float], leg: float) -> float:
    """Returns the weight of the bones' mean lengths: bones too long, legs too short, or unequal legs."""
    weight = ramp(leg, LEG_LENGTH)
    for length, limits in zip(means, _LENGTH_LIMITS, strict=True):
        if length > limits[1]:
            weight = min(weight, ramp(length, limits))
    thigh, shank, other_thigh, other_shank = [max(length, 1e-6) for length in means[_LEGS]]
    uneven = max(thigh / other_thigh, other_thigh / thigh, shank / other_shank, other_shank / shank)
    return min(weight, ramp(math.log(uneven), LEG_ASYMMETRY))


def _bone_variations(means: NDArray[np.float64], mean_squares: NDArray[np.float64]) -> list[float]:
    """Returns the coefficient of variation of a bone's length in each window, median over the bones.

    Args:
        means: (n, B) mean lengths.
        mean_squares: (n, B) mean squared lengths.
    """
    variances = np.zeros_like(means)
    np.divide(mean_squares, means * means, out=variances, where=means > 0)
    variances[means > 0] -= 1
    middle = np.sort(variances, axis=1)[:, means.shape[1] // 2]
    variation: list[float] = np.sqrt(np.maximum(middle, 0.0)).tolist()
    return variation


def _least_bend(bones: Sequence[Sequence[float]]) -> float:
    """Returns the smallest bend of both knees and both hips, degrees; 0 if one is straight enough to walk.

    Args:
        bones: sums of the B bone vectors over the window.
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
