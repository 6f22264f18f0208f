"""The gallery: enrolled people and their templates. Every in-memory index is derived from it.

Any process may write at any time. A program that keeps templates in memory polls `Gallery.revision` and loads
them again when it has changed. No call leaves a transaction open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Self

from sqlalchemy import Connection, Executable, Row, delete, distinct, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from gallery.store.copying import copy_people
from gallery.store.engines import open_store
from gallery.store.history import VisitHistory
from gallery.store.history_records import VisitWalk
from gallery.store.history_rows import delete_walks, give_visits, merge_visits
from gallery.store.names import clean_name, clean_note, name_key, name_taken, rename_taken
from gallery.store.records import (
    Enrolment,
    Erasure,
    NewEnrolment,
    Person,
    PersonTemplates,
    StrangerRecording,
    StrangerVisit,
)
from gallery.store.rows import (
    add_walk,
    check_walks,
    read_cages,
    read_people,
    read_statistics,
    select_people,
    unknown_person,
)
from gallery.store.schema import CONSENT, bookkeeping, enrolment, person, visit
from gallery.store.store_protocol import DAMAGED, DamagedGalleryError, Store
from gallery.store.visit_rows import (
    move_visits,
    read_recordings,
    read_visits,
    write_recordings,
    write_visits,
)
from stream.consent import Consent
from stream.errors import GalleryError

__all__ = ["Gallery", "open_gallery"]

_PER_FILE = 2**40
"""More than any database has revisions or people; see `Store.replacements`."""


def open_gallery(url: str | None = None, *, wait: float = 5.0, create: bool = True) -> Gallery:
    """Opens the gallery, and completes an erasure that was interrupted.

    Args:
        url: `sqlite:///path` or a path; None is the environment's SGE_GALLERY, else `gallery.db` in the
            user's data folder. `gallery.store.engines` lists the schemes.
        wait: seconds to wait for another process's write before giving up.
        create: True makes the gallery where there is none.

    Raises:
        GalleryError: it cannot be used; the text says why and what to do.
    """
    return Gallery(open_store(url, wait=wait, create=create))


class Gallery:
    """Enrolled people, in a store of any engine; `open_gallery` returns one. Threads may share it.

    Every method raises `GalleryError` where the database cannot be read or written.

    Args:
        store: the database; the gallery closes it.

    Attributes:
        history: its visits of the last days.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.history = VisitHistory(_Access(self))
        try:
            if self.erasure_pending():
                self._erase(patient=False)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Releases the database; calling it twice is harmless."""
        self._store.close()

    @property
    def url(self) -> str:
        """Address of the gallery, the same for all who open it; `open_gallery` takes it."""
        return self._store.url

    def revision(self) -> int:
        """Returns a number that grows with every change by any process; cheap to poll.

        It also grows when the database is replaced by another one, such as a copy.

        Raises:
            MissingGalleryError: the database is gone, or was replaced by something that cannot be opened.
        """
        with self._read() as db:
            return self._store.replacements * _PER_FILE + _revision(db)

    def check_writable(self) -> None:
        """Checks that a person could be stored now.

        Raises:
            GalleryError: the gallery cannot be written, or is in use for longer than the waiting time.
        """
        with self._store.write():
            pass

    def erasure_pending(self) -> bool:
        """Returns whether the database's files may still hold bytes of removed data."""
        with self._read() as db:
            return bool(db.execute(select(bookkeeping.c.removal > bookkeeping.c.erasure)).scalar_one())

    def people(self) -> list[Person]:
        """Returns all people, in order of name."""
        with self._read() as db:
            return read_people(db.execute(select_people()))

    def person(self, name: str) -> Person:
        """Returns the person of that name; case is ignored.

        Raises:
            GalleryError: there is none; the text suggests the most similar name.
        """
        query = select_people().where(person.c.name_key == name_key(clean_name(name)))
        with self._read() as db:
            found = read_people(db.execute(query))
            if not found:
                raise unknown_person(db, name)
            return found[0]

    def has(self, name: str) -> bool:
        """Returns whether a person of that name is enrolled; case is ignored."""
        query = select(person.c.id).where(person.c.name_key == name_key(clean_name(name)))
        with self._read() as db:
            return db.execute(query).first() is not None

    def contracts(self) -> dict[str, int]:
        """Returns the number of people with templates of each contract, by contract."""
        people = func.count(distinct(enrolment.c.person_id)).label("people")
        query = select(enrolment.c.contract_id, people).group_by(enrolment.c.contract_id)
        with self._read() as db:
            return {row.contract_id: row.people for row in db.execute(query)}

    def templates(self, contract_id: str, known: Iterable[PersonTemplates] = ()) -> list[PersonTemplates]:
        """Returns the templates of one contract, one item per walk, in order of enrolment.

        Walks are read one at a time, so that a long load delays neither writers nor an erasure. To notice a
        change made meanwhile, read `revision` first.

        Args:
            contract_id: of the encoder.
            known: what an earlier call returned. Templates of these walks are not read again; a walk that has
                not changed in any way is returned as the same object.
        """
        walk = enrolment.c
        query = select(enrolment, person.c.name).join_from(person, enrolment)
        query = query.where(walk.contract_id == contract_id).order_by(walk.id)
        by_id = {each.walk_id: each for each in known}
        loaded = []
        with self._read() as db:
            for row in db.execute(query).all():
                found = self._read_templates(db, row, by_id.get(self._earlier + row.id))
                if found is not None:
                    loaded.append(found)
        return loaded

    def _read_templates(
        self, db: Connection, row: Row[Any], known: PersonTemplates | None
    ) -> PersonTemplates | None:
        """Returns the templates of a walk; None if it was removed meanwhile."""
        shape = (row.windows, row.f, row.dimension)
        # A database that was written over may have the ids of another one.
        if known is not None and (known.created_at, known.templates.shape) != (row.created_at, shape):
            known = None
        cages = read_cages(db, row.id, shape) if known is None else known.templates
        if cages is None:
            return None
        found = PersonTemplates(
            self._earlier + row.person_id,
            row.name,
            row.sensor,
            cages,
            read_statistics(row.statistics) if known is None else known.statistics,
            row.pose_model,
            row.view,
            self._earlier + row.id,
            float(row.seconds),
            row.created_at,
        )
        return known if known is not None and _identity(known) == _identity(found) else found

    def enrol(
        self,
        name: str,
        enrolments: Sequence[NewEnrolment],
        consent_by: str,
        consent_at: datetime | None = None,
        consent_note: str = "",
    ) -> Person:
        """Stores a new person with all walks: durable when this returns, or nothing is stored.

        Args:
            name: see `gallery.store.names.clean_name`.
            enrolments: the person's walks, at least one.
            consent_by: whose consent it is, a value of `stream.consent.Consent`.
            consent_at: when consent was given (aware); None is now.
            consent_note: who gave it and where that is recorded; see `gallery.store.names.clean_note`.

        Raises:
            GalleryError: the name is taken or cannot be used, or a walk cannot be stored.
        """
        name = clean_name(name)
        if consent_by not in CONSENT:
            msg = f"expected consent by {' or '.join(CONSENT)}, got {consent_by!a}; ask the person"
            raise GalleryError(msg)
        note = clean_note(consent_note)
        check_walks(enrolments)
        now = datetime.now(UTC)
        consent_at = now if consent_at is None else consent_at.astimezone(UTC)
        new = Person(name, now, consent_at, Consent(consent_by).value, (), note)
        with self._write() as db:
            _, walks = _add_person(db, new, enrolments)
        return replace(new, enrolments=walks)

    def add_walks(self, name: str, enrolments: Sequence[NewEnrolment]) -> Person:
        """Adds walks to an enrolled person: all are durable when this returns, or none is stored.

        The person's consent stays as it is.

        Args:
            name: of the person; case is ignored.
            enrolments: the walks, at least one.

        Raises:
            GalleryError: no person has that name, or a walk cannot be stored.
        """
        key = name_key(clean_name(name))
        check_walks(enrolments)
        with self._write() as db:
            person_id = _person_id(db, key, name)
            for walk in enrolments:
                add_walk(db, person_id, walk, datetime.now(UTC))
            (found,) = read_people(db.execute(select_people().where(person.c.id == person_id)))
        return found

    def adopt(
        self, number: int, name: str, walks: Sequence[VisitWalk], consent_by: str, consent_note: str = ""
    ) -> tuple[Person, int]:
        """Enrols a remembered stranger, whose visits are the person's from then on.

        Args:
            number: of the stranger.
            name: see `enrol`.
            walks: those kept of the stranger, at least one; all are taken out of the visits.
            consent_by: see `enrol`.
            consent_note: see `enrol`.

        Returns:
            The person, and the number of the visits.

        Raises:
            GalleryError: as `enrol` does.
        """
        name, note = clean_name(name), clean_note(consent_note)
        enrolments = [walk.as_enrolment() for walk in walks]
        check_walks(enrolments)
        now = datetime.now(UTC)
        new = Person(name, now, now, Consent(consent_by).value, (), note)
        with self._write() as db:
            person_id, stored = _add_person(db, new, enrolments)
            visits = give_visits(db, number, person_id)
        return replace(new, enrolments=stored), visits

    def merge(self, name: str, other: str) -> Erasure:
        """Gives a person all walks of another, and erases the other's name from the database's files.

        The first person's consent stays, the other's is removed.

        Raises:
            GalleryError: no person has one of the names, or both are one person's.
        """
        keys = [name_key(clean_name(each)) for each in (name, other)]
        if keys[0] == keys[1]:
            msg = f"{clean_name(name)} cannot be merged with itself; give the names of two people"
            raise GalleryError(msg)
        with self._write(removal=True) as db:
            kept, removed = (_person_id(db, key, each) for key, each in zip(keys, (name, other), strict=True))
            walks = enrolment.c.person_id == removed
            db.execute(update(enrolment).where(walks).values(person_id=kept))
            move_visits(db, removed, kept)
            merge_visits(db, removed, kept)
            db.execute(delete(person).where(person.c.id == removed))
        return self._erase(patient=True)

    def rename(self, old: str, new: str) -> Erasure:
        """Changes a person's name, and erases the old one from the database's files.

        Raises:
            GalleryError: no person has the old name, or the new one is taken or cannot be used.
        """
        key, new = name_key(clean_name(old)), clean_name(new)
        names = {"name": new, "name_key": name_key(new)}
        with self._write(removal=True) as db:
            changed = update(person).where(person.c.name_key == key).values(names)
            if not _take_name(db, changed.returning(person.c.id), rename_taken(clean_name(old), new)):
                raise unknown_person(db, old)
        return self._erase(patient=True)

    def remove(self, name: str) -> Erasure:
        """Removes a person with all walks, templates and visits, and erases their bytes from all files.

        Of visits that were said to be another person's, and were this one's, the times and scores stay.

        Raises:
            GalleryError: no person has that name.
        """
        key = name_key(clean_name(name))
        with self._write(removal=True) as db:
            removed = _person_id(db, key, name)
            delete_walks(db, visit.c.was_id == removed)
            db.execute(delete(person).where(person.c.id == removed))
        return self._erase(patient=True)

    def stranger_visits(self, comparison: str) -> list[StrangerVisit]:
        """Returns the visits of enrolled walks as strangers, as far as they are known.

        Args:
            comparison: what the scores belong to: the version of a back-end.
        """
        with self._read() as db:
            return read_visits(db, comparison, self._earlier)

    def keep_visits(self, comparison: str, visits: Sequence[StrangerVisit]) -> None:
        """Stores visits of enrolled walks in place of those known; the revision stays, templates do too.

        Visits of walks that were removed meanwhile, or nearest to people who were, are left out.
        """
        with self._boundary(), self._store.write() as db:
            write_visits(db, comparison, visits, self._earlier)

    def stranger_recordings(self, comparison: str) -> list[StrangerRecording]:
        """Returns the visits of people who are not enrolled, from recordings; see `stranger_visits`."""
        with self._read() as db:
            return read_recordings(db, comparison, self._earlier)

    def replace_stranger_recordings(self, comparison: str, visits: Sequence[StrangerRecording]) -> None:
        """Replaces the visits from recordings, of all comparisons."""
        with self._write() as db:
            write_recordings(db, comparison, visits, self._earlier)

    @property
    def _earlier(self) -> int:
        """What ids as returned are above those of the database; see `Store.replacements`."""
        return self._store.replacements * _PER_FILE

    def copy_to(self, target: Connection) -> int:
        """Adds all people and visits to the tables of another gallery, as they are at one moment.

        Returns the number of people. Ids are the other gallery's own. Bytes of removed data are not copied.

        Args:
            target: in a write transaction.

        Raises:
            GalleryError: something that is stored cannot be what was enrolled.
        """
        with self._boundary(), self._store.snapshot() as db:
            return copy_people(db, target)

    def replace_people(self, source: Gallery, revision: int) -> Erasure:
        """Replaces all people and visits by those of another gallery, at once or not at all.

        The former are erased.

        Args:
            source: the other gallery.
            revision: of this gallery when it was decided to lose its people.

        Raises:
            GalleryError: it was changed since, or the other gallery is damaged.
        """
        with self._write(removal=True) as db:
            if self._store.replacements * _PER_FILE + _revision(db) != revision:
                msg = f"the gallery {self.url} was changed at this moment; nothing was replaced, try again"
                raise GalleryError(msg)
            db.execute(delete(visit))
            db.execute(delete(person))
            source.copy_to(db)
        return self._erase(patient=True)

    def _erase(self, *, patient: bool) -> Erasure:
        try:
            with self._read() as db:
                # A removal after this needs an erasure of its own.
                removal = int(db.execute(select(bookkeeping.c.removal)).scalar_one())
            self._store.erase(patient=patient)
            with self._boundary(), self._store.write() as db:
                erased = update(bookkeeping).where(bookkeeping.c.erasure < removal)
                db.execute(erased.values(erasure=removal))
        except GalleryError as error:
            return Erasure(done=False, reason=f"the removed data is still in the database: {error}")
        return Erasure(done=True)

    @contextmanager
    def _write(self, *, removal: bool = False, quiet: bool = False) -> Iterator[Connection]:
        """A write transaction that ends with a new revision, unless it is quiet."""
        with self._boundary(), self._store.write() as db:
            yield db
            values = {} if quiet else {"revision": bookkeeping.c.revision + 1}
            values |= {"removal": bookkeeping.c.removal + 1} if removal else {}
            if values:
                db.execute(update(bookkeeping).values(values))

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with self._boundary(), self._store.read() as db:
            yield db

    @contextmanager
    def _boundary(self) -> Iterator[None]:
        """Turns what a damaged row does to the code that decodes it into a `GalleryError`."""
        try:
            yield
        except (ValueError, TypeError, OverflowError):
            raise DamagedGalleryError(f"the gallery {self.url} {DAMAGED}", self.url) from None


