"""The gallery's tables, in SQLAlchemy's terms, so that another database is another URL and no other code.

| table     | a row is                                                                                  |
|-----------|-------------------------------------------------------------------------------------------|
| gallery   | the one row of bookkeeping: revision, last removal, how far removed data has been erased   |
| person    | someone who was enrolled, with their consent                                              |
| enrolment | one walk of a person: what made its templates, with which sensor, how much, how well; the   |
|           | statistics of its segments: S float32, little-endian; NULL before version 2                |
| template  | the CAGE of one window: f x D float32, little-endian, row by row                           |
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    CheckConstraint,
    Column,
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

__all__ = [
    "APPLICATION_ID",
    "CONSENT",
    "SCHEMA_VERSION",
    "bookkeeping",
    "enrolment",
    "metadata",
    "person",
    "template",
]

APPLICATION_ID = 0x53474547
"""Marks an SQLite file as one of our galleries (`PRAGMA application_id`, "SGEG")."""

SCHEMA_VERSION = 2
"""Grows with every change of the tables (`PRAGMA user_version`)."""

CONSENT = ("asked", "--yes")
"""How consent was given: the person answered, or the operator answered for them on the command line."""


class _Utc(TypeDecorator[datetime]):
    """A moment: aware, in UTC, whatever the database makes of time zones."""

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
    Column("removal", Integer, nullable=False),  # the revision of the last removal or renaming
    Column("erasure", Integer, nullable=False),  # whatever was removed up to this revision is erased
)

# Numbers of people and walks are never used twice, so nothing read of one can pass for another's.
person = Table(
    "person",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("name_key", String, nullable=False, unique=True),
    Column("enrolled_at", _Utc, nullable=False),
    Column("consent_at", _Utc, nullable=False),
    Column("consent_by", String, CheckConstraint(f"consent_by IN {CONSENT}"), nullable=False),
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
    sqlite_autoincrement=True,
)

template = Table(
    "template",
    metadata,
    Column("enrolment_id", ForeignKey("enrolment.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("cage", LargeBinary, nullable=False),
)
