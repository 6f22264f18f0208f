"""Lines on visits for a person at the screen."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from stream.outputs.visit_lines import visit_line
from stream.visits.events import Arrived, Doubted, Identified
from tests.stream.outputs.simulated_run import make_left

LEFT = make_left(3, person="Ada", reason="score reaches the threshold")
COMMON: dict[str, Any] = {
    "id": "v3-1",
    "visit": "v3",
    "source": "webcam 0",
    "time": LEFT.time,
    "t": 4.0,
    "tracks": (3, 5),
    "arrived": LEFT.arrived,
}


def identified(person: str | None, previous: str | None) -> Identified:
    return Identified(
        **COMMON,
        person=person,
        previous=previous,
        reason="why",
        reason_code="accepted",
        score=1.0,
        threshold=0.5,
        confidence=None,
        walking_s=1.5,
        after_s=2.0,
    )


def text(event: Arrived | Identified | Doubted) -> str | None:
    line = visit_line(event)
    return None if line is None else line.plain


def test_the_end_of_a_visit_names_the_source_if_given() -> None:
    sure = "confidence 97 %  after 9.5 s of walking"
    expected = f"    12.5 s  track 3  Ada left  {sure}  (score reaches the threshold)"
    alone, named = visit_line(LEFT), visit_line(LEFT, "door.mcap")
    assert alone is not None
    assert named is not None
    assert alone.plain == expected
    assert named.plain == expected.replace("track 3", "door.mcap  track 3")


def test_a_live_source_has_the_time_of_day() -> None:
    line = visit_line(LEFT, clock=True)
    local = datetime(2026, 1, 12, 9, 30, 12, tzinfo=UTC).astimezone()
    assert line is not None
    assert line.plain.startswith(f"{local:%H:%M:%S}  track 3  Ada left")


def test_an_interrupted_visit_without_a_source_time_has_the_time_of_day() -> None:
    line = visit_line(msgspec.structs.replace(LEFT, t=None))
    assert line is not None
    assert ":30:12  track 3" in line.plain


def test_answers_and_changes_of_mind_are_told() -> None:
    assert (
        text(identified("Ada", None)) == "     4.0 s  tracks 3, 5  Ada is here  after 1.5 s of walking  (why)"
    )
    changed = text(identified("Ben", "Ada"))
    assert changed is not None
    assert "Ben is here, not Ada" in changed
    withdrawn = text(identified(None, "Ben"))
    assert withdrawn is not None
    assert "no longer Ben" in withdrawn


def test_a_doubt_says_what_cannot_be() -> None:
    doubt = text(Doubted(**COMMON, person="Ada", other_visit="v9", other_source="back"))
    assert doubt is not None
    assert doubt.endswith("Ada is at the same time before back in visit v9: one of the answers is wrong")


def test_an_arrival_is_left_to_the_table() -> None:
    assert text(Arrived(**COMMON)) is None


def test_a_stranger_who_is_remembered_has_an_id() -> None:
    line = visit_line(msgspec.structs.replace(make_left(3), visitor="visitor 7"))
    assert line is not None
    assert "visitor 7 left" in line.plain
