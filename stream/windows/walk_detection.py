"""Walk detection: assesses the windows of one track by posture, body size and leg motion.

A window is usable if its skeletons show one complete upright body (`stream.windows.posture`), if the body has
human proportions and the same size as before (`stream.windows.body_history`), and if the legs move. Leg
motion is the difference between the ankle positions, so that a person on a treadmill, or in front of a moving
sensor, counts as walking.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Literal, NamedTuple

from stream.body import FloatArray
from stream.skeleton import CANONICAL
from stream.windows.body_history import BodyHistory
from stream.windows.posture import Limits, Posture, PostureProblem, ramp

__all__ = ["WalkDetector", "WalkProblem", "WindowAssessment", "ankle_differences"]

WalkProblem = PostureProblem | Literal["body changed size", "standing still"]
"""Reason why the weight of a window is reduced, or the window is not used."""

STRIDE_SAMPLES = 24
"""Skeletons over which leg motion is measured: 0.8 s, in which a leg swings even in a slow walk."""

PAUSE_NS = 800_000_000
"""After a longer pause, size and leg motion are measured anew."""

GAP_NS = 50_000_000
"""Longest time between consecutive skeletons."""

MIN_MOTION = 0.055
"""Least standard deviation of the ankles' difference in a walk, divided by the leg length."""

NOISE_FACTOR = 1.2
"""Ratio of the noise variance to the mean squared difference of consecutive skeletons: 0.5 for white noise,
higher here because the tracker of a Kinect smooths."""

SIZE_CHANGE: Limits = (0.18, 0.10)
"""Absolute log ratio of the body's current size to its previous size."""

SIZE_SAMPLES = 30
"""Time constant of the running mean of the body size, skeletons."""

_LEFT_ANKLE, _RIGHT_ANKLE = CANONICAL.index("AnkleLeft"), CANONICAL.index("AnkleRight")


class WindowAssessment(NamedTuple):
    """Result of the walk detection for one window."""

    weight: float
    """0..1, how certainly the window shows a walking body; 0 if it is not usable."""
    problem: WalkProblem | None
    """Reason for a weight below 1, or for resting; else None."""
    resting: bool
    """Whether the posture is usable but the legs do not move."""


def ankle_differences(joints: FloatArray) -> FloatArray:
    """Returns the left ankle minus the right, (n, 3), of skeletons (n, 20, 3)."""
    differences: FloatArray = joints[:, _LEFT_ANKLE] - joints[:, _RIGHT_ANKLE]
    return differences


class WalkDetector:
    """Observes the skeletons of one track and assesses its windows."""

    def __init__(self) -> None:
        self._legs = _Legs()
        self._last_ns = 0
        self._body = BodyHistory()
        self._size = 0.0
        self._samples = 0
        """Skeletons since the last update of the size."""

    def add(self, time_ns: int, x: float, y: float, z: float) -> None:
        """Adds the next skeleton, one every 1/30 s except in gaps.

        Args:
            time_ns: its time.
            x: of its `ankle_differences`, metres.
            y: likewise.
            z: likewise.
        """
        pause, self._last_ns = time_ns - self._last_ns, time_ns
        if pause > PAUSE_NS:
            self._legs, self._size = _Legs(), 0.0
        self._legs.add(x, y, z, follows=pause <= GAP_NS)
        self._samples += 1

    def forget_body(self) -> None:
        """Forgets size and proportions of the body so far: what walks on is another person."""
        self._body, self._size = BodyHistory(), 0.0

    def assess(self, posture: Posture) -> WindowAssessment:
        """Assesses a window that ends at the last added skeleton, with its posture."""
        weight = posture.weight
        problem: WalkProblem | None = posture.problem
        samples, self._samples = self._samples, 0
        same = ramp(self._size_change(posture.limbs, samples), SIZE_CHANGE)
        same = min(same, self._body.sameness(posture.limbs, samples))
        human = self._body.proportions(posture.lengths, samples) if weight > 0 else 1.0
        if human < weight:
            weight, problem = human, "implausible body"
        if same < weight:
            weight, problem = same, "body changed size"
        if weight > 0 and self._legs.motion < MIN_MOTION * posture.leg:
            return WindowAssessment(weight, "standing still", resting=True)
        return WindowAssessment(weight, problem, resting=False)

    def _size_change(self, size: float, samples: int) -> float:
        """Returns the absolute log ratio to the mean size so far, and updates that mean."""
        if not (self._size and size):
            self._size = size
            return 0.0
        change = abs(math.log(size / self._size))
        self._size += (size - self._size) * samples / (samples + SIZE_SAMPLES)
        return change


_ZEROS = (0.0, 0.0, 0.0, 0.0, 0.0)


class _Legs:
    """Difference of the ankle positions, left minus right, over the last skeletons."""

    def __init__(self) -> None:
        # x, y, z in metres, their squared norm, and the squared norm of their change since the last skeleton.
        self._differences: deque[tuple[float, float, float, float, float]] = deque()
        self._sums = _ZEROS

    def add(self, x: float, y: float, z: float, *, follows: bool) -> None:
        differences = self._differences
        step = 0.0
        if follows and differences:  # changes over a gap are more than noise
            a, b, c, _, _ = differences[-1]
            step = (x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2
        square = x * x + y * y + z * z
        differences.append((x, y, z, square, step))
        a, b, c, d, e = differences.popleft() if len(differences) > STRIDE_SAMPLES else _ZEROS
        xs, ys, zs, squares, steps = self._sums
        self._sums = (xs + x - a, ys + y - b, zs + z - c, squares + square - d, steps + step - e)

    @property
    def motion(self) -> float:
        """Standard deviation of the difference, metres, with the noise variance removed."""
        n = len(self._differences)
        x, y, z, squares, steps = self._sums
        variance = (squares - (x * x + y * y + z * z) / n) / n
        return math.sqrt(max(0.0, variance - NOISE_FACTOR * steps / max(n - 1, 1)))
