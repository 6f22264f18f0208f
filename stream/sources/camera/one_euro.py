"""The one-euro filter (Casiez, Roussel, Vogel, CHI 2012): steady at rest, quick when moved."""

from __future__ import annotations

import math

import numpy as np

from stream.body import FloatArray

__all__ = ["OneEuro"]


class OneEuro:
    """Smooths points over time, each by itself; one that is NaN begins anew when it is seen again.

    Args:
        rest_hz: the cut-off frequency at rest: lower is steadier.
        per_speed: Hz more of it a unit a second: higher follows quick movement with less delay.
        speed_hz: the cut-off frequency of the speed itself.
    """

    def __init__(self, rest_hz: float, per_speed: float, speed_hz: float = 1.0) -> None:
        self._rest_hz = rest_hz
        self._per_speed = per_speed
        self._speed_hz = speed_hz
        self._last: tuple[int, FloatArray, FloatArray] | None = None

    def push(self, time_ns: int, points: FloatArray) -> FloatArray:
        """Smooth the next (n, d) points; NaN where not seen."""
        if self._last is None:
            self._last = (time_ns, points, np.zeros_like(points))
            return points
        last_ns, before, speed = self._last
        elapsed = (time_ns - last_ns) / 1e9
        new = np.isnan(before)
        measured = np.where(new, np.float32(0), (points - before) / np.float32(elapsed))
        speed = np.where(
            np.isnan(points), np.float32(0), speed + _weight(self._speed_hz, elapsed) * (measured - speed)
        )
        norm = np.linalg.norm(speed, axis=-1, keepdims=True)
        weight = _weight(self._rest_hz + self._per_speed * norm, elapsed)
        smooth: FloatArray = np.where(new, points, before + weight * (points - before)).astype(np.float32)
        self._last = (time_ns, smooth, speed)
        return smooth


def _weight(cut_off_hz: FloatArray | float, elapsed: float) -> FloatArray:
    """Of a new value beside the last, for a low-pass of first order."""
    turn = np.float32(2 * math.pi * elapsed) * np.asarray(cut_off_hz, np.float32)
    weight: FloatArray = turn / (turn + 1)
    return weight
