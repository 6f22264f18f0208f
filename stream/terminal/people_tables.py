"""The gallery as tables: who is enrolled, and what is stored of them. Never a template's numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from gallery.store.records import Enrolment, Person

__all__ = ["render_people", "render_person"]


def render_people(people: Sequence[Person], contract: str | None = None) -> Table:
    """A row a person.

    Args:
        people: in the order in which they are shown.
        contract: of the encoder in use: says whose templates it can use. None shows the contracts.
    """
    table = Table(caption=None if people else "nobody is enrolled; `sge-stream enroll NAME` enrols a person")
    table.add_column("name", overflow="fold")
    for column in ("walks", "seconds"):
        table.add_column(column, justify="right")
    for column in ("sensors", "enrolled", "consent", "contract"):
        table.add_column(column, overflow="fold")
    for person in people:
        table.add_row(
            Text(person.name),
            str(len(person.enrolments)),
            f"{person.seconds:.1f}",
            Text(", ".join(person.sensors)),
            f"{person.enrolled_at.astimezone(UTC):%Y-%m-%d}",
            person.consent_by,
            _state(person.enrolments, contract),
        )
    return table


def render_person(person: Person, contract: str | None = None) -> Table:
    """A row a walk, with the person's name above and their consent below.

    Args:
        person: whose walks are shown.
        contract: as in `render_people`.
    """
    consent = f"{_moment(person.consent_at)} ({person.consent_by})"
    caption = f"enrolled {_moment(person.enrolled_at)}; consent {consent}"
    table = Table(title=Text(person.name), caption=caption)
    for column in ("walk", "windows", "seconds", "quality"):
        table.add_column(column, justify="right")
    for column in ("sensor", "seen", "contract"):
        table.add_column(column)
    for number, walk in enumerate(person.enrolments, 1):
        table.add_row(
            str(number),
            str(walk.windows),
            f"{walk.seconds:.1f}",
            f"{walk.quality:.2f}",
            Text(walk.sensor),
            _moment(walk.created_at),
            _state([walk], contract),
        )
    return table


def _state(walks: Sequence[Enrolment], contract: str | None) -> Text:
    if contract is None:
        return Text(", ".join(sorted({walk.contract_id for walk in walks})))
    fit = sum(walk.contract_id == contract for walk in walks)
    if fit == len(walks):
        return Text("in use")
    if fit:
        return Text(f"in use: {fit} of {len(walks)}")
    return Text("enrol again")


def _moment(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
