"""Open-set figures against their definitions, counted one by one, and their intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve  # type: ignore[import-untyped]

from tools.evaluation.metrics.bootstrap import estimates
from tools.evaluation.metrics.open_set import Det, OpenSet, Separation, weighted_mean, weighted_median

PEOPLE = 5
GRID = st.integers(0, 20).map(lambda k: k / 20)
MATED = st.lists(st.tuples(st.one_of(GRID, st.just(-np.inf)), st.integers(0, PEOPLE - 1)), min_size=1)
OTHER = st.lists(st.tuples(GRID, st.integers(0, PEOPLE - 1)), min_size=1)
WEIGHTS = st.lists(st.integers(1, 3), min_size=PEOPLE, max_size=PEOPLE)
Scored = list[tuple[float, int]]


def det(mated: Scored, other: Scored, weights: list[int]) -> Det:
    scores, people = (np.array(column) for column in zip(*mated, strict=True))
    other_scores, strangers = (np.array(column) for column in zip(*other, strict=True))
    found = OpenSet(scores, people, other_scores, strangers, PEOPLE).det(np.array(weights, float))
    assert found is not None
    return found


def repeated(pairs: Scored, weights: list[int]) -> list[float]:
    return [score for score, person in pairs for _ in range(weights[person])]


def literal(mated: Scored, other: Scored, weights: list[int]) -> list[tuple[float, float, float]]:
    """FPIR and FNIR with every score as the threshold, and with one above all."""
    right, wrong = repeated(mated, weights), repeated(other, weights)
    possible = [*sorted({score for score in (*right, *wrong) if score > -np.inf}), np.inf]
    return [
        (t, sum(s >= t for s in wrong) / len(wrong), sum(s < t for s in right) / len(right)) for t in possible
    ]


@given(MATED, OTHER, WEIGHTS)
def test_the_det_curve_has_every_threshold_there_is(mated: Scored, other: Scored, weights: list[int]) -> None:
    found = det(mated, other, weights)
    points = np.array([found.thresholds, found.fpir, found.fnir]).T
    np.testing.assert_allclose(points, literal(mated, other, weights), atol=1e-12)


@given(MATED, OTHER, WEIGHTS)
@settings(max_examples=30)
def test_the_det_curve_is_one_minus_scikit_learns_roc_curve(
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


@given(MATED, OTHER, WEIGHTS)
def test_fnir_is_taken_at_the_lowest_threshold_that_keeps_the_rate(
    mated: Scored, other: Scored, weights: list[int]
) -> None:
    found = det(mated, other, weights)
    for rate in (0.0, 0.01, 0.05, 0.3):
        kept = [point for point in literal(mated, other, weights) if point[1] <= rate + 1e-9]
        assert found.fnir_at(rate) == pytest.approx(min(point[2] for point in kept))
        assert found.threshold_at(rate) == min(point[0] for point in kept)


@given(MATED, OTHER, WEIGHTS)
def test_the_equal_error_rate_is_where_both_errors_meet(
    mated: Scored, other: Scored, weights: list[int]
) -> None:
    errors = [
        (round(abs(fpir - fnir), 12), (fpir + fnir) / 2) for _, fpir, fnir in literal(mated, other, weights)
    ]
    nearest = min(gap for gap, _ in errors)
    found = det(mated, other, weights).eer
    assert any(found == pytest.approx(mean) for gap, mean in errors if gap == pytest.approx(nearest))


def test_an_open_set_needs_searches_of_both_sorts() -> None:
    one = OpenSet(np.array([0.5]), np.array([0]), np.array([0.4]), np.array([1]), 2)
    assert one.det(np.ones(2)) is not None
    assert one.det(np.array([1.0, 0.0])) is None
    assert one.det(np.array([0.0, 1.0])) is None


def test_nobody_is_returned_where_others_are_better_candidates() -> None:
    """Of three mated searches one has another as its best candidate: no threshold finds it."""
    found = det([(-np.inf, 0), (0.9, 0), (0.8, 1)], [(0.1, 2)], [1] * PEOPLE)
    assert found.fnir.min() == pytest.approx(1 / 3)
    assert found.fnir_at(0.0) == pytest.approx(1 / 3)


COMPARED = st.lists(
    st.tuples(GRID, st.tuples(GRID, GRID), st.integers(0, PEOPLE - 1)), min_size=1, max_size=8
)


def separated(searches: list[tuple[float, tuple[float, float], int]]) -> Separation:
    genuine, impostor, owners = (np.array(column) for column in zip(*searches, strict=True))
    return Separation(genuine, impostor, owners, PEOPLE)


@given(COMPARED, WEIGHTS)
def test_d_prime_is_that_of_the_scores_repeated(
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
def test_the_equal_error_rate_of_comparisons_is_that_of_the_scores_repeated(
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


def test_comparisons_that_never_overlap_have_no_equal_error() -> None:
    assert separated([(0.9, (0.1, 0.2), 0), (0.8, (0.3, 0.1), 1)]).eer(np.ones(PEOPLE)) == 0


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=1))
def test_weighted_means_and_medians_are_those_of_repeated_values(pairs: list[tuple[int, int]]) -> None:
    values, weights = (np.array(column, float) for column in zip(*pairs, strict=True))
    counted = np.repeat(values, weights.astype(int))
    if not len(counted):
        assert np.isnan(weighted_mean(values, weights))
        assert np.isnan(weighted_median(values, weights))
        return
    assert weighted_mean(values, weights) == pytest.approx(counted.mean())
    assert weighted_median(values, weights) == np.quantile(counted, 0.5, method="inverted_cdf")


def test_the_interval_draws_whole_people() -> None:
    """Of 40 people 10 fail: the binomial interval of 25 % is 12.5 to 40 %, however many walks each has."""
    failed = np.arange(40) < 10
    found = estimates(lambda w: {"failed": float(w[failed].sum() / w.sum()), "constant": 0.25}, 40, seed=3)
    assert found["failed"] is not None
    value, low, high = found["failed"]
    assert value == 0.25
    assert low == pytest.approx(0.125, abs=0.03)
    assert high == pytest.approx(0.40, abs=0.03)
    assert found["constant"] == (0.25, 0.25, 0.25)


def test_draws_in_which_a_figure_is_undefined_say_nothing_of_it() -> None:
    found = estimates(lambda w: {"a": 1.0 if w[0] else np.nan, "b": np.nan}, 3, seed=0)
    assert found == {"a": (1.0, 1.0, 1.0), "b": None}
