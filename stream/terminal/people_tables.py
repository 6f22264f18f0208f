"""Tables of enrolled people and their walks; they never show template values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from stream.walk_views import read_views

if TYPE_CHECKING:  # numpy
    from gallery.store.records import Person

__all__ = ["render_people", "render_person"]


def render_people(people: Sequence[Person]) -> Table:
    """Returns a table with one row for each person, in the given order."""
    table = Table(caption=None if people else "no person is enrolled; `sge-stream enroll NAME` enrols one")
    table.add_column("name", overflow="fold")
    for column in ("walks", "seconds"):
        table.add_column(column, justify="right")
    for column in ("sensors and views", "enrolled", "consent", "contract"):
        table.add_column(column, overflow="fold")
    for person in people:
        table.add_row(
            Text(person.name),
            str(len(person.enrolments)),
            f"{person.seconds:.1f}",
            Text("\n".join(_sensor_views(person, sensor) for sensor in person.sensors)),
            f"{person.enrolled_at.astimezone(UTC):%Y-%m-%d}",
            person.consent_by,
            ", ".join(sorted({walk.contract_id for walk in person.enrolments})),
        )
    return table


def render_person(person: Person) -> Table:
    """Returns a table with one row for each walk; the name is the title, the consent the caption."""
    note = f"; {person.consent_note}" if person.consent_note else ""
    consent = f"{_format_time(person.consent_at)} ({person.consent_by}{note})"
    caption = f"enrolled {_format_time(person.enrolled_at)}; consent {consent}"
    table = Table(title=Text(person.name), caption=caption)
    for column in ("walk", "templates", "seconds", "quality"):
        table.add_column(column, justify="right")
    for column in ("sensor", "views", "enrolled", "contract"):
        table.add_column(column, overflow="fold")
    for number, walk in enumerate(person.enrolments, 1):
        table.add_row(
            str(number),
            str(walk.windows),
            f"{walk.seconds:.1f}",
            f"{walk.quality:.2f}",
            Text(f"{walk.sensor}, {walk.pose_model}" if walk.pose_model else walk.sensor),
            ", ".join(read_views(walk.view)) or "not known",
            _format_time(walk.created_at),
            walk.contract_id,
        )
    return table


def _sensor_views(person: Person, sensor: str) -> str:
    views = ", ".join(person.views(sensor))
    return f"{sensor}: {views}" if views else sensor


def _format_time(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
