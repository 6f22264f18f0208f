"""Tests of the open-set metrics against their definitions, and of their intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve  # type: ignore[import-untyped]

from tools.evaluation.metrics.bootstrap import bootstrap_estimates
from tools.evaluation.metrics.open_set import (
    DetCurve,
    OpenSetSearches,
    ScoreSeparation,
    weighted_mean,
    weighted_median,
)

PEOPLE = 5
GRID = st.integers(0, 20).map(lambda k: k / 20)
MATED = st.lists(st.tuples(st.one_of(GRID, st.just(-np.inf)), st.integers(0, PEOPLE - 1)), min_size=1)
NON_MATED = st.lists(st.tuples(GRID, st.integers(0, PEOPLE - 1)), min_size=1)
WEIGHTS = st.lists(st.integers(1, 3), min_size=PEOPLE, max_size=PEOPLE)
Scored = list[tuple[float, int]]


def det(mated: Scored, other: Scored, weights: list[int]) -> DetCurve:
    scores, people = (np.array(column) for column in zip(*mated, strict=True))
    other_scores, strangers = (np.array(column) for column in zip(*other, strict=True))
    found = OpenSetSearches(scores, people, other_scores, strangers, PEOPLE).det(np.array(weights, float))
    assert found is not None
    return found


def repeated(pairs: Scored, weights: list[int]) -> list[float]:
    return [score for score, person in pairs for _ in range(weights[person])]


def reference_points(mated: Scored, other: Scored, weights: list[int]) -> list[tuple[float, float, float]]:
    """Returns (threshold, FPIR, FNIR) at every score and at infinity, by definition."""
    right, wrong = repeated(mated, weights), repeated(other, weights)
    possible = [*sorted({score for score in (*right, *wrong) if score > -np.inf}), np.inf]
    return [
        (t, sum(s >= t for s in wrong) / len(wrong), sum(s < t for s in right) / len(right)) for t in possible
    ]


@given(MATED, NON_MATED, WEIGHTS)
def test_the_det_curve_has_all_thresholds(mated: Scored, other: Scored, weights: list[int]) -> None:
    found = det(mated, other, weights)
    points = np.array([found.thresholds, found.fpir, found.fnir]).T
    np.testing.assert_allclose(points, reference_points(mated, other, weights), atol=1e-12)


@given(MATED, NON_MATED, WEIGHTS)
@settings(max_examples=30)
def test_the_det_curve_equals_scikit_learns_roc_curve(
    mated: Scored, other: Scored, weights: list[int]
) -> None:
    scores = [-9.0 if score == -np.inf else score for score, _ in (*mated, *other)]
    fpir, tpir, thresholds = roc_curve(
        [1] * len(mated) + [0] * len(other),
        scores,
        sample_weight=[weights[person] for _, person in (*mated, *other)],
        drop_intermediate=False,
    )
    found, possible = det(mated, other, weights), thresholds > -9
    np.testing.assert_allclose(found.thresholds, thresholds[possible][::-1])
    np.testing.assert_allclose(found.fpir, fpir[possible][::-1], atol=1e-12)
    np.testing.assert_allclose(found.fnir, 1 - tpir[possible][::-1], atol=1e-12)


@given(MATED, NON_MATED, WEIGHTS)
def test_fnir_is_taken_at_the_lowest_threshold_with_at_most_the_fpir(
    mated: Scored, other: Scored, weights: list[int]
) -> None:
    found = det(mated, other, weights)
    for rate in (0.0, 0.01, 0.05, 0.3):
        kept = [point for point in reference_points(mated, other, weights) if point[1] <= rate + 1e-9]
        assert found.fnir_at(rate) == pytest.approx(min(point[2] for point in kept))
        assert found.threshold_at(rate) == min(point[0] for point in kept)


@given(MATED, NON_MATED, WEIGHTS)
def test_the_equal_error_rate_is_where_both_errors_differ_least(
    mated: Scored, other: Scored, weights: list[int]
) -> None:
    errors = [
        (round(abs(fpir - fnir), 12), (fpir + fnir) / 2)
        for _, fpir, fnir in reference_points(mated, other, weights)
    ]
    nearest = min(gap for gap, _ in errors)
    found = det(mated, other, weights).eer
    assert any(found == pytest.approx(mean) for gap, mean in errors if gap == pytest.approx(nearest))


def test_a_det_curve_needs_mated_and_non_mated_searches() -> None:
    one = OpenSetSearches(np.array([0.5]), np.array([0]), np.array([0.4]), np.array([1]), 2)
    assert one.det(np.ones(2)) is not None
    assert one.det(np.array([1.0, 0.0])) is None
    assert one.det(np.array([0.0, 1.0])) is None


def test_a_search_with_a_wrong_best_candidate_fails_at_every_threshold() -> None:
    """One of three mated searches has a wrong best candidate."""
    found = det([(-np.inf, 0), (0.9, 0), (0.8, 1)], [(0.1, 2)], [1] * PEOPLE)
    assert found.fnir.min() == pytest.approx(1 / 3)
    assert found.fnir_at(0.0) == pytest.approx(1 / 3)


COMPARED = st.lists(
    st.tuples(GRID, st.tuples(GRID, GRID), st.integers(0, PEOPLE - 1)), min_size=1, max_size=8
)


def separated(searches: list[tuple[float, tuple[float, float], int]]) -> ScoreSeparation:
    genuine, impostor, owners = (np.array(column) for column in zip(*searches, strict=True))
    return ScoreSeparation(genuine, impostor, owners, PEOPLE)


@given(COMPARED, WEIGHTS)
def test_weighted_d_prime_equals_that_of_repeated_scores(
    searches: list[tuple[float, tuple[float, float], int]], weights: list[int]
) -> None:
    again = [search for search in searches for _ in range(weights[search[2]])]
    right = np.array([search[0] for search in again])
    wrong = np.array([search[1] for search in again])
    spread = np.sqrt((right.var() + wrong.var()) / 2)
    found = separated(searches).d_prime(np.array(weights, float))
    if spread > 1e-6:
        assert found == pytest.approx((right.mean() - wrong.mean()) / spread, rel=1e-6, abs=1e-9)
    assert np.isnan(separated(searches).d_prime(np.zeros(PEOPLE)))


@given(COMPARED, WEIGHTS)
def test_the_weighted_equal_error_rate_of_comparisons_equals_that_of_repeated_scores(
    searches: list[tuple[float, tuple[float, float], int]], weights: list[int]
) -> None:
    again = [search for search in searches for _ in range(weights[search[2]])]
    right, wrong = [search[0] for search in again], [score for search in again for score in search[1]]
    errors = [
        (sum(score < t for score in right) / len(right), sum(score >= t for score in wrong) / len(wrong))
        for t in right
    ]
    least = min(round(abs(missed - matched), 12) for missed, matched in errors)
    means = [(a + b) / 2 for a, b in errors if abs(a - b) <= least + 1e-9]
    found = separated(searches).eer(np.array(weights, float))
    assert any(found == pytest.approx(mean) for mean in means)
    assert np.isnan(separated(searches).eer(np.zeros(PEOPLE)))


def test_separated_comparisons_have_an_equal_error_rate_of_zero() -> None:
    assert separated([(0.9, (0.1, 0.2), 0), (0.8, (0.3, 0.1), 1)]).eer(np.ones(PEOPLE)) == 0


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=1))
def test_weighted_means_and_medians_equal_those_of_repeated_values(pairs: list[tuple[int, int]]) -> None:
    values, weights = (np.array(column, float) for column in zip(*pairs, strict=True))
    repeats = np.repeat(values, weights.astype(int))
    if not len(repeats):
        assert np.isnan(weighted_mean(values, weights))
        assert np.isnan(weighted_median(values, weights))
        return
    assert weighted_mean(values, weights) == pytest.approx(repeats.mean())
    assert weighted_median(values, weights) == np.quantile(repeats, 0.5, method="inverted_cdf")


def test_the_bootstrap_resamples_people() -> None:
    """10 of 40 people fail: the binomial interval of 25 % is 12.5 to 40 %."""
    failed = np.arange(40) < 10
    found = bootstrap_estimates(
        lambda w: {"failed": float(w[failed].sum() / w.sum()), "constant": 0.25}, 40, seed=3
    )
    assert found["failed"] is not None
    value, low, high = found["failed"]
    assert value == 0.25
    assert low == pytest.approx(0.125, abs=0.03)
    assert high == pytest.approx(0.40, abs=0.03)
    assert found["constant"] == (0.25, 0.25, 0.25)


def test_resamples_with_an_undefined_figure_are_left_out() -> None:
    found = bootstrap_estimates(lambda w: {"a": 1.0 if w[0] else np.nan, "b": np.nan}, 3, seed=0)
    assert found == {"a": (1.0, 1.0, 1.0), "b": None}
