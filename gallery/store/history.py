"""The visits of the last days in a gallery: stored, listed, judged, forgotten; `Gallery.history` returns it.

Storing a visit leaves the gallery's revision as it is: nothing that decisions rest on changes. Denying one,
and taking that back, changes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from gallery.store.history_records import (
    DeniedVisit,
    NewVisit,
    RememberedVisitor,
    StoredVisit,
    Truth,
    VisitWalk,
)
from gallery.store.history_rows import (
    add_visit,
    delete_walks,
    drop_oldest_walks,
    read_visit_walk,
    read_visits,
    select_visits,
)
from gallery.store.names import clean_name, name_key
from gallery.store.records import Erasure
from gallery.store.rows import unknown_person
from gallery.store.schema import bookkeeping, person, visit, visit_candidate, visit_walk
from stream.errors import GalleryError

__all__ = [
    "MAX_VISITORS",
    "MAX_WALKS_OF_VISITOR",
    "Access",
    "JudgementError",
    "UnknownVisitError",
    "VisitHistory",
]

MAX_VISITORS = 200
"""Strangers that are remembered at a time, those seen last."""

MAX_WALKS_OF_VISITOR = 2
"""Walks kept of a remembered stranger, the newest."""

_SHOWN = 4


class UnknownVisitError(GalleryError):
    """No stored visit, or no remembered stranger, has the id, or several have."""


class JudgementError(GalleryError):
    """What was said about a visit cannot be true of it."""


class Access(Protocol):
    """What a history needs of its gallery; each block raises `GalleryError` where the database fails."""

    @property
    def earlier(self) -> int:
        """What ids as returned are above those of the database; see `Store.replacements`."""

    def read(self) -> AbstractContextManager[Connection]:
        """Returns a connection for reading, valid within a `with` block."""

    def write(self, *, removal: bool, quiet: bool) -> AbstractContextManager[Connection]:
        """Returns a connection in a write transaction.

        Args:
            removal: whether bytes are to be erased afterwards.
            quiet: whether the gallery's revision stays as it is.
        """

    def erase(self, *, patient: bool) -> Erasure:
        """Overwrites removed data; see `gallery.store.store_protocol.Store.erase`."""


class VisitHistory:
    """The visits of a gallery; threads may share it. Every method raises `GalleryError` as the gallery does.

    Args:
        access: to its gallery.
    """

    def __init__(self, access: Access) -> None:
        self._access = access

    def add(self, visits: Sequence[NewVisit]) -> int:
        """Stores visits, durably and in one transaction; returns their number.

        Visits that are stored already, and of people who were removed meanwhile, are left out.
        """
        with self._access.write(removal=False, quiet=True) as db:
            stored = sum(add_visit(db, new, self._access.earlier) for new in visits)
            drop_oldest_walks(db)
        return stored

    def add_stranger(self, new: NewVisit, number: int | None, walk_until: datetime) -> int:
        """Stores the visit of a stranger who is remembered; returns the stranger's number.

        Args:
            new: with its walk.
            number: of a stranger who was here before; None gives a new number.
            walk_until: when the walk is to be deleted (aware).
        """
        trimmed = 0
        with self._access.write(removal=False, quiet=True) as db:
            if number is None:
                following = update(bookkeeping).values(visitors=bookkeeping.c.visitors + 1)
                number = int(db.execute(following.returning(bookkeeping.c.visitors)).scalar_one())
            add_visit(db, new, self._access.earlier, number, walk_until)
            older = select(visit.c.id).join_from(visit_walk, visit).where(visit.c.visitor == number)
            older = older.order_by(visit.c.left_at.desc(), visit.c.id).offset(MAX_WALKS_OF_VISITOR)
            trimmed += delete_walks(db, visit.c.id.in_(db.execute(older).scalars().all()))
            seen = select(visit.c.visitor).join_from(visit_walk, visit).where(visit.c.visitor.is_not(None))
            seen = seen.group_by(visit.c.visitor).order_by(func.max(visit.c.left_at).desc())
            left = db.execute(seen.offset(MAX_VISITORS)).scalars().all()
            trimmed += delete_walks(db, visit.c.visitor.in_(left))
            if trimmed:
                db.execute(update(bookkeeping).values(removal=bookkeeping.c.removal + 1))
        return number

    def visits(
        self, since: datetime | None = None, *, unknown: bool = False, now: datetime | None = None
    ) -> list[StoredVisit]:
        """Returns stored visits, newest first.

        Args:
            since: only visits that ended at this time (aware) or later; None returns all.
            unknown: only visits of people who were not identified.
            now: the present time (aware), to leave out visits whose time is over; None returns them too,
                until `forget` deletes them.
        """
        query = select_visits()
        if since is not None:
            query = query.where(visit.c.left_at >= since)
        if unknown:
            query = query.where(visit.c.outcome == "unknown")
        if now is not None:
            query = query.where(visit.c.keep_until >= now)
        with self._access.read() as db:
            return read_visits(db, db.execute(query).all())

    def visit(self, id_start: str, now: datetime | None = None) -> StoredVisit:
        """Returns the visit of an id, or of its first characters or last part, if no other id has them.

        Args:
            id_start: see above.
            now: as in `visits`.

        Raises:
            UnknownVisitError: there is none, or there are several.
        """
        own = visit.c.id.startswith(id_start, autoescape=True)
        own |= visit.c.id.endswith(f"-{id_start}", autoescape=True)
        own &= bool(id_start)
        if now is not None:
            own &= visit.c.keep_until >= now
        with self._access.read() as db:
            found = read_visits(db, db.execute(select_visits().where(own).limit(_SHOWN)).all())
        exact = [each for each in found if each.id == id_start]
        if len(found) > 1 and not exact:
            ids = ", ".join(each.id for each in found[: _SHOWN - 1])
            more = " and others" if len(found) == _SHOWN else ""
            msg = f"{id_start} is part of several visits' ids: {ids}{more}; give more characters"
            raise UnknownVisitError(msg)
        if not found:
            msg = f"no visit {id_start!a} is stored; `sge-stream visits` lists those of the last days"
            raise UnknownVisitError(msg)
        return (exact or found)[0]

    def walks(self) -> Iterator[tuple[str, VisitWalk]]:
        """Yields what is kept of the walks of visits, one at a time, with the visits' ids, oldest first."""
        query = select(visit.c.id).join_from(visit_walk, visit).order_by(visit.c.left_at)
        with self._access.read() as db:
            ids = db.execute(query).scalars().all()
        for visit_id in ids:
            walk = self.walk(visit_id)
            if walk is not None:
                yield visit_id, walk

    def walk(self, visit_id: str) -> VisitWalk | None:
        """Returns what is kept of the walk of a visit; None if nothing is."""
        with self._access.read() as db:
            return next((walk for _, walk in _walks(db, visit.c.id == visit_id)), None)

    def visitors(self, contract: str, sensor: str) -> list[RememberedVisitor]:
        """Returns the strangers who are remembered with one encoder, on one kind of sensor, by number."""
        own = visit.c.visitor.is_not(None) & (visit.c.sensor == sensor)
        walks: dict[int, list[VisitWalk]] = {}
        with self._access.read() as db:
            for number, walk in _walks(db, own & (visit_walk.c.contract_id == contract)):
                walks.setdefault(number, []).append(walk)
        return [RememberedVisitor(number, tuple(own_walks)) for number, own_walks in sorted(walks.items())]

    def walks_of(self, number: int) -> list[VisitWalk]:
        """Returns the walks that are kept of a remembered stranger, oldest first."""
        with self._access.read() as db:
            return [walk for _, walk in _walks(db, visit.c.visitor == number)]

    def judge(self, visit_id: str, truth: Truth, was: str | None = None) -> tuple[StoredVisit, Erasure]:
        """Records whether the outcome of a visit was right; a later judgement takes the place of an earlier.

        What is kept of the walk is erased, unless it is an enrolled person's or a remembered stranger's.

        Args:
            visit_id: the whole id.
            truth: `confirmed` or `denied`.
            was: with `denied`, name of the enrolled person that it was; None if it was a stranger, or is not
                known.

        Returns:
            The visit as it is now, and the result of erasing the walk.

        Raises:
            GalleryError: there is no such visit, nothing was decided in it, or nobody has that name.
        """
        before = self.visit(visit_id)
        was_key = None if was is None else name_key(clean_name(was))
        _check_judgement(before, truth, was_key)
        erased = before.kept and was is None and not _has_owner(before, truth)
        quiet = "denied" not in (truth, before.truth)
        with self._access.write(removal=erased, quiet=quiet) as db:
            values: dict[str, object] = {"truth": truth, "was_id": _person_id(db, was_key, was)}
            if was is not None:
                values["visitor"] = None  # no stranger
            db.execute(update(visit).where(visit.c.id == before.id).values(values))
            if was is not None:
                own = update(visit_walk).where(visit_walk.c.visit_id == before.id)
                db.execute(own.values(keep_until=None))
            if erased:
                delete_walks(db, visit.c.id == before.id)
        erasure = self._access.erase(patient=True) if erased else Erasure(done=True)
        return self.visit(before.id), erasure

    def denied(self, comparison: str) -> list[DeniedVisit]:
        """Returns the visits that were denied, with the scores of who was named.

        Args:
            comparison: what the scores belong to: the version of a back-end.
        """
        named = (visit_candidate.c.visit_id == visit.c.id) & (
            visit_candidate.c.person_id == visit.c.person_id
        )
        query = select(visit, visit_candidate.c.score).join_from(visit, visit_candidate, named)
        query = query.where(visit.c.outcome == "person", visit.c.truth == "denied")
        query = query.where(visit.c.comparison == comparison, visit.c.people > 0, visit.c.windows > 0)
        earlier = self._access.earlier
        with self._access.read() as db:
            return [
                DeniedVisit(
                    earlier + row.person_id,
                    row.sensor,
                    float(row.score),
                    int(row.windows),
                    int(row.people),
                    row.was_id is not None,
                )
                for row in db.execute(query.order_by(visit.c.left_at, visit.c.id))
            ]

    def forget(self, now: datetime, older_than: datetime | None = None) -> int:
        """Deletes the visits and strangers' walks whose time is over; returns the number of visits.

        Bytes of walks deleted now or by `add_stranger` are erased, if nobody else uses the gallery; else the
        next time.

        Args:
            now: the present time (aware).
            older_than: delete also visits that ended before this time (aware); None deletes no others.
        """
        over = visit.c.keep_until < now
        if older_than is not None:
            over |= visit.c.left_at < older_than
        with self._access.read() as db:
            visits = db.execute(select(func.count()).select_from(visit).where(over)).scalar_one()
            query = select(func.count()).select_from(visit_walk).join(visit)
            query = query.where(over | (visit_walk.c.keep_until < now))
            walks = db.execute(query).scalar_one()
            pending = db.execute(select(bookkeeping.c.removal > bookkeeping.c.erasure)).scalar_one()
        if visits or walks:
            with self._access.write(removal=bool(walks), quiet=True) as db:
                db.execute(delete(visit_walk).where(visit_walk.c.keep_until < now))
                visits = db.execute(delete(visit).where(over)).rowcount
        if walks or pending:
            self._access.erase(patient=False)
        return int(visits)


