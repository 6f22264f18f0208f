"""Visit scores: interpolation, tails, and the score of a visit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.scoring.visit_scores import FIRST_WINDOWS, VisitScores, visit_of

SCORES = VisitScores(
    data="test",
    strangers=9,
    visits=90,
    boundary=0.5,
    people=(1, 4, 16),
    means=(0.0, 1.0, 1.5),
    deviations=(0.8, 0.4, 0.2),
    tails=(0.9, 0.5, 0.1),
    scores=(-1.2, 0.1, 1.3),
    excess=0.4,
    between_sites=1.0,
)


def test_means_and_deviations_are_interpolated_over_the_logarithm_of_the_people() -> None:
    assert (SCORES.mean(1), SCORES.mean(4), SCORES.mean(16)) == pytest.approx((0.0, 1.0, 1.5))
    assert SCORES.mean(2) == pytest.approx(0.5)
    assert SCORES.deviation(8) == pytest.approx(0.3)


def test_beyond_the_largest_gallery_the_mean_goes_on_and_the_deviation_stays() -> None:
    assert SCORES.mean(64) == pytest.approx(2.0)
    assert SCORES.deviation(64) == pytest.approx(0.2)


def test_the_tail_is_exponential() -> None:
    assert SCORES.exceeded_by(0.5) == pytest.approx(0.1)
    assert SCORES.exceeded_by(0.01) == pytest.approx(1.3 + 0.4 * math.log(10))


@given(st.floats(0.001, 0.9))
def test_the_share_beyond_the_score_of_a_share_is_that_share(share: float) -> None:
    assert SCORES.share_beyond(SCORES.exceeded_by(share)) == pytest.approx(share)


def test_everybody_exceeds_low_scores() -> None:
    assert SCORES.share_beyond(-1.3) == 1.0


def test_the_visit_score_is_the_best_over_all_decisions() -> None:
    windows = np.array([5, 16, 25, 100])
    course = np.array([[9.0, 9.0], [1.0, 0.0], [0.2, 1.5], [1.2, 1.3]])
    found = visit_of(course, windows, 2.0)
    # 1 - 2 / 4, 1.5 - 2 / 5 and 1.3 - 2 / 10; the first moment comes before the first decision.
    assert found.score == pytest.approx(1.1)
    assert found.nearest == 1


def test_a_visit_without_any_decision_has_the_score_of_its_end() -> None:
    found = visit_of(np.array([[3.0], [2.0]]), np.array([2, FIRST_WINDOWS - 6]), 1.0)
    assert found.score == pytest.approx(2.0 - 1 / 2)


@given(
    st.lists(st.tuples(st.integers(1, 50), st.floats(-3, 3)), min_size=1, max_size=20),
    st.floats(0, 2),
    st.floats(-3, 3),
)
def test_a_visit_is_named_just_if_a_decision_names_someone(
    steps: list[tuple[int, float]], boundary: float, limit: float
) -> None:
    windows = np.cumsum([FIRST_WINDOWS, *(step for step, _ in steps[1:])])
    course = np.array([[score] for _, score in steps])
    named = any(score >= limit + boundary / math.sqrt(n) for n, (score,) in zip(windows, course, strict=True))
    found = visit_of(course, windows, boundary).score
    if abs(found - limit) > 1e-9:
        assert (found >= limit) == named
