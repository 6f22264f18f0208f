"""The fit of confidence: of decisions said with a probability, that share is right."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace
from scipy.special import expit

from gallery.scoring.visit_scores import FIRST_WINDOWS
from tests.gallery.flat_visits import flat_visits
from tools.backend_fit.confidence_fit import fit_confidence, moments_of
from tools.backend_fit.visit_fit import Course, Visits

WINDOWS = np.array([5, 20, 80])


def course(random: np.random.Generator, mean: float, right: bool) -> Course:
    best = random.normal(mean, 1, (3, 1))
    return Course(WINDOWS, best, np.full(3, right))


@pytest.fixture
def site() -> Visits:
    random = np.random.default_rng(4)
    strangers = [course(random, 0.0, right=False) for _ in range(3000)]
    known = [course(random, 2.0, right=True) for _ in range(300)]
    return Visits(20, {4: strangers}, {4: known})


def test_strangers_and_enrolled_people_count_alike_and_early_moments_do_not_count(site: Visits) -> None:
    moments = moments_of([site], flat_visits(0.9))
    assert len(moments.right) == 2 * 3300
    assert moments.weights.sum() == pytest.approx(1)
    assert moments.weights[moments.right].sum() == pytest.approx(0.5)
    assert (10 ** moments.features[:, 2] >= FIRST_WINDOWS).all()


def test_probabilities_are_those_of_two_normal_distributions(site: Visits) -> None:
    moments = moments_of([site], flat_visits(0.9))
    fit = fit_confidence([site], flat_visits(0.9), "made up")
    assert fit is not None
    assert fit.longest == WINDOWS[-1]
    said = np.array([fit.probability(row[1], round(10 ** row[2])) for row in moments.features])
    for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.0)):
        some = (said >= low) & (said < high)
        right = np.average(moments.right[some], weights=moments.weights[some])
        assert np.average(said[some], weights=moments.weights[some]) == pytest.approx(right, abs=0.05)
    # Equal variances 1 and a distance of 2: the logarithm of the odds is 2 (x - 1).
    scores = np.concatenate([each.best[1:, 0] for each in site.known[4]])
    known = moments.right
    assert np.abs(said[known] - expit(2 * (scores - 1))).mean() < 0.05


def test_visits_that_are_too_short_for_a_decision_give_no_confidence() -> None:
    short = Course(np.array([4]), np.zeros((1, 1)), np.zeros(1, np.bool_))
    assert fit_confidence([Visits(3, {2: [short]}, {2: [short]})], flat_visits(0.9), "made up") is None


def test_a_site_with_a_single_stranger_is_standardised_by_its_mean_alone() -> None:
    random = np.random.default_rng(4)
    stranger = course(random, 0.0, right=False)
    site = Visits(3, {2: [stranger] * 3}, {2: [course(random, 2.0, right=True)]})
    measured = replace(flat_visits(0.0), deviations=(1.0,))
    scores = moments_of([site], measured).features[:, 1]
    highest = stranger.best[1:].max()  # the first moment is too early to count
    assert scores == pytest.approx(
        np.append(np.tile(stranger.best[1:, 0], 3), site.known[2][0].best[1:]) - highest
    )
