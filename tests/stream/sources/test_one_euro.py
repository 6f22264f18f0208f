from __future__ import annotations

import numpy as np
import pytest

from stream.body import FloatArray
from stream.sources.camera.one_euro import OneEuro

FRAME_NS = 33_333_333


def smooth(points: FloatArray, rest_hz: float = 1.5, per_speed: float = 3.0) -> FloatArray:
    one_euro = OneEuro(rest_hz, per_speed)
    return np.stack([one_euro.push(n * FRAME_NS, p) for n, p in enumerate(points)])


def test_what_stands_still_is_left_as_it_is() -> None:
    points = np.full((30, 4, 3), 1.25, np.float32)
    assert np.array_equal(smooth(points), points)


def test_jitter_at_rest_shrinks() -> None:
    points = np.random.default_rng(1).normal(0, 0.005, (300, 4, 3)).astype(np.float32)
    assert smooth(points)[30:].std() < 0.5 * points[30:].std()


def test_quick_movement_is_followed_more_closely_than_slow() -> None:
    t = np.arange(60, dtype=np.float32)[:, None, None] / 30
    lag = {}
    for speed in (0.1, 4.0):
        points = np.broadcast_to(speed * t, (60, 1, 3)).astype(np.float32)
        lag[speed] = float((points - smooth(points))[-1, 0, 0] / speed)
    assert 0 < lag[4.0] < 0.02 < lag[0.1], "seconds behind"


def test_a_step_is_approached_from_one_side() -> None:
    points = np.zeros((60, 1, 3), np.float32)
    points[10:] = 1
    seen = smooth(points)[:, 0, 0]
    assert (np.diff(seen) >= 0).all()
    assert seen[9] == 0 and 0 < seen[10] < 1 and seen[-1] == pytest.approx(1, abs=1e-3)


def test_a_point_that_was_not_seen_begins_anew_and_leaves_the_others_alone() -> None:
    points = np.random.default_rng(2).normal(0, 1, (40, 2, 3)).astype(np.float32)
    gap = points.copy()
    gap[10:15, 1] = np.nan
    whole, broken = smooth(points), smooth(gap)
    assert np.array_equal(whole[:, 0], broken[:, 0])
    assert np.isnan(broken[10:15, 1]).all() and np.isfinite(broken[15:]).all()
    assert np.array_equal(broken[15, 1], points[15, 1]), "nothing of before is left"


def test_the_rate_of_pictures_hardly_matters() -> None:
    def at(rate: int) -> FloatArray:
        one_euro = OneEuro(1.5, 3.0)
        t = np.arange(2 * rate + 1) / rate
        swing = np.sin(2 * np.pi * t)[:, None, None].astype(np.float32)
        seen = [one_euro.push(round(s * 1e9), p) for s, p in zip(t, swing, strict=True)]
        return np.stack(seen)[:: rate // 10]

    assert np.abs(at(30) - at(60)).max() < 0.1
