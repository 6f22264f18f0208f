"""Impostor scores: the score that a share of comparisons exceeds."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from gallery.scoring.impostor_scores import ImpostorScores

SCORES = ImpostorScores(
    "test", 30, (10, 40), (1000, 900), (0.5, 0.1, 0.01), ((0.5, 0.7, 0.8), (0.4, 0.6, 0.7)), (0.02, 0.03)
)


def test_the_score_of_a_share_is_its_quantile() -> None:
    assert SCORES.exceeded_by(0.1, 10) == pytest.approx(0.7)
    assert SCORES.exceeded_by(0.01, 10) == pytest.approx(0.8)


def test_rows_are_interpolated_over_the_logarithm_of_the_windows() -> None:
    assert SCORES.exceeded_by(0.1, 20) == pytest.approx(0.65)
    assert SCORES.exceeded_by(0.1, 40) == pytest.approx(0.6)


def test_outside_the_rows_the_nearest_row_is_used() -> None:
    for windows in (0, 1, 3):
        assert SCORES.exceeded_by(0.1, windows) == pytest.approx(0.7)
    assert SCORES.exceeded_by(0.1, 4000) == pytest.approx(0.6)


def test_beyond_the_smallest_share_the_tail_is_exponential() -> None:
    exceeding = scipy.stats.expon(loc=0.8, scale=0.02)
    for share in (0.01, 0.005, 0.001, 1e-6):
        assert SCORES.exceeded_by(share, 10) == pytest.approx(exceeding.isf(share / 0.01))


@given(st.floats(1e-6, 0.9), st.floats(1e-6, 0.9), st.integers(1, 100))
def test_a_smaller_share_never_has_a_lower_score(a: float, b: float, windows: int) -> None:
    strict, lax = (SCORES.exceeded_by(share, windows) for share in (min(a, b), max(a, b)))
    assert strict >= lax - 1e-12
    assert np.isfinite(strict)
