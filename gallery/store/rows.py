"""Conversion between the gallery's records and database rows, with checks."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, Select, insert, select

from gallery.store.names import UnknownPersonError
from gallery.store.records import Enrolment, NewEnrolment, Person
from gallery.store.schema import CONSENT, enrolment, person, template
from stream.body import FloatArray
from stream.errors import GalleryError
from stream.walk_views import read_views

__all__ = [
    "add_walk",
    "check_walks",
    "read_cages",
    "read_people",
    "read_statistics",
    "select_people",
    "unknown_person",
]

_STORED = np.dtype("<f4")
_PERSON = (
    person.c.id,
    person.c.name,
    person.c.enrolled_at,
    person.c.consent_at,
    person.c.consent_by,
    person.c.consent_note,
)
_WALK = tuple(enrolment.c[name] for name in Enrolment.__slots__)


def select_people() -> Select[Any]:
    """Returns a query for one row per walk, after its person's columns; by name, then by enrolment."""
    query = select(*_PERSON, *_WALK).join_from(person, enrolment)
    return query.order_by(person.c.name_key, person.c.id, enrolment.c.id)


def read_people(rows: Iterable[Row[Any]]) -> list[Person]:
    """Returns the people in rows of `select_people`.

    Raises:
        ValueError: a row cannot be what was stored.
    """
    people = []
    for (_, *columns), walks in groupby(rows, key=lambda row: tuple(row[: len(_PERSON)])):
        name, enrolled_at, consent_at, consent_by, note = columns
        enrolments = tuple(_read_walk(walk[len(_PERSON) :]) for walk in walks)
        _require(isinstance(name, str) and consent_by in CONSENT)
        _require(note is None or isinstance(note, str))
        _require(isinstance(enrolled_at, datetime) and isinstance(consent_at, datetime))
        people.append(Person(name, enrolled_at, consent_at, consent_by, enrolments, note or ""))
    return people


def _read_walk(columns: Sequence[Any]) -> Enrolment:
    walk = Enrolment(*columns)
    _require(isinstance(walk.contract_id, str) and isinstance(walk.sensor, str))
    _require(isinstance(walk.created_at, datetime) and isinstance(walk.windows, int) and walk.windows > 0)
    _require(0 < float(walk.seconds) < math.inf and 0 <= float(walk.quality) <= 1)
    _require(walk.pose_model is None or isinstance(walk.pose_model, str))
    _require(walk.view is None or (isinstance(walk.view, str) and bool(read_views(walk.view))))
    return walk


def _require(valid: bool) -> None:
    if not valid:
        raise ValueError("a row of the gallery holds what cannot have been stored")


def unknown_person(db: Connection, name: str) -> UnknownPersonError:
    """Returns the error for a name that no person has; it suggests the most similar name."""
    names = db.execute(select(person.c.name)).scalars().all()
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else "`sge-stream people list` shows the enrolled people"
    return UnknownPersonError(f"no person named {name} is enrolled; {hint}")


def check_walks(walks: Sequence[NewEnrolment]) -> None:
    """Checks that walks can be stored.

    Raises:
        GalleryError: there is no walk, or one is empty, malformed, not finite or all zeros.
    """
    if not walks:
        msg = "there is no walk to enrol; let the person walk in view first"
        raise GalleryError(msg)
    for number, walk in enumerate(walks, 1):
        if reason := _invalid(walk):
            msg = f"walk {number} of {len(walks)} cannot be enrolled: {reason}; let the person walk again"
            raise GalleryError(msg)


def _invalid(walk: NewEnrolment) -> str:
    """Returns why a walk cannot be stored; empty if it can."""
    if not walk.contract_id or not walk.sensor:
        return "the model's contract or the kind of sensor is missing"
    if not (0 < walk.seconds < math.inf and 0 <= walk.quality <= 1):
        return (
            f"expected more than 0 s of walking and a quality of 0..1, got {walk.seconds} s, {walk.quality}"
        )
    if walk.pose_model == "" or (walk.view is not None and not read_views(walk.view)):
        return f"expected a pose model and views, or None, got {walk.pose_model!a} and {walk.view!a}"
    return _invalid_arrays(walk.templates, walk.statistics)