def _walks(db: Connection, of: ColumnElement[bool]) -> list[tuple[int, VisitWalk]]:
    """Returns the numbers of strangers (0 for others) and the walks of visits."""
    columns = (visit.c.visitor, visit.c.sensor, visit.c.windows, visit.c.view, visit.c.walking_s)
    query = select(visit_walk, *columns, visit.c.quality).join_from(visit_walk, visit).where(of)
    rows = db.execute(query.order_by(visit.c.left_at, visit.c.id))
    return [(row.visitor or 0, read_visit_walk(row)) for row in rows]


def _check_judgement(before: StoredVisit, truth: Truth, was_key: str | None) -> None:
    if before.outcome == "undecided":
        msg = f"nothing was decided in visit {before.id}, so there is nothing to confirm or deny"
        raise JudgementError(msg)
    if truth == "denied" and was_key is not None and before.outcome == "person":
        named = before.person or ""
        if name_key(named) == was_key:
            msg = f"visit {before.id} was said to be {named}'s; if it was, confirm it"
            raise JudgementError(msg)


def _has_owner(before: StoredVisit, truth: Truth) -> bool:
    """Returns whether the walk is an enrolled person's or a remembered stranger's, if it is nobody else's."""
    return truth == "confirmed" if before.outcome == "person" else before.visitor is not None


def _person_id(db: Connection, key: str | None, name: str | None) -> int | None:
    if key is None or name is None:
        return None
    found = db.execute(select(person.c.id).where(person.c.name_key == key)).scalar_one_or_none()
    if found is None:
        raise unknown_person(db, name)
    return int(found)
