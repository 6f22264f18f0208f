"""Enrolled people as JSON, for other programs; template values are in no record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from stream.walk_views import View, read_views

if TYPE_CHECKING:
    from gallery.store.records import Enrolment, Person

__all__ = ["PersonRecord", "WalkRecord", "person_record", "to_json"]


class WalkRecord(msgspec.Struct, frozen=True):
    """One enrolled walk of a person.

    Attributes:
        sensor: kind of sensor that recorded the walk.
        pose_model: the model that estimated the poses; null for a sensor that measures joints, or not known.
        views: from which sides the sensor saw the walk: `towards`, `away`, `side`; empty if not known.
        seconds: seconds of usable walking.
        quality: how well the walk serves as an enrolment, 0 to 1.
        templates: number of its templates; the templates themselves are never written.
        contract: identifies the encoder whose templates these are.
        enrolled_at: time of enrolment, ISO 8601, UTC.
    """

    sensor: str
    pose_model: str | None
    views: tuple[View, ...]
    seconds: float
    quality: float
    templates: int
    contract: str
    enrolled_at: str


class PersonRecord(msgspec.Struct, frozen=True):
    """One enrolled person; one line of `people list --json`.

    Attributes:
        name: the person's name.
        enrolled_at: time of the first enrolment, ISO 8601, UTC.
        consent_at: time of consent, ISO 8601, UTC.
        consent_by: whose consent it is: `asked`, the person's own; `--yes`, stated by who enrolled.
        consent_note: who gave it and where that is recorded; may be empty.
        seconds: seconds of usable walking of all walks.
        walks: the enrolled walks, oldest first.
    """

    name: str
    enrolled_at: str
    consent_at: str
    consent_by: str
    consent_note: str
    seconds: float
    walks: tuple[WalkRecord, ...]


def person_record(person: Person) -> PersonRecord:
    """Returns the record of an enrolled person."""
    return PersonRecord(
        person.name,
        _format_time(person.enrolled_at),
        _format_time(person.consent_at),
        person.consent_by,
        person.consent_note,
        _rounded(person.seconds),
        tuple(map(_walk_record, person.enrolments)),
    )


def to_json(record: PersonRecord) -> bytes:
    """Returns the record as one line of JSON in UTF-8, without a newline."""
    return msgspec.json.encode(record)


def _walk_record(walk: Enrolment) -> WalkRecord:
    return WalkRecord(
        walk.sensor,
        walk.pose_model,
        read_views(walk.view),
        _rounded(walk.seconds),
        _rounded(walk.quality),
        walk.windows,
        walk.contract_id,
        _format_time(walk.created_at),
    )


def _format_time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds")


def _rounded(number: float) -> float:
    return round(number, 3)
