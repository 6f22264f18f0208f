"""Tests of the metrics against their definitions, against scikit-learn, and on cases with known results."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (  # type: ignore[import-untyped]
    average_precision_score,
    roc_auc_score,
    top_k_accuracy_score,
)

from tools.evaluation.metrics.identification import (
    class_ranks,
    cmc,
    nauc_cmc,
    rank_k,
    retrieve,
    roc_auc_micro,
    walk_rank1,
)

PEOPLE = 4


@st.composite
def matching(draw: st.DrawFn) -> tuple[Any, Any, Any]:
    """Distances with few distinct values, so that ties are common; each probe has an item in the gallery."""
    gallery = [*range(PEOPLE), *draw(st.lists(st.integers(0, PEOPLE - 1), max_size=12))]
    probes = draw(st.lists(st.integers(0, PEOPLE - 1), min_size=1, max_size=6))
    seed = draw(st.integers(0, 2**32 - 1))
    levels = draw(st.sampled_from([1, 2, 5, 1000]))
    random = np.random.default_rng(seed)
    order = random.permutation(len(gallery))
    distances = random.integers(0, levels, (len(probes), len(gallery))).astype("f4")
    return distances, np.array(gallery)[order], np.array(probes)


@st.composite
def classification(draw: st.DrawFn, levels: int = 6) -> tuple[Any, Any]:
    """Scores (n, C) with ties, and right columns."""
    n, people = draw(st.integers(1, 12)), draw(st.integers(2, 6))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return random.integers(0, levels, (n, people)).astype("f4"), random.integers(0, people, n)


def first_and_last_rank(distances: Any, correct: Any) -> tuple[int, int]:
    """Returns the ranks of the first and the last correct item in a sorted list; wrong items win ties."""
    listed = sorted(zip(distances.tolist(), correct.tolist(), strict=True), key=lambda item: item)
    places = [place for place, (_, right) in enumerate(listed, 1) if right]
    return places[0], places[-1]


@given(matching())
def test_retrieval_matches_its_definition(case: tuple[Any, Any, Any]) -> None:
    distances, gallery, probes = case
    found = retrieve(distances, gallery, probes)
    for row, person in enumerate(probes):
        correct = gallery == person
        first, last = first_and_last_rank(distances[row], correct)
        assert found.first_rank[row] == first
        assert found.inverse_penalty[row] == pytest.approx(correct.sum() / last)
        expected = average_precision_score(correct, -distances[row])
        assert found.average_precision[row] == pytest.approx(expected)
    assert found.map == pytest.approx(np.mean(found.average_precision))
    assert found.minp == pytest.approx(np.mean(found.inverse_penalty))


def test_average_precision_by_hand() -> None:
    # By distance: right, wrong, right, wrong. The precisions are 1/1 and 2/3; the last right item is third.
    found = retrieve(np.array([[4.0, 1.0, 2.0, 3.0]], "f4"), ["b", "a", "b", "a"], ["a"])
    assert found.average_precision[0] == pytest.approx((1 + 2 / 3) / 2)
    assert found.inverse_penalty[0] == pytest.approx(2 / 3)
    assert found.first_rank.tolist() == [1]


@given(matching(), st.randoms(use_true_random=False))
def test_the_order_of_the_gallery_has_no_effect(case: tuple[Any, Any, Any], shuffle: Any) -> None:
    distances, gallery, probes = case
    order = list(range(len(gallery)))
    shuffle.shuffle(order)
    one, other = retrieve(distances, gallery, probes), retrieve(distances[:, order], gallery[order], probes)
    assert one.first_rank.tolist() == other.first_rank.tolist()
    np.testing.assert_array_equal(one.average_precision, other.average_precision)
    np.testing.assert_array_equal(one.inverse_penalty, other.inverse_penalty)


@given(matching(), st.integers(0, 2**32 - 1))
def test_items_at_infinity_are_ignored(case: tuple[Any, Any, Any], seed: int) -> None:
    distances, gallery, probes = case
    kept = np.random.default_rng(seed).random(distances.shape) < 0.6
    own = gallery == probes[:, None]
    kept[np.arange(len(probes)), own.argmax(axis=1)] = True  # each probe keeps one item
    found = retrieve(np.where(kept, distances, np.float32(np.inf)), gallery, probes)
    for row, person in enumerate(probes):
        alone = retrieve(distances[row : row + 1, kept[row]], gallery[kept[row]], [person])
        assert found.first_rank[row] == alone.first_rank[0]
        assert found.average_precision[row] == alone.average_precision[0]
        assert found.inverse_penalty[row] == alone.inverse_penalty[0]


def test_equal_distances_identify_no_person() -> None:
    found = retrieve(np.zeros((1, 10), "f4"), [0, *[1] * 9], [0])
    assert found.first_rank.tolist() == [10]
    assert found.map == pytest.approx(0.1)


def test_invalid_input_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"expected \(1, 2\), got \(2, 1\)"):
        retrieve(np.zeros((2, 1), "f4"), [0, 1], [0])
    with pytest.raises(ValueError, match="no item of 2"):
        retrieve(np.zeros((1, 2), "f4"), [0, 1], [2])
    for wrong in (np.nan, -np.inf):
        with pytest.raises(ValueError, match="finite"):
            retrieve(np.array([[0, wrong]], "f4"), [0, 1], [0])
    with pytest.raises(ValueError, match="probe 0: is compared with no item of 1"):
        retrieve(np.array([[0, np.inf]], "f4"), [0, 1], [1])
    with pytest.raises(ValueError, match="finite"):
        class_ranks(np.array([[0, np.inf]], "f4"), [0])


@given(classification())
def test_class_ranks_equal_matching_with_one_correct_item(case: tuple[Any, Any]) -> None:
    scores, labels = case
    ranks = class_ranks(scores, labels)
    expected = retrieve(-scores, np.arange(scores.shape[1]), labels).first_rank
    assert ranks.tolist() == expected.tolist()


@given(classification(levels=10**6))
def test_rank_k_equals_scikit_learns_top_k_without_ties(case: tuple[Any, Any]) -> None:
    scores, labels = case
    people = scores.shape[1]
    if any(len(set(row)) < people for row in scores.tolist()):
        return
    ranks = class_ranks(scores, labels)
    for k in range(1, people):
        # An additional label avoids scikit-learn's binary case, which takes one column.
        wide = np.column_stack((scores, np.full(len(scores), -1.0)))
        expected = top_k_accuracy_score(labels, wide, k=k, labels=range(people + 1))
        assert rank_k(ranks, k) == pytest.approx(expected)


@given(st.lists(st.integers(1, 9), min_size=1), st.integers(9, 12))
def test_the_cmc_has_rank_k_at_every_k_and_its_area_is_their_mean(ranks: list[int], people: int) -> None:
    curve = cmc(ranks, people)
    assert curve.tolist() == pytest.approx([rank_k(ranks, k) for k in range(1, people + 1)])
    assert nauc_cmc(ranks, people) == pytest.approx(sum(curve) / people)
    assert nauc_cmc(ranks, people) == pytest.approx(1 - (np.mean(ranks) - 1) / people)
    assert cmc(ranks, 3).tolist() == pytest.approx(curve[:3].tolist())


@given(classification())
def test_the_micro_auc_is_the_probability_that_a_right_pair_scores_higher(case: tuple[Any, Any]) -> None:
    scores, labels = case
    right = np.arange(scores.shape[1]) == labels[:, None]
    wins = scores[right][:, None] - scores[~right][None]
    expected = np.mean((wins > 0) + 0.5 * (wins == 0))
    assert roc_auc_micro(scores, labels) == pytest.approx(expected)


def test_the_micro_auc_equals_scikit_learns_micro_average() -> None:
    random = np.random.default_rng(0)
    scores, labels = random.random((20, 5)).astype("f4"), random.integers(0, 5, 20)
    expected = roc_auc_score(np.eye(5)[labels], scores, average="micro")
    assert roc_auc_micro(scores, labels) == pytest.approx(expected)


def test_the_areas_under_the_cmc_and_the_roc_differ() -> None:
    # The right person always has rank 1, so the CMC is 1 everywhere. But a wrong pair of the first probe
    # scores higher than the right pair of the second.
    scores = np.array([[0.9, 0.8], [0.3, 0.4]], "f4")
    assert nauc_cmc(class_ranks(scores, [0, 1]), 2) == 1
    assert roc_auc_micro(scores, [0, 1]) == pytest.approx(0.75)


def test_a_walk_needs_more_votes_for_the_right_person_than_for_any_other() -> None:
    walks = ["x"] * 3 + ["y"] * 2 + ["z"] * 3
    owners = ["a"] * 3 + ["b"] * 2 + ["a"] * 3
    predicted = ["a", "a", "b", "b", "c", "c", "c", "a"]
    assert walk_rank1(predicted, walks, owners) == pytest.approx(1 / 3)
    assert walk_rank1(owners, walks, owners) == 1


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1))
def test_walk_rank1_matches_its_definition(windows: list[tuple[int, int]]) -> None:
    walks = [walk for walk, _ in windows]
    owners = [walk % 3 for walk in walks]
    predicted = [person for _, person in windows]
    right = 0
    for walk in set(walks):
        votes = [person for number, person in windows if number == walk]
        rivals = max(votes.count(person) for person in range(-1, 3) if person != walk % 3)
        right += votes.count(walk % 3) > rivals
    assert walk_rank1(predicted, walks, owners) == pytest.approx(right / len(set(walks)))