def _invalid_arrays(cages: FloatArray, statistics: FloatArray) -> str:
    if cages.ndim != 3 or cages.dtype != np.float32 or not cages.size:
        return f"expected templates (windows, f, D) of float32, got {cages.dtype} {cages.shape}"
    if not (np.isfinite(cages).all() and cages.any(axis=(1, 2)).all()):
        return "a template is not finite, or all zeros"
    if statistics.ndim != 1 or statistics.dtype != np.float32:
        return f"expected statistics (S,) of float32, got {statistics.dtype} {statistics.shape}"
    return "" if np.isfinite(statistics).all() else "the statistics are not finite"


def add_walk(db: Connection, person_id: int, walk: NewEnrolment, now: datetime) -> Enrolment:
    """Stores one walk of a person.

    Raises:
        GalleryError: the gallery holds templates of another shape with the same contract.
    """
    windows, f, dimension = walk.templates.shape
    shape = select(enrolment.c.f, enrolment.c.dimension).where(enrolment.c.contract_id == walk.contract_id)
    other = db.execute(shape.limit(1)).first()
    if other is not None and tuple(other) != (f, dimension):
        msg = (
            f"expected templates of {other.f} x {other.dimension}, as others of the contract "
            f"{walk.contract_id}, got {f} x {dimension}; a model of another shape needs its own contract"
        )
        raise GalleryError(msg)
    stored = Enrolment(
        walk.contract_id,
        walk.sensor,
        float(walk.seconds),
        float(walk.quality),
        windows,
        now,
        walk.pose_model,
        walk.view,
    )
    values = {name: getattr(stored, name) for name in Enrolment.__slots__}
    statistics = walk.statistics.astype(_STORED, copy=False).tobytes()
    values |= {"person_id": person_id, "f": f, "dimension": dimension, "statistics": statistics}
    added = insert(enrolment).values(values)
    walk_id = db.execute(added.returning(enrolment.c.id)).scalar_one()
    cages = walk.templates.astype(_STORED, copy=False)
    db.execute(
        insert(template),
        [{"enrolment_id": walk_id, "position": k, "cage": cage.tobytes()} for k, cage in enumerate(cages)],
    )
    return stored


def read_cages(db: Connection, walk_id: int, shape: tuple[int, int, int]) -> FloatArray | None:
    """Returns the templates of one walk, float32 of shape (n, f, D); None if the walk was removed.

    Raises:
        ValueError: what is stored does not have that shape, or cannot have been enrolled.
        TypeError: it is no bytes.
    """
    query = select(template.c.cage).where(template.c.enrolment_id == walk_id).order_by(template.c.position)
    stored = db.execute(query).scalars().all()
    if not stored:
        return None
    windows, f, dimension = shape
    _require(len(stored) == windows and f > 0 and dimension > 0)
    _require(all(len(cage) == f * dimension * _STORED.itemsize for cage in stored))
    cages = np.empty((windows, f * dimension), np.float32)
    for row, cage in zip(cages, stored, strict=True):
        row[:] = np.frombuffer(cage, _STORED)
    _require(bool(np.isfinite(cages).all()))
    return cages.reshape(shape)


def read_statistics(stored: bytes | None) -> FloatArray:
    """Returns the statistics of one walk, (S,) float32; empty if none are stored.

    Raises:
        ValueError: the length is not a multiple of four bytes, or a number is not finite.
        TypeError: it is no bytes.
    """
    statistics = np.frombuffer(stored or b"", _STORED).astype(np.float32)
    _require(bool(np.isfinite(statistics).all()))
    return statistics
