"""Who is present, by the events of visits."""

from __future__ import annotations

from datetime import UTC, datetime

from stream.visits.events import Arrived, Doubted, Identified, Left, VisitEvent, event_json, event_of
from stream.visits.interruption import interrupted
from stream.visits.presence import PresenceLog

TIMES = [f"2026-01-12T09:00:{second:02}.000+00:00" for second in range(60)]


def arrived(visit: str, second: int = 0, source: str = "front") -> Arrived:
    return Arrived(
        id=f"{visit}-1",
        visit=visit,
        source=source,
        time=TIMES[second],
        t=0.0,
        tracks=(1,),
        arrived=TIMES[second],
    )


def identified(before: Arrived, person: str | None, confidence: int | None = 95) -> Identified:
    return Identified(
        id=f"{before.visit}-2",
        visit=before.visit,
        source=before.source,
        time=before.time,
        t=1.0,
        tracks=(1, 2),
        arrived=before.arrived,
        person=person,
        reason="score reaches the threshold",
        reason_code="accepted",
        score=1.0,
        threshold=0.5,
        confidence=confidence,
        walking_s=2.5,
        after_s=3.0,
    )


def left(before: Arrived, person: str | None = None) -> Left:
    return Left(
        id=f"{before.visit}-3",
        visit=before.visit,
        source=before.source,
        time=TIMES[30],
        t=30.0,
        tracks=(1,),
        arrived=before.arrived,
        outcome="person" if person else "unknown",
        person=person,
        left=TIMES[29],
        duration_s=29.0,
        walking_s=20.0,
        quality=0.9,
        reason="",
        reason_code="accepted",
        confidence=95,
    )


def log(*events: VisitEvent) -> PresenceLog:
    found = PresenceLog()
    for event in events:
        found.update(event)
    return found


def test_somebody_is_present_from_arrival_to_leaving() -> None:
    visit = arrived("v1")
    (somebody,) = log(visit).present
    assert (somebody.person, somebody.since) == (None, TIMES[0])
    (ada,) = log(visit, identified(visit, "Ada")).present
    assert (ada.person, ada.confidence) == ("Ada", 95)
    assert ada.visits[0].tracks == (1, 2)
    assert log(visit, identified(visit, "Ada"), left(visit, "Ada")).present == ()


def test_one_person_before_two_sources_is_one_presence() -> None:
    first, second = arrived("v1", 5, "front"), arrived("v2", 2, "back")
    (ada,) = log(first, identified(first, "Ada", 90), second, identified(second, "Ada", 97)).present
    assert [visit.source for visit in ada.visits] == ["front", "back"]
    assert (ada.since, ada.confidence) == (TIMES[2], 97)
    (rest,) = log(
        first, identified(first, "Ada"), second, identified(second, "Ada"), left(first, "Ada")
    ).present
    assert [visit.source for visit in rest.visits] == ["back"]


def test_people_without_a_name_are_each_a_presence() -> None:
    assert [each.person for each in log(arrived("v1"), arrived("v2", 1)).present] == [None, None]


def test_a_withdrawn_name_is_no_longer_present() -> None:
    visit = arrived("v1")
    (somebody,) = log(visit, identified(visit, "Ada"), identified(visit, None, None)).present
    assert somebody.person is None


def test_a_doubt_changes_nobody() -> None:
    visit = arrived("v1")
    doubt = Doubted(
        id="v1-3",
        visit="v1",
        source="front",
        time=TIMES[4],
        t=4.0,
        tracks=(1,),
        arrived=visit.arrived,
        person="Ada",
        other_visit="v2",
        other_source="back",
    )
    assert log(visit, identified(visit, "Ada"), doubt).present[0].person == "Ada"


def test_interrupted_visits_leave_with_what_was_said() -> None:
    first, second = arrived("v1"), arrived("v2", 10)
    found = log(first, identified(first, "Ada"), second)
    ends = interrupted(found.open_visits, datetime(2026, 1, 12, 9, 0, 20, tzinfo=UTC))
    assert [(each.visit, each.outcome, each.person, each.duration_s) for each in ends] == [
        ("v1", "person", "Ada", 20.0),
        ("v2", "undecided", None, 10.0),
    ]
    assert all(each.interrupted and each.reason_code == "interrupted" for each in ends)
    for each in ends:
        found.update(each)
    assert found.present == ()


def test_events_survive_their_json() -> None:
    visit = arrived("v1")
    for event in (visit, identified(visit, "Ada"), left(visit, "Ada")):
        assert event_of(event_json(event)) == event
