"""The gallery: who is enrolled, with which templates. It is the truth; whatever is searched derives from it.

Any process may write at any time. Who keeps templates in memory polls `Gallery.revision` and loads again
when it has changed. No call leaves a transaction open.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Self

from sqlalchemy import Connection, Executable, delete, distinct, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from gallery.store.location import gallery_path
from gallery.store.names import clean_name, name_key, name_taken
from gallery.store.records import Enrolment, Erasure, NewEnrolment, Person, PersonTemplates
from gallery.store.rows import (
    add_walk,
    check_walks,
    nobody,
    read_cages,
    read_people,
    read_statistics,
    select_people,
)
from gallery.store.schema import CONSENT, bookkeeping, enrolment, person
from gallery.store.sqlite import SqliteFile
from stream.errors import GalleryError

__all__ = ["Enrolment", "Erasure", "Gallery", "NewEnrolment", "Person", "PersonTemplates", "open_gallery"]


def open_gallery(url: str | None = None, *, wait: float = 5.0) -> Gallery:
    """Open the gallery, making it where there is none, and finish an erasure that was left undone.

    Args:
        url: `sqlite:///path` or a path; None is the environment's SGE_GALLERY, else `gallery.db` in the
            user's data folder.
        wait: seconds to wait for another process's write before giving up.

    Raises:
        GalleryError: it cannot be used; the text says why and what to do.
    """
    return Gallery(SqliteFile(gallery_path(url), wait))


class Gallery:
    """The people who were enrolled; get one from `open_gallery`. Threads may share it.

    Every method raises `GalleryError` where the database cannot be read or written.
    """

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        try:
            if self.erasure_pending():
                file.erase(patient=False)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the database; calling it twice is harmless."""
        self._file.engine.dispose()

    @property
    def url(self) -> str:
        """Where the gallery is, the same for all who have opened it; opens it again."""
        return f"sqlite:///{self._file.path.resolve().as_posix()}"

    def revision(self) -> int:
        """A number that grows with every change, by whichever process; cheap to poll."""
        with self._read() as db:
            return int(db.execute(select(bookkeeping.c.revision)).scalar_one())

    def erasure_pending(self) -> bool:
        """Whether the files may still hold bytes of something that was removed."""
        with self._read() as db:
            return bool(db.execute(select(bookkeeping.c.removal > bookkeeping.c.erasure)).scalar_one())

    def people(self) -> list[Person]:
        """Everyone, in order of name."""
        with self._read() as db:
            return read_people(db.execute(select_people()))

    def person(self, name: str) -> Person:
        """The person of that name, without regard to case.

        Raises:
            GalleryError: there is none; the text names the nearest.
        """
        query = select_people().where(person.c.name_key == name_key(clean_name(name)))
        with self._read() as db:
            found = read_people(db.execute(query))
            if not found:
                raise nobody(db, name)
            return found[0]

    def has(self, name: str) -> bool:
        """Whether the name is taken, without regard to case."""
        query = select(person.c.id).where(person.c.name_key == name_key(clean_name(name)))
        with self._read() as db:
            return db.execute(query).first() is not None

    def contracts(self) -> dict[str, int]:
        """The contracts of the templates here, and how many people have templates of each."""
        people = func.count(distinct(enrolment.c.person_id)).label("people")
        query = select(enrolment.c.contract_id, people).group_by(enrolment.c.contract_id)
        with self._read() as db:
            return {row.contract_id: row.people for row in db.execute(query)}

    def templates(self, contract_id: str) -> list[PersonTemplates]:
        """The templates of one contract, an item a walk, in order of enrolment.

        They are read walk by walk, so that a long load keeps neither writers nor an erasure waiting. Who
        must not miss a change made meanwhile asks for `revision` before.
        """
        walk = enrolment.c
        shape = (walk.windows, walk.f, walk.dimension)
        columns = (walk.id, *shape, person.c.id, person.c.name, walk.sensor, walk.statistics)
        query = select(*columns).join_from(person, enrolment).where(walk.contract_id == contract_id)
        query = query.order_by(walk.id)
        loaded = []
        with self._read() as db:
            for walk_id, windows, f, dimension, number, name, sensor, statistics in db.execute(query).all():
                cages = read_cages(db, walk_id, (windows, f, dimension))
                if cages is not None:
                    numbers = read_statistics(statistics)
                    loaded.append(PersonTemplates(number, name, sensor, cages, numbers))
        return loaded

    def enrol(
        self,
        name: str,
        enrolments: Sequence[NewEnrolment],
        consent_by: str,
        consent_at: datetime | None = None,
    ) -> Person:
        """Store a new person with their walks: all of it, on disk when this returns, or nothing.

        Args:
            name: see `gallery.store.names.clean_name`.
            enrolments: the person's walks, at least one.
            consent_by: `asked` or `--yes`.
            consent_at: when consent was given (aware); None is now.

        Raises:
            GalleryError: the name is taken or cannot be used, or a walk cannot be stored.
        """
        name = clean_name(name)
        if consent_by not in CONSENT:
            msg = f"consent is given by {' or '.join(CONSENT)}, not by {consent_by!a}; ask the person"
            raise GalleryError(msg)
        check_walks(enrolments)
        now = datetime.now(UTC)
        consent_at = now if consent_at is None else consent_at.astimezone(UTC)
        values = {"enrolled_at": now, "consent_at": consent_at, "consent_by": consent_by}
        with self._write() as db:
            added = insert(person).values(name=name, name_key=name_key(name), **values)
            (person_id,) = _take_name(db, name, added.returning(person.c.id))
            walks = tuple(add_walk(db, person_id, walk, now) for walk in enrolments)
        return Person(name, now, consent_at, consent_by, walks)

    def rename(self, old: str, new: str) -> Erasure:
        """Give a person another name, and erase the old one from the files.

        Raises:
            GalleryError: nobody has the old name, or the new one is taken or cannot be used.
        """
        key, new = name_key(clean_name(old)), clean_name(new)
        names = {"name": new, "name_key": name_key(new)}
        with self._write(removal=True) as db:
            changed = update(person).where(person.c.name_key == key).values(names)
            if not _take_name(db, new, changed.returning(person.c.id)):
                raise nobody(db, old)
        return self._erase()

    def remove(self, name: str) -> Erasure:
        """Remove a person with all walks and templates, and erase their bytes from the files.

        Raises:
            GalleryError: nobody has that name.
        """
        key = name_key(clean_name(name))
        with self._write(removal=True) as db:
            if not db.execute(delete(person).where(person.c.name_key == key)).rowcount:
                raise nobody(db, name)
        return self._erase()

    def _erase(self) -> Erasure:
        reason = self._file.erase(patient=True)
        return Erasure(done=not reason, reason=reason)

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with self._file.plain_errors(), self._file.engine.connect() as db:
            yield db

    @contextmanager
    def _write(self, *, removal: bool = False) -> Iterator[Connection]:
        """A transaction that ends with a new revision."""
        with self._file.plain_errors(), self._file.transaction() as db:
            yield db
            following = bookkeeping.c.revision + 1
            values = {"revision": following, **({"removal": following} if removal else {})}
            db.execute(update(bookkeeping).values(values))


def _take_name(db: Connection, name: str, statement: Executable) -> Sequence[int]:
    """The numbers of the people whom the statement gives this name: one, or none where it finds nobody.

    Raises:
        GalleryError: it is another person's name.
    """
    with suppress(IntegrityError):
        return db.execute(statement).scalars().all()
    raise name_taken(name)
