"""Tables of enrolled people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from rich.console import Console, RenderableType

from gallery.store.records import Enrolment, Person
from stream.terminal.people_tables import render_people, render_person

NOON = datetime(2025, 3, 4, 12, 0, tzinfo=UTC)


def walk(contract: str, seconds: float = 10.0) -> Enrolment:
    return Enrolment(contract, "kinect-v1", seconds, 0.876, 30, NOON)


def text_of(content: RenderableType) -> str:
    console = Console(width=120, color_system=None)
    with console.capture() as capture:
        console.print(content)
    return capture.get()


ADA = Person("[red]Ada", NOON, NOON, "asked", (walk("aaaa"), walk("aaaa", 2.25)))
LI = Person("\u674e", NOON, NOON, "--yes", (walk("aaaa"), walk("bbbb")))


def test_the_list_has_a_row_per_person() -> None:
    shown = text_of(render_people([ADA, LI]))
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


def test_views_and_pose_models_are_shown() -> None:
    seen = (
        Enrolment("aaaa", "camera", 10.0, 0.9, 30, NOON, "full", "towards"),
        Enrolment("aaaa", "camera", 10.0, 0.9, 30, NOON, "lite", "towards,away"),
    )
    ada = Person("Ada", NOON, NOON, "asked", (*seen, walk("aaaa")))
    listed = text_of(render_people([ada]))
    assert "camera: towards, away " in listed
    assert "│ kinect-v1 " in listed
    first, second, third = (line for line in text_of(render_person(ada)).splitlines() if "aaaa" in line)
    assert "camera, full " in first and "towards " in first
    assert "camera, lite " in second and "towards, away " in second
    assert "kinect-v1 " in third and "not known " in third


def test_an_empty_gallery_shows_the_enrol_command() -> None:
    assert "sge-stream enroll" in text_of(render_people([]))


def test_a_person_is_shown_with_each_walk_and_the_consent() -> None:
    shown = text_of(render_person(ADA))
    assert "[red]Ada" in shown
    assert shown.count("kinect-v1") == 2
    assert "0.88" in shown
    assert "consent 2025-03-04 12:00 UTC (asked)" in shown
    assert "bbbb" in text_of(render_person(LI))


def test_times_are_shown_in_utc() -> None:
    east = NOON.astimezone(timezone(timedelta(hours=14)))
    person = Person("Ada", east, east, "asked", (walk("aaaa"),))
    assert "2025-03-04 12:00 UTC" in text_of(render_person(person))
    assert "2025-03-04" in text_of(render_people([person]))
