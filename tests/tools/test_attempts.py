"""Open-set figures against their definitions, counted one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.attempts import Attempts, interval

PEOPLE = 5
GRID = st.integers(0, 20).map(lambda k: k / 20)
KNOWN = st.lists(st.tuples(st.one_of(GRID, st.just(-np.inf)), st.integers(0, PEOPLE - 1)), min_size=1)
STRANGE = st.lists(st.tuples(GRID, st.integers(0, PEOPLE - 1)), min_size=1)
WEIGHTS = st.lists(st.integers(1, 3), min_size=PEOPLE, max_size=PEOPLE)
Scored = list[tuple[float, int]]


def attempts(known: Scored, strange: Scored, threshold: float = 0.5) -> Attempts:
    scores, people = (np.array(column) for column in zip(*known, strict=True))
    stranger_scores, strangers = (np.array(column) for column in zip(*strange, strict=True))
    named = (stranger_scores >= threshold)[:, None]
    ever = named | (strangers == 0)[:, None]
    return Attempts(scores, people, (scores >= threshold)[:, None], stranger_scores, strangers, named, ever)


def repeated(pairs: Scored, weights: list[int]) -> list[float]:
    return [score for score, person in pairs for _ in range(weights[person])]


@given(KNOWN, STRANGE, WEIGHTS)
def test_fnir_is_taken_at_the_lowest_threshold_that_keeps_the_rate(
    known: Scored, strange: Scored, weights: list[int]
) -> None:
    right, wrong = repeated(known, weights), repeated(strange, weights)
    for rate in (0.0, 0.05, 0.3):
        # A threshold just above a stranger's score, the lowest that names no more than the rate.
        kept = min(t for t in wrong if sum(score > t for score in wrong) <= rate * len(wrong) + 1e-9)
        expected = sum(score <= kept for score in right) / len(right)
        assert attempts(known, strange).fnir_at(rate, np.array(weights, float)) == pytest.approx(expected)


@given(KNOWN, STRANGE, WEIGHTS)
def test_the_equal_error_rate_is_where_both_errors_meet(
    known: Scored, strange: Scored, weights: list[int]
) -> None:
    right, wrong = repeated(known, weights), repeated(strange, weights)
    errors = []
    for t in sorted({*wrong, *(score for score in right if score > -np.inf)}):
        fpir = sum(score > t for score in wrong) / len(wrong)
        fnir = sum(score <= t for score in right) / len(right)
        errors.append((round(abs(fpir - fnir), 12), (fpir + fnir) / 2))
    nearest = min(gap for gap, _ in errors)
    found = attempts(known, strange).eer(np.array(weights, float))
    assert any(found == pytest.approx(mean) for gap, mean in errors if gap == pytest.approx(nearest))


@given(KNOWN, STRANGE, WEIGHTS)
def test_rates_at_a_threshold_are_shares_of_walks(known: Scored, strange: Scored, weights: list[int]) -> None:
    subject, counts = attempts(known, strange), np.array(weights, float)
    right, wrong = repeated(known, weights), repeated(strange, weights)
    assert subject.fnir(0, counts) == pytest.approx(np.mean([score < 0.5 for score in right]))
    assert subject.fpir(0, counts) == pytest.approx(np.mean([score >= 0.5 for score in wrong]))
    assert subject.fpir(0, counts, ever=True) >= subject.fpir(0, counts)


def test_the_interval_draws_whole_people() -> None:
    """Of 40 people 10 fail: the binomial interval of 25 % is 12.5 to 40 %, however many walks each has."""
    failed = np.arange(40) < 10
    low, high = interval(lambda weights: float(weights[failed].sum() / weights.sum()), 40, seed=3)
    assert low == pytest.approx(0.125, abs=0.03)
    assert high == pytest.approx(0.40, abs=0.03)
    assert interval(lambda weights: 0.25, 40, seed=3) == (0.25, 0.25)
