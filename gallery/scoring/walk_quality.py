"""How well a walk serves as an enrolment: a share of the score that later walks reach, and its cause.

The quality of a walk is the score that later walks of the same person are expected to reach against it, as a
share of their score against 15 s of walking with a steady skeleton. Two things lower it:

- the amount of walking: less than `ENOUGH_S`;
- the variation of bone lengths: a body does not change, so what varies within a walk is the sensor's error.
  The bones of trunk, shoulders and head count, because their variation predicts later scores best.

How far people travel, from where they are seen, and how sure the sensor was of single joints play no part.
The constants are measured with `python -m tools.trials.walk_quality`, on KGBD people 1-100.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from encoder.pose import BONE_COLUMNS, POSE_WIDTH
from stream.body import FloatArray
from stream.skeleton import BONES, CANONICAL

__all__ = [
    "FAIR_QUALITY",
    "TRUNK_BONES",
    "BoneVariation",
    "WalkQuality",
    "assess_quality",
    "assess_together",
    "quality_value",
    "trunk_lengths",
]

ENOUGH_S = 15.0
"""Seconds of walking from which the amount does not lower the quality."""

LOSS_PER_HALVING = 0.18
"""Share of the score that is lost each time the seconds are halved."""

STEADY_VARIATION = 0.06
"""Coefficient of variation of bone lengths in the steadiest walks; less does not raise the quality."""

LOSS_PER_VARIATION = 1.0
"""Share of the score that is lost with each 1 of variation above that: 1 % with each 1 %."""

FAIR_QUALITY = 0.7
"""Below it, the cause says what to do."""

TRUNK_BONES: tuple[str, ...] = ("Spine", "ShoulderCenter", "Head", "ShoulderLeft", "ShoulderRight")
"""The bones whose variation counts, each by the joint at its outer end."""

_JOINTS = [joint for joint, _ in BONES]
_COLUMNS = [_JOINTS.index(CANONICAL.index(name)) for name in TRUNK_BONES]
_TRUNK = np.array(_COLUMNS) + BONE_COLUMNS.start - POSE_WIDTH
"""Columns of their lengths in a window's rows, from the end."""
_MIN_WINDOWS = 2
_LEAST_M = 1e-6


class WalkQuality(NamedTuple):
    """The quality of a walk, or of the walks of one enrolment together."""

    value: float
    """0..1."""
    cause: str
    """What lowers it most, for people, and below `FAIR_QUALITY` what to do; empty if nothing lowers it."""


class BoneVariation:
    """The variation of a walk's bone lengths while its windows come in."""

    def __init__(self) -> None:
        self._windows = 0
        self._sums = [0.0] * len(_TRUNK)
        self._squares = [0.0] * len(_TRUNK)

    def copy(self) -> BoneVariation:
        """Returns the same variation, which grows by itself."""
        copied = BoneVariation()
        copied._windows = self._windows
        copied._sums, copied._squares = self._sums.copy(), self._squares.copy()
        return copied

    def add(self, lengths: Sequence[float]) -> None:
        """Adds the next window's `trunk_lengths`."""
        self._windows += 1
        # A few numbers: lists are faster than arrays.
        self._sums = [total + length for total, length in zip(self._sums, lengths, strict=True)]
        self._squares = [
            total + length * length for total, length in zip(self._squares, lengths, strict=True)
        ]

    @property
    def value(self) -> float | None:
        """Mean coefficient of variation of the bones' lengths over the windows; None if not known."""
        if self._windows < _MIN_WINDOWS:
            return None
        total = 0.0
        for length, square in zip(self._sums, self._squares, strict=True):
            mean = length / self._windows
            variance = square / self._windows - mean * mean
            if variance > 0:
                total += math.sqrt(variance) / (mean if mean > _LEAST_M else _LEAST_M)
        return total / len(self._sums)


def trunk_lengths(rows: FloatArray) -> list[tuple[float, ...]]:
    """Returns the mean length in metres of each of `TRUNK_BONES` in windows (n, f, D) with pose features."""
    lengths = rows[:, :, _TRUNK].mean(axis=1, dtype=np.float64)
    return [tuple(each) for each in lengths.tolist()]


def assess_quality(seconds: float, variation: float | None) -> WalkQuality:
    """Assesses a walk.

    Args:
        seconds: usable walking, more than 0.
        variation: see `BoneVariation.value`; None if not known.
    """
    value, short, unsteady = _losses(seconds, variation)
    if value > 0.995:
        return WalkQuality(value, "")
    if short >= unsteady:
        cause = f"only {seconds:.1f} s of walking"
        advice = f"let the person walk {ENOUGH_S:.0f} s, or add walks"
    else:
        cause = f"the skeleton's bone lengths vary by {variation or 0.0:.0%}"
        advice = "have the whole body in view, unobstructed and nearer to the sensor, and enrol again"
    return WalkQuality(value, f"{cause}; {advice}" if value < FAIR_QUALITY else cause)


def quality_value(seconds: float, variation: float | None) -> float:
    """Returns the value of `assess_quality`, which every decision has, without the words for its cause."""
    return _losses(seconds, variation)[0]


def _losses(seconds: float, variation: float | None) -> tuple[float, float, float]:
    """Returns the quality, and what a short walk and unsteady bones take off it."""
    short = LOSS_PER_HALVING * math.log2(ENOUGH_S / max(seconds, 1e-3)) if seconds < ENOUGH_S else 0.0
    excess = (variation or 0.0) - STEADY_VARIATION
    unsteady = LOSS_PER_VARIATION * excess if excess > 0 else 0.0
    return max(0.0, 1 - short) * max(0.0, 1 - unsteady), short, unsteady


def assess_together(walks: Sequence[tuple[float, float | None]]) -> WalkQuality:
    """Assesses the walks of one enrolment by the sum of their seconds and the mean of their variations.

    Args:
        walks: arguments of `assess_quality`, at least one.
    """
    known = [(seconds, variation) for seconds, variation in walks if variation is not None]
    total = sum(seconds for seconds, _ in known)
    mean = sum(seconds * variation for seconds, variation in known) / total if total else None
    return assess_quality(sum(seconds for seconds, _ in walks), mean)
