"""Whether somebody walks: what the windows of one track are worth, and why some are worth nothing.

A window counts if its skeletons show one whole upright body (`stream.windows.posture`), if that body is as
large as it was until now, and if the legs move. They are watched as the difference between the ankles: a
person who walks on a treadmill, or before a sensor that follows, walks too.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Literal, NamedTuple

from stream.body import FloatArray
from stream.skeleton import CANONICAL
from stream.windows.posture import Limits, Unfit, ramp, see_posture

__all__ = ["Judgement", "NotWalking", "WalkingJudge"]

NotWalking = Unfit | Literal["body changed size", "standing still"]
"""Why a window counts less, or not at all."""

STRIDE_TICKS = 24
"""Skeletons over which the legs are watched, 0.8 s: in each 0.8 s of a slow walk a leg swings."""

PAUSE_NS = 800_000_000
"""After a pause this long nothing is known of the body."""

GAP_NS = 50_000_000
"""Skeletons further apart than this do not follow each other."""

MOVING = 0.055
"""How far the ankles move against each other, standard deviation over a leg's length."""

NOISE_SHARE = 1.2
"""Variance of noise over the mean square of its step from one skeleton to the next: 0.5 were it white; the
tracker of a Kinect smooths."""

RESIZED: Limits = (0.18, 0.10)
"""Difference of the logarithms of the body's size now and before."""

SIZE_TICKS = 30
"""Skeletons over which a body's size is remembered."""

_ANKLES = CANONICAL.index("AnkleLeft"), CANONICAL.index("AnkleRight")


class Judgement(NamedTuple):
    """What a window is worth."""

    weight: float
    """0..1; 0 for a window that shows no body fit to walk."""
    trouble: NotWalking | None
    """Why the weight is not 1, or the window does not count."""
    still: bool
    """The body is fit to walk, and its legs do not move yet."""


class WalkingJudge:
    """Watches the skeletons of one track, and judges its windows."""

    def __init__(self) -> None:
        self._legs = _Legs()
        self._last_ns = 0
        self._limbs = 0.0
        self._ticks = 0
        """Skeletons since the body's size was last taken."""

    def see(self, time_ns: int, joints: FloatArray) -> None:
        """Watch the next skeleton, (20, 3) float32, metres; one each 1/30 s, but for gaps."""
        pause, self._last_ns = time_ns - self._last_ns, time_ns
        if pause > PAUSE_NS:
            self._legs, self._limbs = _Legs(), 0.0
        self._legs.see(*(joints[_ANKLES[0]] - joints[_ANKLES[1]]).tolist(), follows=pause <= GAP_NS)
        self._ticks += 1

    def judge(self, joints: FloatArray, confidence: FloatArray, distance: float) -> Judgement:
        """Judge a window whose last skeleton is the one seen last; for the arguments see `see_posture`."""
        posture = see_posture(joints, confidence, distance)
        weight = posture.weight
        trouble: NotWalking | None = posture.trouble
        same = ramp(self._resized(posture.limbs), RESIZED)
        if same < weight:
            weight, trouble = same, "body changed size"
        if weight > 0 and self._legs.motion < MOVING * posture.leg:
            return Judgement(weight, "standing still", still=True)
        return Judgement(weight, trouble, still=False)

    def _resized(self, limbs: float) -> float:
        """How unlike the size until now this one is, which is then remembered."""
        passed, self._ticks = self._ticks, 0
        if not (self._limbs and limbs):
            self._limbs = limbs
            return 0.0
        unlike = abs(math.log(limbs / self._limbs))
        self._limbs += (limbs - self._limbs) * passed / (passed + SIZE_TICKS)
        return unlike


class _Legs:
    """Where the left ankle was from the right one, over the last skeletons."""

    def __init__(self) -> None:
        # x, y, z in metres, the square of their length, and that of their step since the skeleton before.
        self._seen: deque[tuple[float, ...]] = deque()
        self._sums: tuple[float, ...] = (0.0,) * 5

    def see(self, x: float, y: float, z: float, *, follows: bool) -> None:
        step = 0.0
        if follows and self._seen:  # over a gap the legs move by more than noise
            a, b, c, *_ = self._seen[-1]
            step = (x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2
        now = (x, y, z, x * x + y * y + z * z, step)
        self._seen.append(now)
        gone = self._seen.popleft() if len(self._seen) > STRIDE_TICKS else (0.0,) * 5
        self._sums = tuple([s + new - old for s, new, old in zip(self._sums, now, gone, strict=True)])

    @property
    def motion(self) -> float:
        """How far the ankles moved against each other: standard deviation, metres, without the noise."""
        n = len(self._seen)
        x, y, z, squares, steps = self._sums
        spread = (squares - (x * x + y * y + z * z) / n) / n
        return math.sqrt(max(0.0, spread - NOISE_SHARE * steps / max(n - 1, 1)))
