"""Tables of the gallery, in SQLAlchemy's terms, the same for every database engine.

| table     | content of a row                                                                           |
|-----------|--------------------------------------------------------------------------------------------|
| gallery   | the single bookkeeping row: revision, last removal, up to where removed data is erased      |
| person    | one enrolled person, with their consent                                                     |
| enrolment | one walk of a person: contract of its templates, sensor, duration, quality; statistics of   |
|           | its segments: S float32, little-endian; NULL for walks enrolled before version 2; the model |
|           | that estimated its poses and the views it shows (`towards,away`), NULL where not known      |
| template  | the CAGE of one window: f x D float32, little-endian, row by row                            |
| visit     | one visit of the last days: times, what was decided and how it was compared; the truth, where |
|           | somebody recorded it. It has ids of people and no name                                      |
| visit_candidate | a person whom a visit was compared with, best first, with score and threshold         |
| visit_walk | what is kept of the walk of a visit: m x f x D float16 and S float32, little-endian; only of  |
|           | identified people, and of strangers who are remembered, for whom the bookkeeping row has    |
|           | the last number given                                                                       |
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
)

from stream.consent import Consent
from stream.visits.events import Outcome

__all__ = [
    "CONSENT",
    "SCHEMA_VERSION",
    "bookkeeping",
    "create_tables",
    "enrolment",
    "metadata",
    "person",
    "stranger_recording",
    "stranger_visit",
    "template",
    "visit",
    "visit_candidate",
    "visit_walk",
]

SCHEMA_VERSION = 6
"""Grows by one with every change of the tables; the database records it, each engine in its own way."""

CONSENT = tuple(each.value for each in Consent)

_OUTCOMES = get_args(Outcome)


class _Utc(TypeDecorator[datetime]):
    """A date and time, aware and in UTC, also where the database does not keep time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


metadata = MetaData()

bookkeeping = Table(
    "gallery",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("revision", Integer, nullable=False),  # grows by one with each change
    Column("removal", Integer, nullable=False),  # grows by one with each removal or renaming
    Column("erasure", Integer, nullable=False),  # what was removed up to this `removal` is erased
    Column("visitors", Integer, nullable=False, server_default="0"),  # last number given to a stranger
)

# Ids of people and walks are never reused, so that data read earlier is never taken for that of a new row.
person = Table(
    "person",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("name_key", String, nullable=False, unique=True),
    Column("enrolled_at", _Utc, nullable=False),
    Column("consent_at", _Utc, nullable=False),
    Column("consent_by", String, CheckConstraint(f"consent_by IN {CONSENT}"), nullable=False),
    Column("consent_note", String),
    sqlite_autoincrement=True,
)

enrolment = Table(
    "enrolment",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("person_id", ForeignKey("person.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("contract_id", String, nullable=False, index=True),
    Column("sensor", String, nullable=False),
    Column("seconds", Float, CheckConstraint("seconds > 0"), nullable=False),
    Column("quality", Float, CheckConstraint("quality BETWEEN 0 AND 1"), nullable=False),
    Column("created_at", _Utc, nullable=False),
    Column("windows", Integer, CheckConstraint("windows > 0"), nullable=False),
    Column("f", Integer, CheckConstraint("f > 0"), nullable=False),
    Column("dimension", Integer, CheckConstraint("dimension > 0"), nullable=False),
    Column("statistics", LargeBinary),
    Column("pose_model", String),
    Column("view", String),
    sqlite_autoincrement=True,
)

template = Table(
    "template",
    metadata,
    Column("enrolment_id", ForeignKey("enrolment.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("cage", LargeBinary, nullable=False),
)


# Scores that thresholds are calibrated by. They say how an enrolled walk compares with other people, so that
# they go with the walk, and with the person who is nearest.
stranger_visit = Table(
    "stranger_visit",
    metadata,
    Column("enrolment_id", ForeignKey("enrolment.id", ondelete="CASCADE"), primary_key=True),
    Column("comparison", String, primary_key=True),
    Column("score", Float, nullable=False),
    Column("nearest_id", ForeignKey("person.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("people", Integer, nullable=False),
    Column("newest", Integer, nullable=False),
)

stranger_recording = Table(
    "stranger_recording",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("comparison", String, nullable=False),
    Column("sensor", String, nullable=False),
    Column("score", Float, nullable=False),
    Column("nearest_id", ForeignKey("person.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("people", Integer, nullable=False),
)

# Names are in no table of visits: renaming changes nothing there, and removing a person deletes all rows.
visit = Table(
    "visit",
    metadata,
    Column("id", String, primary_key=True),
    Column("source", String, nullable=False),
    Column("sensor", String, nullable=False),
    Column("arrived_at", _Utc, nullable=False, index=True),
    Column("left_at", _Utc, nullable=False, index=True),
    Column("keep_until", _Utc, nullable=False, index=True),
    Column("walking_s", Float, CheckConstraint("walking_s >= 0"), nullable=False),
    Column("windows", Integer, CheckConstraint("windows >= 0"), nullable=False),
    Column("quality", Float, CheckConstraint("quality BETWEEN 0 AND 1"), nullable=False),
    Column("outcome", String, CheckConstraint(f"outcome IN {_OUTCOMES}"), nullable=False),
    Column("person_id", ForeignKey("person.id", ondelete="CASCADE"), index=True),
    Column("visitor", Integer, index=True),
    Column("reason_code", String, nullable=False),
    Column("confidence", Integer),
    Column("changes", Integer, nullable=False),
    Column("interrupted", Boolean, nullable=False),
    Column("view", String, nullable=False),
    Column("comparison", String, nullable=False),
    Column("people", Integer, nullable=False),
    Column("fpir", Float),
    Column("truth", String, CheckConstraint("truth IN ('confirmed', 'denied')")),
    Column("was_id", ForeignKey("person.id", ondelete="SET NULL"), index=True),
)

visit_candidate = Table(
    "visit_candidate",
    metadata,
    Column("visit_id", ForeignKey("visit.id", ondelete="CASCADE"), primary_key=True),
    Column("rank", Integer, primary_key=True, autoincrement=False),
    Column("person_id", ForeignKey("person.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("score", Float, nullable=False),
    Column("threshold", Float),
)

visit_walk = Table(
    "visit_walk",
    metadata,
    Column("visit_id", ForeignKey("visit.id", ondelete="CASCADE"), primary_key=True),
    Column("contract_id", String, nullable=False),
    Column("pose_model", String),
    Column("templates", Integer, CheckConstraint("templates > 0"), nullable=False),
    Column("f", Integer, CheckConstraint("f > 0"), nullable=False),
    Column("dimension", Integer, CheckConstraint("dimension > 0"), nullable=False),
    Column("keep_until", _Utc),  # of strangers, who gave no consent; before what is large, to be read fast
    Column("cages", LargeBinary, nullable=False),
    Column("statistics", LargeBinary, nullable=False),
)


def create_tables(db: Connection) -> None:
    """Creates the tables of an empty gallery, within the caller's transaction."""
    metadata.create_all(db)
    db.execute(bookkeeping.insert().values(id=1, revision=0, removal=0, erasure=0))
