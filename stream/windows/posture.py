"""Posture checks of windows: one complete, steady, upright body.

Each check gives a weight between 1 (as in any walk) and 0 (never in a walk). All checks measure lengths and
angles between joints, so that position and orientation of the body have no effect. The limits were set with
`python -m tools.trials.walk_rejection` on KGBD people 81-100, five people in front of a Kinect v2, and motion
capture.
"""

from __future__ import annotations

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

Floats = NDArray[np.float64]
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
_LENGTH_LIMITS = (
    np.array([bone[3] for bone in _BONES])[:, None],
    np.array([bone[2] for bone in _BONES])[:, None],
)
_LEGS, _LIMBS, _TRUNK = slice(4), slice(8), 10
_PROBLEMS: tuple[PostureProblem, ...] = (
    "feet not seen",
    "half hidden",
    "implausible body",
    "sitting",
    "unsteady skeleton",
)
"""Of the checks, in order."""

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
    # The bones first: a row of numbers for each of them.
    means = (np.add.reduce(np.sqrt(squares), axis=1) / np.float32(samples)).T.astype(np.float64)
    mean_squares = (np.add.reduce(squares, axis=1) / np.float32(samples)).T.astype(np.float64)
    parts = (np.add.reduce(confidence, axis=1)[:, None] @ _PARTS)[:, 0].T.astype(np.float64) / samples
    legs, limbs = np.add.reduce(means[_LEGS]) / 2, np.add.reduce(means[_LIMBS])
    weights = np.stack(
        (
            _ramps(parts[0], PART_CONFIDENCE),
            _ramps(np.minimum(parts[1], parts[2]), PART_CONFIDENCE),
            _bone_length_weights(means, legs),
            _bend_weights(np.add.reduce(bones, axis=1).astype(np.float64)),
            _ramps(_bone_variations(means, mean_squares), BONE_VARIATION),
        )
    )
    return [
        Posture(
            weight,
            _problem(check, distance) if weight < 1 else None,
            leg,
            limb,
            BoneLengths(*lengths),
        )
        for weight, check, leg, limb, lengths, distance in zip(
            weights.min(axis=0).tolist(),
            weights.argmin(axis=0).tolist(),
            legs.tolist(),
            limbs.tolist(),
            _bone_lengths(means).T.tolist(),
            distances,
            strict=True,
        )
    ]


def _problem(check: int, distance: float) -> PostureProblem:
    problem = _PROBLEMS[check]
    return "too far away" if problem == "unsteady skeleton" and distance > FAR_M else problem


def _bone_lengths(means: Floats) -> Floats:
    """Returns the `BoneLengths` (11, n) by the mean lengths (B, n) of the bones."""
    thighs, shanks, upper_arms, forearms = means[0:4:2], means[1:4:2], means[4:8:2], means[5:8:2]
    halves = [np.add.reduce(pair) / 2 for pair in (thighs, shanks, upper_arms, forearms)]
    return np.concatenate((halves, thighs + shanks, upper_arms + forearms, means[8:]))


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


def _ramps(values: Floats, limits: Limits | tuple[Floats, Floats]) -> Floats:
    """Returns `ramp` of each value."""
    none, full = limits
    ramps: Floats = np.minimum(1.0, np.maximum(0.0, (values - none) / (full - none)))
    return ramps


def _bone_length_weights(means: Floats, legs: Floats) -> Floats:
    """Returns the weights (n,) of mean bone lengths (B, n): bones too long, legs too short or unequal."""
    too_long: Floats = _ramps(means, _LENGTH_LIMITS).min(axis=0)
    bones = np.maximum(means[_LEGS], 1e-6)
    uneven = np.abs(np.log(bones[:2] / bones[2:])).max(axis=0)
    weights: Floats = np.minimum(_ramps(legs, LEG_LENGTH), _ramps(uneven, LEG_ASYMMETRY))
    return np.minimum(too_long, weights)


def _bone_variations(means: Floats, mean_squares: Floats) -> Floats:
    """Returns the coefficient of variation of a bone's length in each window, median over the bones.

    Args:
        means: (B, n) mean lengths.
        mean_squares: (B, n) mean squared lengths.
    """
    squares = means * means
    variances = np.divide(mean_squares, squares, out=np.ones_like(squares), where=squares > 0) - 1
    middle: Floats = np.sort(variances, axis=0)[len(means) // 2]
    return np.sqrt(np.maximum(0.0, middle))


def _bend_weights(bones: Floats) -> Floats:
    """Returns the weights (n,) of the smallest bend of both knees and both hips.

    Args:
        bones: (n, B, 3) sums of the bone vectors over each window.
    """
    thighs, down = bones[:, 0:4:2], -bones[:, _TRUNK, None]
    straightest = np.maximum(_cosines(thighs, bones[:, 1:4:2]), _cosines(down, thighs)).max(axis=1)
    return _ramps(np.degrees(np.arccos(np.clip(straightest, -1.0, 1.0))), BEND_DEGREES)


def _cosines(a: Floats, b: Floats) -> Floats:
    """Returns the cosine of the angle between vectors (..., 3); 1 where one has no length."""
    scales = np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1))
    cosines: Floats = np.divide((a * b).sum(axis=-1), scales, out=np.ones_like(scales), where=scales > 0)
    return cosines
