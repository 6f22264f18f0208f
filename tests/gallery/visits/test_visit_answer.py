"""The answer of a visit: when it is said, changed and withdrawn."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from gallery.visits.visit_answer import CHANGE_S, FIRST_DECISIONS, VisitAnswer
from tests.gallery.visits.decisions import Passages

NAMES = ["Ada", "Ben", None, "?"]


def said(claims: Sequence[str | None], track: int = 1) -> tuple[VisitAnswer, list[str | None]]:
    answer, passages = VisitAnswer(), Passages()
    changes = [answer.follow(passages.decision(track, n / 10, who)) for n, who in enumerate(claims)]
    return answer, [change.person for change in changes if change is not None]


def test_a_name_is_said_once_the_decisions_agree() -> None:
    assert said(["?", "?"] + ["Ada"] * (FIRST_DECISIONS - 1))[1] == []
    answer, names = said(["?", "?"] + ["Ada"] * 40)
    assert names == ["Ada"]
    assert (answer.person, answer.changes) == ("Ada", 0)


@given(candidate=st.sampled_from(["Ada", "Ben"]), confidence=st.none() | st.integers(0, 100))
def test_a_name_stays_while_it_is_more_likely_than_not(candidate: str, confidence: int | None) -> None:
    answer, passages = VisitAnswer(), Passages()
    for n in range(20):
        answer.follow(passages.decision(1, n / 10, "Ada"))
    for n in range(20, 60):
        answer.follow(passages.decision(1, n / 10, None, candidate=candidate, confidence=confidence))
    stays = candidate == "Ada" and confidence is not None and confidence < 50
    assert answer.person == ("Ada" if stays else None)
    assert answer.support is not None
    assert (answer.support.state == "person") == stays


def test_a_single_decision_for_somebody_else_changes_nothing() -> None:
    for other in ("Ben", None):
        assert said(["Ada"] * 10 + [other] + ["Ada"] * 10)[1] == ["Ada"]


def test_lasting_evidence_changes_or_withdraws_the_answer() -> None:
    for other in ("Ben", None):
        answer, names = said(["Ada"] * 20 + [other] * 40)
        assert names == ["Ada", other]
        assert (answer.person, answer.changes) == (other, 1)


def test_a_change_needs_the_stated_seconds_of_walking() -> None:
    decisions = round(CHANGE_S * 10)
    assert said(["Ada"] * 40 + ["Ben"] * decisions)[1] == ["Ada"]
    assert said(["Ada"] * 40 + ["Ben"] * (decisions + 1))[1] == ["Ada", "Ben"]


def test_short_evidence_of_a_new_track_does_not_outweigh_a_long_one() -> None:
    answer, passages = VisitAnswer(), Passages()
    for n in range(80):
        answer.follow(passages.decision(1, n / 10, "Ada"))
    changes = [answer.follow(passages.decision(2, 9 + n / 10, None)) for n in range(25)]
    assert changes == [None] * 25
    changes = [answer.follow(passages.decision(2, 12 + n / 10, None)) for n in range(25)]
    assert [each.person for each in changes if each is not None] == [None]


def test_the_last_decision_may_name_a_visit_that_was_not_named() -> None:
    answer, passages = VisitAnswer(), Passages()
    assert answer.follow(passages.decision(1, 1.0, "Ada")) is None
    change = answer.follow(passages.decision(1, 1.0, "Ada", final=True))
    assert change is not None
    assert change.person == "Ada"


@given(st.lists(st.sampled_from(NAMES), max_size=80))
def test_the_answer_is_the_last_thing_said(claims: list[str | None]) -> None:
    answer, names = said(claims)
    assert answer.person == (names[-1] if names else None)
    assert answer.changes == max(0, len(names) - 1)
    assert all(a != b for a, b in zip([None, *names], names, strict=False))
    if answer.person is not None:
        assert answer.support is not None
        assert answer.support.candidate == answer.person
