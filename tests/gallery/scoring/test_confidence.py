"""The confidence of a decision: a probability that follows the score."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gallery.calibration.site_calibration import SiteCalibration, calibrate_site
from gallery.matcher import Matcher
from gallery.scoring.backend import Backend
from gallery.scoring.confidence import ConfidenceFit
from gallery.scoring.template_index import TemplateIndex
from gallery.store.records import PersonTemplates
from tests.gallery.flat_visits import flat_visits
from tests.gallery.test_matcher import ADA, BEN, EVE, SOURCES, F, observe_walk

FIT = ConfidenceFit("made up", constant=-2.0, score=2.0, windows=-1.0, longest=200)


def test_it_is_the_logistic_function_of_the_score_and_the_windows() -> None:
    odds = -2.0 + 2.0 * 1.5 - 1.0 * math.log10(40)
    assert FIT.probability(1.5, 40) == pytest.approx(1 / (1 + math.exp(-odds)))


def test_a_visit_longer_than_all_that_were_measured_is_as_sure_as_the_longest_of_them() -> None:
    assert FIT.probability(1.5, 199) != FIT.probability(1.5, 200)
    assert FIT.probability(1.5, 30_000) == FIT.probability(1.5, 200)


@given(st.floats(-1e9, 1e9), st.integers(1, 10**6))
def test_it_is_a_probability_for_every_score(score: float, windows: int) -> None:
    assert 0 <= FIT.probability(score, windows) <= 1


def test_a_score_at_the_threshold_is_as_far_above_strangers_as_the_rate_says() -> None:
    measured = replace(flat_visits(0.9), deviations=(0.5,))
    scores = {person: [0.1 * person, 0.2] for person in range(1, 10)}
    for site in (SiteCalibration(measured, 1), calibrate_site(measured, 9, scores)):
        for fpir in (0.01, 0.05, 0.2):
            at = site.standardised(site.threshold(fpir, 30), 30)
            assert at == pytest.approx(measured.exceeded_by(fpir))


def decisions_of(fit: ConfidenceFit | None, fpir: float | None = 0.01) -> list[tuple[str, int | None]]:
    confidences = {} if fit is None else {"kinect-v1": fit}
    backend = Backend(visits={"kinect-v1": flat_visits(0.9)}, confidences=confidences)
    templates = [
        PersonTemplates(1, "ada", "kinect-v1", ADA[None]),
        PersonTemplates(2, "ben", "kinect-v1", BEN[None]),
    ]
    matcher = Matcher(SOURCES, F, fpir, TemplateIndex(templates, backend, ["kinect-v1", "rgb"]))
    walks = [observe_walk(matcher, cages, 12, track=n)[-1] for n, cages in enumerate((ADA, EVE), 1)]
    early = observe_walk(matcher, ADA, 3, track=3)[-1]
    return [(each.reason_code, each.confidence) for each in (*walks, early)]


def test_a_name_and_its_refusal_have_a_confidence_and_a_short_walk_has_none() -> None:
    (named, sure), (refused, also_sure), (short, none) = decisions_of(FIT)
    assert (named, refused, short, none) == ("accepted", "stranger", "too-little-walking", None)
    assert sure is not None
    assert also_sure is not None
    assert 50 < sure <= 100
    assert 50 < also_sure <= 100


def test_without_a_threshold_a_wrong_name_has_little_confidence() -> None:
    (_, sure), (code, doubtful), _ = decisions_of(FIT, fpir=None)
    assert code == "strangers-not-rejected"
    assert sure is not None
    assert doubtful is not None
    assert doubtful < 50 < sure


def test_what_was_not_measured_has_no_confidence() -> None:
    assert {confidence for _, confidence in decisions_of(None)} == {None}
