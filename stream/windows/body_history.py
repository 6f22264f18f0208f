"""The body of one track over time: its proportions, and whether it stays the same size.

Single windows are noisy: a sensor that loses a leg for a moment shows another body. Means over a second or
two are not, so that their limits can be those of human bodies, with a margin. The limits were set on real
walks; `python -m tools.trials.body_limits` states the share of their windows that each refuses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["BodyHistory", "BoneLengths"]

PROPORTION_SAMPLES = 60
"""Time constant of the running mean of bone lengths, skeletons: 2 s."""

SIZE_SAMPLES = 30
"""Time constant of the running mean of the size, skeletons: 1 s; its range does not count before."""

MEMORY_SAMPLES = 1200
"""Time constant by which a former size is forgotten, skeletons: 40 s; an id may pass to another person."""

SIZE_RANGE = (0.40, 0.32)
"""Log ratio of the largest to the smallest recent size, at which the weight is 0 and 1."""

JUMP = 0.35
"""Log ratio of a window's size to the running mean, at which the body has jumped to another size."""

JUMP_SAMPLES = 90
"""Skeletons after a jump that are not used: 3 s. What jumps again and again is no body."""


class BoneLengths(NamedTuple):
    """Mean bone lengths of a window or of a longer time, metres; limbs as sums of their two bones."""

    thigh: float
    shank: float
    upper_arm: float
    forearm: float
    left_leg: float
    right_leg: float
    left_arm: float
    right_arm: float
    shoulders: float
    hips: float
    trunk: float


_RATIOS: tuple[tuple[str, str, float, float, float, float], ...] = (
    ("thigh", "shank", 0.40, 0.50, 2.0, 2.3),
    ("upper_arm", "forearm", 0.45, 0.55, 1.8, 2.1),
    ("arm", "leg", 0.36, 0.42, 1.0, 1.15),
    ("trunk", "leg", 0.13, 0.17, 1.3, 1.6),
    ("shoulders", "leg", 0.04, 0.06, 0.75, 0.90),
    ("hips", "leg", 0.015, 0.025, 0.42, 0.55),
    ("left_arm", "right_arm", 0.60, 0.68, 1.47, 1.67),
    ("left_leg", "right_leg", 0.58, 0.64, 1.56, 1.72),
)
"""Two lengths, and the ratios at which the weight is 0, 1, 1 and 0.

A side view hides a shoulder and a hip behind the other, so widths may be small.
"""

_NAMES = (*BoneLengths._fields, "leg", "arm")
_LEFT_LEG, _LEFT_ARM = _NAMES.index("left_leg"), _NAMES.index("left_arm")
_RATIO_LIMITS = [
    (_NAMES.index(one), _NAMES.index(other), none_below, below, above, none_above)
    for one, other, none_below, below, above, none_above in _RATIOS
]


class BodyHistory:
    """Running means over the windows of one track."""

    def __init__(self) -> None:
        self._samples = 0
        self._whole = 0
        """Skeletons in windows of a plausible posture."""
        self._lengths: list[float] = [0.0] * len(BoneLengths._fields)
        self._size = 0.0
        """Logarithm of the running mean of the size."""
        self._least = self._largest = 0.0
        """Logarithms."""
        self._since_jump = JUMP_SAMPLES
        """Skeletons since the body jumped to another size."""

    def proportions(self, lengths: BoneLengths, samples: int) -> float:
        """Adds a window of a plausible posture; returns the weight, 0..1, of the track's proportions.

        Args:
            lengths: of the window.
            samples: skeletons since the last window.
        """
        self._whole += samples
        share = samples / min(PROPORTION_SAMPLES, self._whole)
        self._lengths = [
            mean + share * (new - mean) for mean, new in zip(self._lengths, lengths, strict=True)
        ]
        return _proportion_weight(self._lengths)

    def sameness(self, size: float, samples: int) -> float:
        """Adds any window; returns the weight, 0..1, of the track's range of sizes.

        Args:
            size: of the body in the window, metres.
            samples: skeletons since the last window.
        """
        if size <= 0:
            return 0.0
        self._samples += samples
        self._since_jump += samples
        change = math.log(size) - self._size
        if self._samples > samples and abs(change) > JUMP:
            self._since_jump = 0
        self._size += samples / min(SIZE_SAMPLES, self._samples) * change
        if self._samples <= SIZE_SAMPLES:
            self._least = self._largest = self._size
        forgotten = samples / MEMORY_SAMPLES
        self._least = min(self._size, self._least + forgotten * (self._size - self._least))
        self._largest = max(self._size, self._largest + forgotten * (self._size - self._largest))
        if self._since_jump < JUMP_SAMPLES:
            return 0.0
        none, full = SIZE_RANGE
        return min(1.0, max(0.0, (self._largest - self._least - none) / (full - none)))


def _proportion_weight(lengths: Sequence[float]) -> float:
    """Returns the weight, 0..1, of mean bone lengths, in the order of `BoneLengths`."""
    legs = (lengths[_LEFT_LEG] + lengths[_LEFT_LEG + 1]) / 2
    arms = (lengths[_LEFT_ARM] + lengths[_LEFT_ARM + 1]) / 2
    own = [*lengths, legs, arms]
    weight = 1.0
    for one, other, none_below, below, above, none_above in _RATIO_LIMITS:
        ratio = own[one] / max(own[other], 1e-6)
        if ratio < below:
            weight = min(weight, (ratio - none_below) / (below - none_below))
        elif ratio > above:
            weight = min(weight, (none_above - ratio) / (none_above - above))
    return max(0.0, weight)
