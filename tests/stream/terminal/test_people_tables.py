from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from rich.console import Console, RenderableType

from gallery.store.records import Enrolment, Person
from stream.terminal.people_tables import render_people, render_person

NOON = datetime(2025, 3, 4, 12, 0, tzinfo=UTC)


def walk(contract: str, seconds: float = 10.0) -> Enrolment:
    return Enrolment(contract, "kinect-v1", seconds, 0.876, 30, NOON)


def text(content: RenderableType) -> str:
    console = Console(width=120, color_system=None)
    with console.capture() as capture:
        console.print(content)
    return capture.get()


ADA = Person("[red]Ada", NOON, NOON, "asked", (walk("aaaa"), walk("aaaa", 2.25)))
LI = Person("\u674e", NOON, NOON, "--yes", (walk("aaaa"), walk("bbbb")))


def test_the_list_shows_a_row_a_person() -> None:
    shown = text(render_people([ADA, LI]))
    (ada,) = (line for line in shown.splitlines() if "[red]Ada" in line)
    assert [cell.strip() for cell in ada.split("\u2502")[1:-1]] == [
        "[red]Ada",
        "2",
        "12.2",
        "kinect-v1",
        "2025-03-04",
        "asked",
        "aaaa",
    ]
    assert "aaaa, bbbb" in shown


def test_the_list_says_who_must_enrol_again() -> None:
    shown = text(render_people([ADA, LI], contract="bbbb"))
    assert "enrol again" in shown
    assert "in use: 1 of 2" in shown
    assert "aaaa" not in shown
    assert text(render_people([ADA], contract="aaaa")).count("in use") == 1


def test_an_empty_gallery_says_how_to_begin() -> None:
    assert "sge-stream enroll" in text(render_people([]))


def test_a_person_is_shown_with_each_walk_and_the_consent() -> None:
    shown = text(render_person(ADA))
    assert "[red]Ada" in shown
    assert shown.count("kinect-v1") == 2
    assert "0.88" in shown
    assert "consent 2025-03-04 12:00 UTC (asked)" in shown
    assert "enrol again" in text(render_person(LI, contract="bbbb"))


def test_times_are_shown_in_utc() -> None:
    east = NOON.astimezone(timezone(timedelta(hours=14)))
    person = Person("Ada", east, east, "asked", (walk("aaaa"),))
    assert "2025-03-04 12:00 UTC" in text(render_person(person))
    assert "2025-03-04" in text(render_people([person]))
