"""Scatter and linear discriminants against literal definitions."""

from __future__ import annotations

import numpy as np
import pytest

from stream.body import FloatArray
from tools.backend_fit.discriminants import discriminants, scatter_of, shrink_covariance

RANDOM = np.random.default_rng(5)
WALKS = np.repeat([4, 7, 1, 9, 2], (9, 3, 5, 4, 6))
PEOPLE = np.repeat([30, 30, 10, 20, 20], (9, 3, 5, 4, 6))
"""Persons 30 and 20 with two walks each, 10 with one."""


def floats(*shape: int) -> FloatArray:
    return RANDOM.standard_normal(shape).astype(np.float32)


def test_scatter_weights_all_walks_and_all_people_equally() -> None:
    rows = floats(len(WALKS), 4)
    order = RANDOM.permutation(len(rows))
    found = scatter_of(rows[order], WALKS[order], PEOPLE[order])

    of_walks = {walk: rows[walk == WALKS] for walk in (4, 7, 1, 9, 2)}
    within = np.mean([np.cov(own, rowvar=False, ddof=0) for own in of_walks.values()], axis=0)
    np.testing.assert_allclose(found.within_walks, within, atol=1e-6)

    means = {walk: own.mean(axis=0) for walk, own in of_walks.items()}
    # Of two values the variance about their mean has one degree of freedom: half the squared difference.
    pairs = [means[4] - means[7], means[9] - means[2]]
    between = np.mean([np.outer(pair, pair) / 2 for pair in pairs], axis=0)
    np.testing.assert_allclose(found.between_walks, between, atol=1e-6)

    people = np.stack([(means[4] + means[7]) / 2, means[1], (means[9] + means[2]) / 2])
    np.testing.assert_allclose(found.between_people, np.cov(people, rowvar=False, ddof=0), atol=1e-6)
    assert found.people == 3


def test_the_scatter_between_walks_is_zero_for_one_walk_per_person() -> None:
    found = scatter_of(floats(len(WALKS), 4), WALKS, WALKS)
    assert not found.between_walks.any()
    assert found.people == 5


def covariance(numbers: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.cov(RANDOM.standard_normal((3 * numbers, numbers)), rowvar=False)


def test_discriminants_have_unit_variance_within_and_the_largest_between() -> None:
    within, between = covariance(6), covariance(6)
    found = discriminants(within, between, 3, 0.1)
    assert found.shape == (6, 3)
    np.testing.assert_allclose(found.T @ shrink_covariance(within, 0.1) @ found, np.eye(3), atol=1e-9)
    ratios = np.diag(found.T @ between @ found)
    assert list(ratios) == sorted(ratios, reverse=True)
    other = RANDOM.standard_normal((6, 1000))
    of_others = ((between @ other) * other).sum(axis=0) / (
        (shrink_covariance(within, 0.1) @ other) * other
    ).sum(axis=0)
    assert of_others.max() <= ratios[0] * (1 + 1e-9)


def test_shrinkage_keeps_variances_and_reduces_covariances() -> None:
    given = covariance(4)
    found = shrink_covariance(given, 0.25)
    np.testing.assert_allclose(np.diag(found), np.diag(given))
    assert found[0, 1] == pytest.approx(0.75 * given[0, 1])


def test_a_constant_number_gets_no_weight() -> None:
    within, between = covariance(4), covariance(4)
    for each in (within, between):
        each[2] = each[:, 2] = 0
    np.testing.assert_allclose(discriminants(within, between, 2, 0.01)[2], 0, atol=1e-6)