def _identity(walk: PersonTemplates) -> tuple[Any, ...]:
    """Returns what can change of a stored walk."""
    return walk.person_id, walk.name, walk.sensor, walk.pose_model, walk.view, walk.seconds


class _Access:
    """What the history needs of its gallery; see `gallery.store.history.Access`."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery

    @property
    def earlier(self) -> int:
        return self._gallery._earlier

    def read(self) -> AbstractContextManager[Connection]:
        return self._gallery._read()

    def write(self, *, removal: bool, quiet: bool) -> AbstractContextManager[Connection]:
        return self._gallery._write(removal=removal, quiet=quiet)

    def erase(self, *, patient: bool) -> Erasure:
        return self._gallery._erase(patient=patient)


def _add_person(
    db: Connection, new: Person, walks: Sequence[NewEnrolment]
) -> tuple[int, tuple[Enrolment, ...]]:
    """Stores a person without walks, and walks; returns the person's id and the walks as stored.

    Raises:
        GalleryError: the name is taken, or a walk cannot be stored.
    """
    added = insert(person).values(
        name=new.name,
        name_key=name_key(new.name),
        enrolled_at=new.enrolled_at,
        consent_at=new.consent_at,
        consent_by=new.consent_by,
        consent_note=new.consent_note or None,
    )
    (person_id,) = _take_name(db, added.returning(person.c.id), name_taken(new.name))
    return person_id, tuple(add_walk(db, person_id, walk, new.enrolled_at) for walk in walks)


def _revision(db: Connection) -> int:
    return int(db.execute(select(bookkeeping.c.revision)).scalar_one())


def _person_id(db: Connection, key: str, name: str) -> int:
    """Returns the id of the person with the key of that name.

    Raises:
        GalleryError: there is none.
    """
    found = db.execute(select(person.c.id).where(person.c.name_key == key)).scalar_one_or_none()
    if found is None:
        raise unknown_person(db, name)
    return int(found)


def _take_name(db: Connection, statement: Executable, taken: GalleryError) -> Sequence[int]:
    """Runs a statement that gives a person a name; returns the person's id, or nothing if no row matched.

    Raises:
        GalleryError: `taken`, if another person has the name.
    """
    with suppress(IntegrityError):
        return db.execute(statement).scalars().all()
    raise taken
