"""Calibration of one site: the prior, its own visits, and the rate of strangers named."""

from __future__ import annotations

from dataclasses import replace as _replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.calibration.site_calibration import ENOUGH_VISITS, SiteCalibration, calibrate_site
from gallery.scoring.visit_scores import VisitScores

TAILS = (0.9, 0.5, 0.2, 0.1, 0.05, 0.025)
NORMAL = np.quantile(np.random.default_rng(1).standard_normal(200_000), 1 - np.array(TAILS))
MEASURED = VisitScores(
    "test", 40, 900, 0.5, (1, 2, 8, 32), (0.0, 0.5, 1.0, 1.4), (0.9, 0.6, 0.4, 0.3),
    TAILS, tuple(NORMAL.tolist()), 0.38, 1.0,
)  # fmt: skip


def site(people: int, shift: float, seed: int, strangers: int = 0) -> SiteCalibration:
    """A site whose strangers score `shift` deviations above those measured elsewhere."""
    random = np.random.default_rng(seed)
    mean, deviation = MEASURED.mean(people - 1), MEASURED.deviation(people - 1)
    enrolled = {n: [mean + deviation * (shift + random.standard_normal())] for n in range(people)}
    mean, deviation = MEASURED.mean(people), MEASURED.deviation(people)
    seen = [(people, mean + deviation * (shift + random.standard_normal())) for _ in range(strangers)]
    return calibrate_site(MEASURED, people, enrolled, seen)


@pytest.mark.parametrize("people", [1, 2])
def test_with_one_or_two_people_what_was_measured_elsewhere_decides(people: int) -> None:
    found = calibrate_site(MEASURED, people, {n: [99.0] for n in range(people)})
    assert (found.location, found.scale, found.visits) == (0.0, 1.0, 0)
    assert found.provisional
    assert found.basis == "other sites only"
    # Sites differ as much as strangers at one of them, so the predictive deviation is larger by sqrt(2).
    deviation = MEASURED.deviation(people) * np.sqrt(2)
    expected = MEASURED.mean(people) + deviation * MEASURED.exceeded_by(0.05)
    assert found.visit_threshold(0.05) == pytest.approx(expected)
    assert found.threshold(0.05, 25) == pytest.approx(expected + 0.5 / 5)


def test_the_visits_of_the_site_move_the_threshold() -> None:
    low, high = site(12, -2.0, seed=3), site(12, 2.0, seed=3)
    assert (
        low.visit_threshold(0.05) < site(12, 0.0, seed=3).visit_threshold(0.05) < high.visit_threshold(0.05)
    )
    assert not low.provisional
    assert low.basis == "12 enrolled people"


def test_strangers_count_as_visits_of_their_own() -> None:
    found = calibrate_site(MEASURED, 2, {}, [(2, 0.5)] * ENOUGH_VISITS)
    assert (found.visits, found.strangers, found.provisional) == (ENOUGH_VISITS, ENOUGH_VISITS, False)
    assert found.basis == f"{ENOUGH_VISITS} strangers"
    assert found.location == pytest.approx(0.0)


def test_a_stranger_who_was_compared_with_another_gallery_counts_relative_to_its_size() -> None:
    one = calibrate_site(MEASURED, 8, {}, [(2, MEASURED.mean(2) + MEASURED.deviation(2))])
    other = calibrate_site(MEASURED, 8, {}, [(8, MEASURED.mean(8) + MEASURED.deviation(8))])
    assert one.location == pytest.approx(other.location)


def test_where_no_site_differs_only_the_scale_is_learned_and_nothing_is_provisional() -> None:
    same = msgspec.structs.replace(MEASURED, between_sites=0.0)
    found = calibrate_site(same, 6, {n: [9.0] for n in range(6)})
    assert (found.location, found.provisional) == (0.0, False)
    assert calibrate_site(same, 1, {}).visit_threshold(0.05) == pytest.approx(0.9 * same.exceeded_by(0.05))


@pytest.mark.slow
@pytest.mark.parametrize(("people", "strangers"), [(3, 0), (5, 0), (9, 0), (20, 0), (4, 6)])
@pytest.mark.parametrize("fpir", [0.01, 0.05, 0.1])
def test_at_most_the_asked_share_of_strangers_is_named_over_sites(
    people: int, strangers: int, fpir: float
) -> None:
    """Sites and strangers are drawn as the model says; the share over sites is the promise."""
    random = np.random.default_rng(5)
    named = []
    for seed in range(400):
        shift = float(random.standard_normal())
        found = site(people, shift, seed, strangers)
        visitors = shift + random.standard_normal(200)
        scores = MEASURED.mean(people) + MEASURED.deviation(people) * visitors
        named.append(np.mean(scores >= found.visit_threshold(fpir)))
    error = np.std(named) / np.sqrt(len(named))
    assert np.mean(named) <= fpir + 2 * error + 0.004


@given(st.integers(1, 60), st.floats(0.001, 0.4), st.floats(0.001, 0.4), st.integers(10, 500))
def test_a_stricter_rate_never_has_a_lower_threshold(people: int, a: float, b: float, windows: int) -> None:
    found = SiteCalibration(MEASURED, people)
    assert found.threshold(min(a, b), windows) >= found.threshold(max(a, b), windows) - 1e-9


def test_the_interval_of_the_rate_narrows_with_the_visits() -> None:
    few, many = SiteCalibration(MEASURED, 9, visits=1), SiteCalibration(MEASURED, 9, visits=100)
    for found in (few, many):
        low, high = found.interval(0.05)
        assert low < 0.05 < high
    assert np.diff(many.interval(0.05)) < np.diff(few.interval(0.05))
    assert _replace(few, visits=100) == many
