"""Denied visits: they count as strangers', and raise the threshold of the person they were said to be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.calibration.gallery_calibration import calibrate_gallery, calibrate_index
from gallery.matcher import Matcher
from gallery.matcher_settings import SourceCard
from gallery.open_set_decision import TrackDecision
from gallery.scoring.backend import Backend
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.visit_scores import VisitScores
from gallery.store.gallery import Gallery, open_gallery
from gallery.store.history_records import DeniedVisit, NewCandidate
from gallery.store.records import NewEnrolment, PersonTemplates
from stream.body import FloatArray
from stream.bus.messages import Tick, WindowRow
from tests.gallery.store.stored_visits import new_visit

F, D, SENSOR = 6, 16, "kinect-v1"
VISITS = VisitScores("test", 9, 90, 0.2, (1,), (0.5,), (0.1,), (0.5, 0.01), (0.0, 2.0), 0.4, 1.0)
BACKEND = Backend(visits={SENSOR: VISITS}, version="v1")
RANDOM = np.random.default_rng(3)
ADA, BEN, OTHER = (RANDOM.standard_normal((F, D)).astype(np.float32) for _ in range(3))
LIKE_ADA = (ADA + 0.35 * OTHER).astype(np.float32)
"""A stranger who comes near Ada."""


def index() -> TemplateIndex:
    walks = [
        PersonTemplates(n, name, SENSOR, one[None]) for n, name, one in ((1, "Ada", ADA), (2, "Ben", BEN))
    ]
    return TemplateIndex(walks, BACKEND, [SENSOR])


def denied(person: int, score: float, windows: int = 100, was_enrolled: bool = False) -> DeniedVisit:
    return DeniedVisit(person, SENSOR, score, windows, 2, was_enrolled)


@given(
    score=st.floats(-1, 3), windows=st.integers(1, 500), later=st.integers(1, 500), fpir=st.floats(0.001, 0.5)
)
def test_a_person_needs_a_higher_visit_score_than_any_denied_visit(
    score: float, windows: int, later: int, fpir: float
) -> None:
    visits = [denied(1, score, windows), denied(1, score - 0.1, windows)]
    found = calibrate_index(index(), [], [], visits)[SENSOR]
    limit = found.threshold(fpir, later, 1)
    assert limit - VISITS.above(later) > score - VISITS.above(windows) - 1e-9
    assert limit >= found.threshold(fpir, later)
    assert found.threshold(fpir, later, 2) == found.threshold(fpir, later)
    assert found.threshold(fpir, windows, 1) > score + 0.5e-4, (
        "nor would the same visit, unrounded, be accepted"
    )


def test_denied_visits_count_as_strangers_once_for_each_person() -> None:
    none = calibrate_index(index(), [], [])[SENSOR]
    one = calibrate_index(index(), [], [], [denied(1, 0.9), denied(1, 0.8), denied(1, 0.85)])[SENSOR]
    two = calibrate_index(index(), [], [], [denied(1, 0.9), denied(2, 0.9)])[SENSOR]
    assert [each.strangers for each in (none, one, two)] == [0, 1, 2]
    assert none.visit_threshold(0.05) < one.visit_threshold(0.05) < two.visit_threshold(0.05)
    assert one.basis == "1 stranger"
    elsewhere = DeniedVisit(1, "kinect-v2", 0.9, 100, 2, False)
    assert calibrate_index(index(), [], [], [elsewhere])[SENSOR] == none


def walk(subject: Matcher, cages: FloatArray, track: int) -> TrackDecision:
    for k in range(40):
        row = WindowRow(track, k * 100_000_000, k * 100_000_000 + 166_666_667, 7, 1.0)
        last = subject.observe(Tick(0, 0, k, "c", (1, F, D), (row,)), cages[None])[-1]
    return last


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with open_gallery(str(tmp_path / "g.db")) as opened:
        for name, cages in (("Ada", ADA), ("Ben", BEN)):
            opened.enrol(name, [NewEnrolment("c", SENSOR, 1.2, 1.0, np.stack([cages] * 3))], "asked")
        yield opened


def test_who_was_denied_once_is_not_named_again_until_that_is_taken_back(gallery: Gallery) -> None:
    subject = Matcher((SourceCard("door", SENSOR, True),), F, 0.05, load(gallery))
    named = walk(subject, LIKE_ADA, 1)
    assert (named.state, named.candidate) == ("person", "Ada")
    ada = next(person for person, name in subject.index.names.items() if name == "Ada")
    candidates = (NewCandidate(ada, named.score or 0.0, named.threshold),)
    gallery.history.add([new_visit("v", ada, candidates=candidates, windows=40, people=2)])

    gallery.history.judge("v", "denied")
    follow(subject, gallery)
    again = walk(subject, LIKE_ADA, 2)
    assert (again.state, again.candidate, again.reason_code) == ("unknown", "Ada", "denied-visit")
    assert "no higher than that of a denied visit of Ada" in again.reason
    assert again.threshold is not None and again.score is not None
    assert again.threshold > again.score
    assert walk(subject, ADA, 3).state == "person", "Ada fits better than who was denied"
    assert walk(subject, BEN, 4).state == "person"
    assert walk(subject, OTHER, 5).reason_code == "stranger"

    gallery.history.judge("v", "confirmed")
    follow(subject, gallery)
    assert walk(subject, LIKE_ADA, 6).state == "person"


def load(gallery: Gallery) -> TemplateIndex:
    return TemplateIndex.load(gallery, "c", BACKEND, [SENSOR])


def follow(subject: Matcher, gallery: Gallery) -> None:
    fresh = load(gallery)
    subject.replace_index(fresh, calibrate_gallery(gallery, fresh))
