"""Conversion between records of visits and database rows, with checks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, get_args

import numpy as np
from sqlalchemy import Connection, Row, Select, delete, exists, func, insert, select, update

from gallery.store.history_records import NewVisit, StoredVisit, Truth, VisitWalk, visitor_name
from gallery.store.rows import read_statistics
from gallery.store.schema import person, visit, visit_candidate, visit_walk
from stream.decision import ReasonCode
from stream.visits.events import Outcome, VisitCandidate
from stream.walk_views import read_views

__all__ = [
    "MAX_KEPT_WALKS",
    "add_visit",
    "copy_visits",
    "delete_walks",
    "drop_oldest_walks",
    "give_visits",
    "merge_visits",
    "read_visit_walk",
    "read_visits",
    "select_visits",
]

MAX_KEPT_WALKS = 1000
"""Visits whose walks are kept, the newest: about 190 KB each."""

_STORED = np.dtype("<f2")
_LIMIT = float(np.finfo(np.float16).max)
_WAS = person.alias("was")
_TIMES = ("arrived_at", "left_at")


def select_visits() -> Select[Any]:
    """Returns a query for one row per visit, with the names of its people; newest first."""
    kept = exists().where(visit_walk.c.visit_id == visit.c.id)
    query = select(visit, person.c.name.label("person"), _WAS.c.name.label("was"), kept.label("kept"))
    query = query.outerjoin(person, person.c.id == visit.c.person_id)
    query = query.outerjoin(_WAS, _WAS.c.id == visit.c.was_id)
    return query.order_by(visit.c.left_at.desc(), visit.c.id)


def read_visits(db: Connection, rows: Sequence[Row[Any]]) -> list[StoredVisit]:
    """Returns the visits in rows of `select_visits`.

    Raises:
        ValueError: a row cannot be what was stored.
        TypeError: it cannot either.
    """
    candidates = _read_candidates(db, [row.id for row in rows])
    return [_read_visit(row, candidates.get(row.id, ())) for row in rows]


def _read_visit(row: Row[Any], candidates: tuple[VisitCandidate, ...]) -> StoredVisit:
    _require(all(isinstance(getattr(row, name), str) for name in ("id", "source", "sensor", "view")))
    _require(all(isinstance(getattr(row, name), datetime) for name in _TIMES))
    _require(row.outcome in get_args(Outcome) and row.reason_code in get_args(ReasonCode))
    _require(row.truth is None or row.truth in get_args(Truth))
    _require(0 <= float(row.walking_s) < math.inf and 0 <= float(row.quality) <= 1)
    _require(all(isinstance(getattr(row, name), int) for name in ("windows", "changes", "people")))
    _require(all(name is None or isinstance(name, str) for name in (row.person, row.was)))
    return StoredVisit(
        id=row.id,
        source=row.source,
        sensor=row.sensor,
        arrived_at=row.arrived_at,
        left_at=row.left_at,
        walking_s=float(row.walking_s),
        windows=row.windows,
        quality=float(row.quality),
        outcome=row.outcome,
        person=row.person,
        visitor=None if row.visitor is None else visitor_name(row.visitor),
        reason_code=row.reason_code,
        confidence=row.confidence,
        changes=row.changes,
        interrupted=bool(row.interrupted),
        views=read_views(row.view or None),
        comparison=row.comparison,
        people=row.people,
        fpir=row.fpir,
        candidates=candidates,
        truth=row.truth,
        was=row.was,
        kept=bool(row.kept),
    )


def _read_candidates(db: Connection, ids: Sequence[str]) -> dict[str, tuple[VisitCandidate, ...]]:
    columns = visit_candidate.c
    query = select(visit_candidate, person.c.name).join_from(visit_candidate, person)
    found: dict[str, tuple[VisitCandidate, ...]] = {}
    for row in db.execute(_of_visits(query, columns.visit_id, ids).order_by(columns.visit_id, columns.rank)):
        _require(isinstance(row.name, str) and math.isfinite(row.score))
        candidate = VisitCandidate(row.name, float(row.score), row.threshold)
        found[row.visit_id] = (*found.get(row.visit_id, ()), candidate)
    return found


def _of_visits(query: Select[Any], column: Any, ids: Sequence[str]) -> Select[Any]:
    """Restricts a query to visits; of many, it reads those of all in between."""
    if len(ids) <= 500:  # a database bounds the number of parameters
        return query.where(column.in_(ids))
    return query.where(column.between(min(ids), max(ids)))


def _require(valid: bool) -> None:
    if not valid:
        raise ValueError("a visit of the gallery holds what cannot have been stored")


def add_visit(
    db: Connection,
    new: NewVisit,
    earlier: int,
    visitor: int | None = None,
    walk_until: datetime | None = None,
) -> bool:
    """Stores a visit; returns False, and stores nothing, if its person was removed or it is stored already.

    Candidates who were removed are left out.

    Args:
        db: in a write transaction.
        new: the visit.
        earlier: what its ids of people are above those of the database.
        visitor: number of the remembered stranger; None for anybody else.
        walk_until: when the stranger's walk is to be deleted; None keeps a walk as long as the visit.
    """
    if db.execute(select(visit.c.id).where(visit.c.id == new.id)).first() is not None:
        return False
    wanted = {each.person_id - earlier for each in new.candidates}
    wanted |= {new.person_id - earlier} if new.person_id is not None else set()
    known = set(db.execute(select(person.c.id).where(person.c.id.in_(wanted))).scalars())
    if new.person_id is not None and new.person_id - earlier not in known:
        return False
    copied = {name: getattr(new, name) for name in _COPIED}
    person_id = None if new.person_id is None else new.person_id - earlier
    db.execute(insert(visit).values(**copied, person_id=person_id, visitor=visitor))
    candidates = [
        {
            "visit_id": new.id,
            "rank": rank,
            "person_id": each.person_id - earlier,
            "score": each.score,
            "threshold": each.threshold,
        }
        for rank, each in enumerate(new.candidates, 1)
        if each.person_id - earlier in known
    ]
    if candidates:
        db.execute(insert(visit_candidate), candidates)
    if new.walk is not None:
        values = {"visit_id": new.id, "keep_until": walk_until, **_walk_values(new.walk)}
        db.execute(insert(visit_walk).values(values))
    return True


_COPIED = tuple(
    column.name
    for column in visit.columns
    if column.name not in {"person_id", "was_id", "truth", "visitor"}  # what the database knows itself
)


def _walk_values(walk: VisitWalk) -> dict[str, Any]:
    templates, f, dimension = walk.templates.shape
    if not (np.isfinite(walk.templates).all() and np.isfinite(walk.statistics).all()):
        raise ValueError("the templates of a visit are not finite")
    return {
        "contract_id": walk.contract_id,
        "pose_model": walk.pose_model,
        "templates": templates,
        "f": f,
        "dimension": dimension,
        "cages": np.clip(walk.templates, -_LIMIT, _LIMIT).astype(_STORED).tobytes(),
        "statistics": walk.statistics.astype("<f4", copy=False).tobytes(),
    }


def read_visit_walk(row: Row[Any]) -> VisitWalk:
    """Returns what is kept of a walk, from a row of `visit_walk` joined with its `visit`.

    Raises:
        ValueError: the row cannot be what was stored.
        TypeError: it cannot either.
    """
    shape = (row.templates, row.f, row.dimension)
    _require(min(shape) > 0 and len(row.cages) == math.prod(shape) * _STORED.itemsize)
    cages = np.frombuffer(row.cages, _STORED).astype(np.float32).reshape(shape)
    _require(bool(np.isfinite(cages).all()))
    return VisitWalk(
        row.contract_id,
        row.sensor,
        row.windows,
        cages,
        read_statistics(row.statistics),
        row.pose_model,
        row.view or None,
        float(row.walking_s),
        float(row.quality),
    )


def delete_walks(db: Connection, of: Any) -> int:
    """Deletes what is kept of the walks of visits; returns of how many.

    Args:
        db: in a write transaction.
        of: condition on `visit`.
    """
    walks = visit_walk.c.visit_id.in_(select(visit.c.id).where(of))
    return int(db.execute(delete(visit_walk).where(walks)).rowcount)


def drop_oldest_walks(db: Connection) -> None:
    """Deletes what is kept of the walks of identified people beyond the `MAX_KEPT_WALKS` newest visits."""
    more = db.execute(select(func.count()).select_from(visit_walk)).scalar_one() - MAX_KEPT_WALKS
    if more <= 0:
        return
    oldest = select(visit.c.id).join_from(visit_walk, visit).where(visit.c.visitor.is_(None))
    ids = db.execute(oldest.order_by(visit.c.left_at).limit(more)).scalars().all()
    db.execute(delete(visit_walk).where(visit_walk.c.visit_id.in_(ids)))


def merge_visits(db: Connection, removed: int, kept: int) -> None:
    """Gives the visits of a person to another, whose walks the person's now are.

    A visit that one was said to have made, and the other made, is then confirmed.
    """
    for column in (visit.c.person_id, visit.c.was_id):
        db.execute(update(visit).where(column == removed).values({column.name: kept}))
    both = select(visit_candidate.c.visit_id).where(visit_candidate.c.person_id.in_((removed, kept)))
    twice = both.group_by(visit_candidate.c.visit_id).having(func.count() > 1)
    ids = db.execute(twice).scalars().all()
    for visit_id in ids:
        own = (visit_candidate.c.visit_id == visit_id) & visit_candidate.c.person_id.in_((removed, kept))
        first = db.execute(select(func.min(visit_candidate.c.rank)).where(own)).scalar_one()
        db.execute(delete(visit_candidate).where(own, visit_candidate.c.rank > first))
    moved = update(visit_candidate).where(visit_candidate.c.person_id == removed)
    db.execute(moved.values(person_id=kept))
    right = (visit.c.person_id == visit.c.was_id) & (visit.c.truth == "denied")
    db.execute(update(visit).where(right).values(truth="confirmed", was_id=None))


def give_visits(db: Connection, visitor: int, person_id: int) -> int:
    """Gives the visits of a remembered stranger to a person who was enrolled; returns their number."""
    own = visit.c.visitor == visitor
    delete_walks(db, own)
    return int(db.execute(update(visit).where(own).values(person_id=person_id)).rowcount)


def copy_visits(source: Connection, target: Connection, ids: Mapping[int, int]) -> None:
    """Adds all visits of one gallery to another, without the walks of anybody who is not enrolled.

    Args:
        source: all its statements see the same state.
        target: in a write transaction.
        ids: of people in the target, by their id in the source.

    Raises:
        ValueError, TypeError: the source holds what cannot have been stored.
    """
    rows = source.execute(select_visits()).all()
    read_visits(source, rows)  # checks all rows before the first is copied
    for row in source.execute(select(visit)).mappings().all():
        own = {name: _new_id(row[name], ids) for name in ("person_id", "was_id")}
        target.execute(insert(visit).values({**row, **own}))
    for row in source.execute(select(visit_candidate)).mappings().all():
        values = {**row, "person_id": _new_id(row["person_id"], ids)}
        target.execute(insert(visit_candidate).values(values))
    known = select(visit_walk.c.visit_id).join_from(visit_walk, visit).where(visit.c.person_id.is_not(None))
    for visit_id in source.execute(known).scalars().all():
        query = select(visit_walk).where(visit_walk.c.visit_id == visit_id)
        target.execute(insert(visit_walk).values(dict(source.execute(query).mappings().one())))


def _new_id(old: int | None, ids: Mapping[int, int]) -> int | None:
    if old is None:
        return None
    _require(old in ids)
    return ids[old]
