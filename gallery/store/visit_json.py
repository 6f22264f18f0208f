"""Stored visits as JSON, for other programs; nothing of a walk is in any record."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from gallery.store.history_records import StoredVisit, Truth
from stream.decision import ReasonCode
from stream.visits.events import Outcome, VisitCandidate
from stream.walk_views import View

__all__ = ["VisitRecord", "visit_record"]


class VisitRecord(msgspec.Struct, frozen=True):
    """One stored visit; one line of `visits --json`.

    Attributes:
        visit: its id, as in its events.
        source: the source's name.
        sensor: kind of sensor.
        arrived: UTC time of the first step, ISO 8601.
        left: UTC time at which the person was last seen, ISO 8601.
        outcome: `person`, `unknown` or `undecided`.
        person: name of the identified person; with `unknown`, of the stranger who was enrolled afterwards;
            else null.
        visitor: id of a remembered stranger, such as `visitor 7`; else null.
        walking_s: seconds of usable walking.
        quality: how well the walk would serve as an enrolment, 0..1.
        views: from which sides the sensor saw the walk; empty if not known.
        reason_code: as in `Decision`.
        confidence: in percent; null as in `Decision`.
        changes: number of times that the answer changed.
        interrupted: True if the visit was cut off.
        candidates: at most three, best first; people who were removed are missing.
        fpir: the share of strangers that could be named; null where strangers were not rejected.
        truth: `confirmed` or `denied`; null while nobody recorded it.
        was: name of the person that it was, where the outcome was denied; null if not known.
        kept: whether templates of the walk are stored, by which it can be compared anew.
    """

    visit: str
    source: str
    sensor: str
    arrived: str
    left: str
    outcome: Outcome
    person: str | None
    visitor: str | None
    walking_s: float
    quality: float
    views: tuple[View, ...]
    reason_code: ReasonCode
    confidence: int | None
    changes: int
    interrupted: bool
    candidates: tuple[VisitCandidate, ...]
    fpir: float | None
    truth: Truth | None
    was: str | None
    kept: bool


def visit_record(visit: StoredVisit) -> VisitRecord:
    """Returns the record of a stored visit."""
    same = {
        name: getattr(visit, name)
        for name in VisitRecord.__struct_fields__
        if name not in {"visit", "arrived", "left"}
    }
    return VisitRecord(visit=visit.id, arrived=_text(visit.arrived_at), left=_text(visit.left_at), **same)


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds")
