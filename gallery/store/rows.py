"""Between the gallery's records and its rows: what is checked before, and what is read back."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, Select, insert, select

from gallery.store.records import Enrolment, NewEnrolment, Person
from gallery.store.schema import enrolment, person, template
from stream.body import FloatArray
from stream.errors import GalleryError

__all__ = [
    "add_walk",
    "check_walks",
    "nobody",
    "read_cages",
    "read_people",
    "read_statistics",
    "select_people",
]

_STORED = np.dtype("<f4")
_PERSON = (person.c.id, person.c.name, person.c.enrolled_at, person.c.consent_at, person.c.consent_by)
_WALK = tuple(enrolment.c[name] for name in Enrolment.__slots__)


def select_people() -> Select[Any]:
    """A row a walk, with its person's columns before it; in order of name, then of enrolment."""
    query = select(*_PERSON, *_WALK).join_from(person, enrolment)
    return query.order_by(person.c.name_key, person.c.id, enrolment.c.id)


def read_people(rows: Iterable[Row[Any]]) -> list[Person]:
    """The people that rows of `select_people` tell of."""
    people = []
    for (_, *said), walks in groupby(rows, key=lambda row: tuple(row[: len(_PERSON)])):
        name, enrolled_at, consent_at, consent_by = said
        enrolments = tuple(Enrolment(*walk[len(_PERSON) :]) for walk in walks)
        people.append(Person(name, enrolled_at, consent_at, consent_by, enrolments))
    return people


def nobody(db: Connection, name: str) -> GalleryError:
    """What to say where nobody has that name."""
    names = db.execute(select(person.c.name)).scalars().all()
    near = difflib.get_close_matches(name, names, n=1)
    mend = f"is it {near[0]}?" if near else "`sge-stream people list` shows who is."
    return GalleryError(f"nobody called {name} is enrolled: {mend}")


def check_walks(walks: Sequence[NewEnrolment]) -> None:
    """See that walks can be stored.

    Raises:
        GalleryError: there is none, or one is empty, malformed, not finite or all zeros.
    """
    if not walks:
        msg = "there is no walk to enrol; let the person walk in view first"
        raise GalleryError(msg)
    for number, walk in enumerate(walks, 1):
        if wrong := _wrong(walk):
            msg = f"walk {number} of {len(walks)} cannot be enrolled: {wrong}; let the person walk again"
            raise GalleryError(msg)


def _wrong(walk: NewEnrolment) -> str:
    if not walk.contract_id or not walk.sensor:
        return "the model's contract or the kind of sensor is missing"
    if not (0 < walk.seconds < math.inf and 0 <= walk.quality <= 1):
        return (
            f"it has {walk.seconds} s of walking at quality {walk.quality}; more than 0 s and 0..1 are needed"
        )
    return _wrong_numbers(walk.templates, walk.statistics)


def _wrong_numbers(cages: FloatArray, statistics: FloatArray) -> str:
    if cages.ndim != 3 or cages.dtype != np.float32 or not cages.size:
        return f"its templates are {cages.dtype} {cages.shape}; (windows, f, D) of float32 is needed"
    if not (np.isfinite(cages).all() and cages.any(axis=(1, 2)).all()):
        return "a template of it is not finite, or all zeros"
    if statistics.ndim != 1 or statistics.dtype != np.float32:
        return f"its statistics are {statistics.dtype} {statistics.shape}; (S,) of float32 is needed"
    return "" if np.isfinite(statistics).all() else "its statistics are not finite"


def add_walk(db: Connection, person_id: int, walk: NewEnrolment, now: datetime) -> Enrolment:
    """Store one walk of a person.

    Raises:
        GalleryError: the gallery holds templates of another shape under the same contract.
    """
    windows, f, dimension = walk.templates.shape
    shape = select(enrolment.c.f, enrolment.c.dimension).where(enrolment.c.contract_id == walk.contract_id)
    other = db.execute(shape.limit(1)).first()
    if other is not None and tuple(other) != (f, dimension):
        msg = (
            f"templates of the contract {walk.contract_id} are {other.f} x {other.dimension} here, not "
            f"{f} x {dimension}; a model of another shape needs a contract of its own"
        )
        raise GalleryError(msg)
    stored = Enrolment(walk.contract_id, walk.sensor, float(walk.seconds), float(walk.quality), windows, now)
    values = {name: getattr(stored, name) for name in Enrolment.__slots__}
    statistics = walk.statistics.astype(_STORED, copy=False).tobytes()
    shape_of = {"f": f, "dimension": dimension, "statistics": statistics}
    added = insert(enrolment).values(person_id=person_id, **shape_of, **values)
    walk_id = db.execute(added.returning(enrolment.c.id)).scalar_one()
    cages = walk.templates.astype(_STORED, copy=False)
    db.execute(
        insert(template),
        [{"enrolment_id": walk_id, "position": k, "cage": cage.tobytes()} for k, cage in enumerate(cages)],
    )
    return stored


def read_cages(db: Connection, walk_id: int, shape: tuple[int, int, int]) -> FloatArray | None:
    """The templates of one walk: (n, f, D) float32 of that shape; None where the walk is gone.

    Raises:
        GalleryError: they do not have that shape.
    """
    query = select(template.c.cage).where(template.c.enrolment_id == walk_id).order_by(template.c.position)
    stored = db.execute(query).scalars().all()
    if not stored:
        return None
    windows, f, dimension = shape
    if len(stored) != windows or any(len(cage) != f * dimension * _STORED.itemsize for cage in stored):
        msg = "the gallery is damaged: a walk lacks templates; put back a copy of it, or enrol again"
        raise GalleryError(msg)
    cages = np.empty((windows, f * dimension), np.float32)
    for row, cage in zip(cages, stored, strict=True):
        row[:] = np.frombuffer(cage, _STORED)
    return cages.reshape(shape)


def read_statistics(stored: bytes | None) -> FloatArray:
    """(S,) float32 of one walk; empty where none were kept.

    Raises:
        GalleryError: they are no whole numbers of four bytes.
    """
    if len(stored or b"") % _STORED.itemsize:
        msg = "the gallery is damaged: a walk's statistics are cut off; put back a copy of it, or enrol again"
        raise GalleryError(msg)
    return np.frombuffer(stored or b"", _STORED).astype(np.float32)
