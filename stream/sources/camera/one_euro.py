"""The one-euro filter (Casiez, Roussel, Vogel, CHI 2012): a low-pass whose cut-off rises with speed."""

from __future__ import annotations

import math

import numpy as np

from stream.body import FloatArray

__all__ = ["OneEuroFilter"]

SPEED_CUTOFF_HZ = 1.0
"""Cut-off frequency of the speed estimate."""


class OneEuroFilter:
    """Smooths points over time, each independently; a point restarts after it was NaN.

    Args:
        min_cutoff_hz: cut-off frequency at rest; lower means less jitter.
        beta: increase of the cut-off, Hz per unit of speed; higher means less lag in fast movement.
    """

    def __init__(self, min_cutoff_hz: float, beta: float) -> None:
        self._min_cutoff_hz = min_cutoff_hz
        self._beta = beta
        self._last: tuple[int, FloatArray, FloatArray] | None = None

    def push(self, time_ns: int, points: FloatArray) -> FloatArray:
        """Returns the next (n, d) points, smoothed; NaN where not seen."""
        if self._last is None:
            self._last = (time_ns, points, np.zeros_like(points))
            return points
        last_ns, before, velocity = self._last
        elapsed = (time_ns - last_ns) / 1e9
        new = np.isnan(before)
        measured = np.where(new, np.float32(0), (points - before) / np.float32(elapsed))
        velocity = np.where(
            np.isnan(points),
            np.float32(0),
            velocity + _alpha(SPEED_CUTOFF_HZ, elapsed) * (measured - velocity),
        )
        speed = np.linalg.norm(velocity, axis=-1, keepdims=True)
        alpha = _alpha(self._min_cutoff_hz + self._beta * speed, elapsed)
        smooth: FloatArray = np.where(new, points, before + alpha * (points - before)).astype(np.float32)
        self._last = (time_ns, smooth, velocity)
        return smooth


def _alpha(cutoff_hz: FloatArray | float, elapsed: float) -> FloatArray:
    """Returns the weight of a new value in a first-order low-pass."""
    ratio = np.float32(2 * math.pi * elapsed) * np.asarray(cutoff_hz, np.float32)
    alpha: FloatArray = ratio / (ratio + 1)
    return alpha
