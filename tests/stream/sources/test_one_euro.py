from __future__ import annotations

import numpy as np
import pytest

from stream.body import FloatArray
from stream.sources.camera.one_euro import OneEuroFilter

FRAME_NS = 33_333_333


def smooth(points: FloatArray, min_cutoff_hz: float = 1.5, beta: float = 3.0) -> FloatArray:
    one_euro = OneEuroFilter(min_cutoff_hz, beta)
    return np.stack([one_euro.push(n * FRAME_NS, p) for n, p in enumerate(points)])


def test_constant_points_are_unchanged() -> None:
    points = np.full((30, 4, 3), 1.25, np.float32)
    assert np.array_equal(smooth(points), points)


def test_jitter_at_rest_is_reduced() -> None:
    points = np.random.default_rng(1).normal(0, 0.005, (300, 4, 3)).astype(np.float32)
    assert smooth(points)[30:].std() < 0.5 * points[30:].std()


def test_lag_is_smaller_in_fast_movement() -> None:
    t = np.arange(60, dtype=np.float32)[:, None, None] / 30
    lag = {}
    for speed in (0.1, 4.0):
        points = np.broadcast_to(speed * t, (60, 1, 3)).astype(np.float32)
        lag[speed] = float((points - smooth(points))[-1, 0, 0] / speed)
    assert 0 < lag[4.0] < 0.02 < lag[0.1], "seconds"


def test_step_response_is_monotonic() -> None:
    points = np.zeros((60, 1, 3), np.float32)
    points[10:] = 1
    smoothed = smooth(points)[:, 0, 0]
    assert (np.diff(smoothed) >= 0).all()
    assert smoothed[9] == 0 and 0 < smoothed[10] < 1 and smoothed[-1] == pytest.approx(1, abs=1e-3)


def test_point_restarts_after_nan_and_others_are_unaffected() -> None:
    points = np.random.default_rng(2).normal(0, 1, (40, 2, 3)).astype(np.float32)
    gap = points.copy()
    gap[10:15, 1] = np.nan
    complete, with_gap = smooth(points), smooth(gap)
    assert np.array_equal(complete[:, 0], with_gap[:, 0])
    assert np.isnan(with_gap[10:15, 1]).all() and np.isfinite(with_gap[15:]).all()
    assert np.array_equal(with_gap[15, 1], points[15, 1]), "the state before the gap has no effect"


def test_result_depends_little_on_the_frame_rate() -> None:
    def at(rate: int) -> FloatArray:
        one_euro = OneEuroFilter(1.5, 3.0)
        t = np.arange(2 * rate + 1) / rate
        swing = np.sin(2 * np.pi * t)[:, None, None].astype(np.float32)
        smoothed = [one_euro.push(round(s * 1e9), p) for s, p in zip(t, swing, strict=True)]
        return np.stack(smoothed)[:: rate // 10]

    assert np.abs(at(30) - at(60)).max() < 0.1
