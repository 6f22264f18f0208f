"""Thresholds: scores for requested false-positive rates."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from gallery.scoring.thresholds import Calibration, ImpostorScores

SCORES = ImpostorScores(
    "test", 30, (10, 40), (1000, 900), (0.5, 0.1, 0.01), ((0.5, 0.7, 0.8), (0.4, 0.6, 0.7)), (0.02, 0.03)
)
KNOWN = Calibration({"kinect-v1": SCORES})


def test_with_one_person_the_threshold_is_the_quantile_of_the_rate() -> None:
    assert KNOWN.threshold("kinect-v1", 0.1, 1, 10) == pytest.approx(0.7)
    assert KNOWN.threshold("kinect-v1", 0.01, 1, 10) == pytest.approx(0.8)


def test_rows_are_interpolated_over_the_logarithm_of_the_windows() -> None:
    assert KNOWN.threshold("kinect-v1", 0.1, 1, 10) == pytest.approx(0.7)
    assert KNOWN.threshold("kinect-v1", 0.1, 1, 20) == pytest.approx(0.65)
    assert KNOWN.threshold("kinect-v1", 0.1, 1, 40) == pytest.approx(0.6)


def test_outside_the_rows_the_nearest_row_is_used() -> None:
    for windows in (0, 1, 3):
        assert KNOWN.threshold("kinect-v1", 0.1, 1, windows) == pytest.approx(0.7)
    assert KNOWN.threshold("kinect-v1", 0.1, 1, 4000) == pytest.approx(0.6)


def test_an_uncalibrated_sensor_has_no_threshold() -> None:
    assert KNOWN.threshold("kinect-v2", 0.1, 1, 10) is None


def test_n_people_share_the_rate_as_independent_comparisons() -> None:
    each = 1 - (1 - 0.19) ** (1 / 2)  # two chances of 0.1
    assert KNOWN.threshold("kinect-v1", 0.19, 2, 10) == pytest.approx(SCORES.exceeded_by(each, 10))
    assert each == pytest.approx(0.1)


def test_beyond_the_smallest_share_the_tail_is_exponential() -> None:
    exceeding = scipy.stats.expon(loc=0.8, scale=0.02)
    for share in (0.01, 0.005, 0.001, 1e-6):
        assert SCORES.exceeded_by(share, 10) == pytest.approx(exceeding.isf(share / 0.01))


@given(st.floats(1e-6, 0.9), st.floats(1e-6, 0.9), st.integers(1, 1000), st.integers(1, 100))
def test_a_stricter_rate_never_lowers_the_threshold(a: float, b: float, people: int, windows: int) -> None:
    strict, lax = (KNOWN.threshold("kinect-v1", rate, people, windows) for rate in (min(a, b), max(a, b)))
    assert strict is not None
    assert lax is not None
    assert strict >= lax - 1e-12
    assert np.isfinite(strict)
