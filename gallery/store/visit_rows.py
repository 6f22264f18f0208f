"""Rows of the scores that thresholds are calibrated by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from gallery.store.records import StrangerRecording, StrangerVisit
from gallery.store.schema import enrolment, person, stranger_recording, stranger_visit

__all__ = ["move_visits", "read_recordings", "read_visits", "write_recordings", "write_visits"]


def read_visits(db: Connection, comparison: str, earlier: int) -> list[StrangerVisit]:
    """Returns the visits of enrolled walks.

    Args:
        db: a connection.
        comparison: what the scores belong to.
        earlier: what the ids returned are above those of the database.

    Raises:
        ValueError: a row cannot be what was stored.
    """
    columns = stranger_visit.c
    query = select(stranger_visit).where(columns.comparison == comparison).order_by(columns.enrolment_id)
    return [
        StrangerVisit(
            earlier + row.enrolment_id,
            _score(row),
            earlier + row.nearest_id,
            row.people,
            earlier + row.newest,
        )
        for row in db.execute(query)
    ]


def write_visits(db: Connection, comparison: str, visits: Sequence[StrangerVisit], earlier: int) -> None:
    """Replaces the visits of enrolled walks, without those of rows that are gone."""
    walks = set(db.execute(select(enrolment.c.id)).scalars())
    people = set(db.execute(select(person.c.id)).scalars())
    rows = [
        {
            "enrolment_id": visit.walk_id - earlier,
            "comparison": comparison,
            "score": visit.score,
            "nearest_id": visit.nearest - earlier,
            "people": visit.people,
            "newest": visit.newest - earlier,
        }
        for visit in visits
    ]
    rows = [row for row in rows if row["enrolment_id"] in walks and row["nearest_id"] in people]
    db.execute(delete(stranger_visit).where(stranger_visit.c.comparison == comparison))
    if rows:
        db.execute(insert(stranger_visit), rows)


def read_recordings(db: Connection, comparison: str, earlier: int) -> list[StrangerRecording]:
    """Returns the visits of people who are not enrolled; see `read_visits`."""
    columns = stranger_recording.c
    query = select(stranger_recording).where(columns.comparison == comparison).order_by(columns.id)
    return [
        StrangerRecording(row.sensor, _score(row), earlier + row.nearest_id, row.people)
        for row in db.execute(query)
    ]


def write_recordings(
    db: Connection, comparison: str, visits: Sequence[StrangerRecording], earlier: int
) -> None:
    """Replaces the visits of people who are not enrolled, of all comparisons."""
    people = set(db.execute(select(person.c.id)).scalars())
    db.execute(delete(stranger_recording))
    rows = [
        {
            "comparison": comparison,
            "sensor": visit.sensor,
            "score": visit.score,
            "nearest_id": visit.nearest - earlier,
            "people": visit.people,
        }
        for visit in visits
    ]
    rows = [row for row in rows if row["nearest_id"] in people]
    if rows:
        db.execute(insert(stranger_recording), rows)


def move_visits(db: Connection, removed: int, kept: int) -> None:
    """Gives the scores for a person to another, whose walks the person's now are.

    Visits of enrolled walks are deleted: a person with more walks may score higher for each.
    """
    nearest = stranger_recording.c.nearest_id == removed
    db.execute(update(stranger_recording).where(nearest).values(nearest_id=kept))
    db.execute(delete(stranger_visit))


def _score(row: Row[Any]) -> float:
    if not (math.isfinite(row.score) and row.people > 0):
        raise ValueError("a row of the gallery holds what cannot have been stored")
    return float(row.score)
