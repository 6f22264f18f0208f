"""The gallery in one SQLite file: opening it safely, telling its errors in plain words, erasing for good."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from sqlalchemy import Connection, NullPool, QueuePool, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from gallery.store.schema import APPLICATION_ID, SCHEMA_VERSION, bookkeeping, metadata
from stream.errors import GalleryError

__all__ = ["SqliteFile"]

_FIRST_PAUSE = 0.02  # seconds, doubled from try to try

# temp_store: what SQLite keeps of a statement or a VACUUM must not reach a temporary file.
_PRAGMAS = (
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",
    "PRAGMA synchronous=FULL",
    "PRAGMA temp_store=MEMORY",
)


_UPGRADES = ("ALTER TABLE enrolment ADD COLUMN statistics BLOB",)
"""From each version to the next."""


class SqliteFile:
    """A gallery's database file, which any number of processes may read and write at once.

    Args:
        path: made where it is missing, for its owner alone (0600, and 0700 for a folder made for it).
        wait: seconds to wait for another process's write before giving up.

    Raises:
        GalleryError: what stands there is no gallery of ours (and stays untouched), or cannot be used.
    """

    def __init__(self, path: Path, wait: float) -> None:
        self.path = path
        self._wait = wait
        with self.plain_errors():
            if not path.exists():
                _make(path)
            self._identify()
        self.engine = create_engine(
            "sqlite://", creator=self._connect, poolclass=QueuePool, hide_parameters=True
        )
        event.listen(self.engine, "begin", _begin)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Write: all of it or nothing, and on disk when the block ends."""
        with self.engine.execution_options(writes=True).begin() as db:
            yield db

    @contextmanager
    def plain_errors(self) -> Iterator[None]:
        """Turn whatever the database says into one `GalleryError`, which shows nothing of its own words."""
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise GalleryError(self._explain(error)) from None

    def erase(self, *, patient: bool) -> str:
        """Overwrite what was deleted, in the file and its log; the reason why not, or nothing.

        `secure_delete` zeroes what is freed, but SQLite leaves copies of rows behind where it has moved
        them between pages; only VACUUM, which rebuilds the file from the rows that are left, is sure.

        Args:
            patient: try again while readers or writers are in the way, within the file's `wait`.
        """
        wait = self._wait if patient else 0.0
        try:
            with closing(self._connect()) as db:
                (revision,) = db.execute("SELECT revision FROM gallery").fetchone()
                if not _empty_log(db, wait):  # before the costly part
                    return self._pinned()
                db.execute("VACUUM")
                if not _empty_log(db, wait):
                    return self._pinned()
                db.execute("UPDATE gallery SET erasure = ? WHERE erasure < ?", (revision, revision))
        except sqlite3.Error as error:
            return f"the erased data is still in the file: {self._explain(error)}"
        return ""

    def _pinned(self) -> str:
        return (
            f"another program is reading or writing {self.path}, so the erased data is still in the file; "
            "close that program and open the gallery again, which finishes the erasure"
        )

    def _connect(self) -> sqlite3.Connection:
        return _connect(self.path, self._wait)

    def _identify(self) -> None:
        """See that the file is a gallery that this program can use.

        First from its first page alone, without locks or logs (`immutable`): opened in the usual way, a
        foreign database might change. SQLite does the reading, because closing a file of one's own drops
        the locks that this process holds on it (https://www.sqlite.org/howtocorrupt.html, 2.2).
        """
        if not self.path.is_file():
            msg = f"{self.path} is a folder or a device, not a gallery; give the path of a file"
            raise GalleryError(msg)
        mark = self._mark()
        if mark != APPLICATION_ID:
            msg = f"{self.path} is not a gallery; it was left as it is: give another path"
            raise GalleryError(msg)
        if not os.access(self.path, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            msg = f"the gallery {self.path} {_READ_ONLY}"
            raise GalleryError(msg)
        with closing(self._connect()) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            msg = (
                f"the gallery {self.path} was made by a newer sge-stream (its schema is {version}, "
                f"this program knows {SCHEMA_VERSION}); update sge-stream"
            )
            raise GalleryError(msg)
        if version < SCHEMA_VERSION:
            self._upgrade()

    def _upgrade(self) -> None:
        """Bring an older file to this program's tables, in one transaction; whoever comes first does it."""
        with closing(self._connect()) as db:
            db.execute("BEGIN IMMEDIATE")
            (version,) = db.execute("PRAGMA user_version").fetchone()
            for step in _UPGRADES[version - 1 :]:
                db.execute(step)
            db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
            db.execute("COMMIT")

    def _mark(self) -> int | None:
        """The file's application id; None where it is no SQLite file."""
        marks: list[int | None] = []

        def attempt() -> bool:
            try:
                with closing(sqlite3.connect(_uri(self.path, "mode=ro&immutable=1"), uri=True)) as db:
                    marks.extend(db.execute("PRAGMA application_id").fetchone())
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
                    marks.append(None)
                # While another process folds its log into the file, its end may still be missing.
                elif error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CORRUPT:
                    raise
            return bool(marks)

        if not _succeeds(attempt, self._wait):
            raise GalleryError(f"{self.path} {_DAMAGED}")
        return marks[0]

    def _explain(self, error: Exception) -> str:
        """What went wrong, where, and what to do; without the words of SQLite, SQLAlchemy or a row."""
        cause = getattr(error, "orig", None) or error
        if isinstance(cause, OSError):
            return (
                f"the gallery {self.path} cannot be used ({cause.strerror or 'input/output error'}); "
                "choose a file in a folder that you may write, with --gallery or SGE_GALLERY"
            )
        code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the primary code
        return f"the gallery {self.path} " + _SENTENCES.get(code, _UNKNOWN).format(wait=self._wait)


_BUSY = "is in use by another program for more than {wait:g} s; close that program, or try again"
_READ_ONLY = (
    "cannot be written; give yourself the right to write the file and its folder, or choose another "
    "file with --gallery or SGE_GALLERY"
)
_DAMAGED = "is damaged; put back a copy of it, or move it away and enrol again"
_UNKNOWN = "cannot be used, for an unexpected reason; see what `sge-stream doctor` says"
_SENTENCES = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_IOERR: "cannot be read or written; see whether its disk is well, and try again",
    sqlite3.SQLITE_FULL: "finds no more room on its disk; free some, and try again",
}


def _begin(db: Connection) -> None:
    # A writer takes its lock at once: a reader that turns writer midway can fail beyond repair.
    # Readers begin nothing: each statement sees one state, and none is kept from the log's checkpoint.
    if db.get_execution_options().get("writes"):
        db.exec_driver_sql("BEGIN IMMEDIATE")


def _empty_log(db: sqlite3.Connection, wait: float) -> bool:
    """Fold the log into the file and cut it to nothing; whether readers and writers let it happen."""

    def attempt() -> bool:
        (busy, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    # While SQLite itself waits for readers here, it keeps every writer out: better often than long.
    db.execute(f"PRAGMA busy_timeout={round(1000 * _FIRST_PAUSE)}")
    done = _succeeds(attempt, wait)
    db.execute(f"PRAGMA busy_timeout={round(1000 * wait)}")
    return done


def _succeeds(attempt: Callable[[], bool], wait: float) -> bool:
    """Try with growing pauses, for about `wait` seconds; whether it succeeded."""
    pause, waited = _FIRST_PAUSE, 0.0
    while not attempt():
        if waited >= wait:
            return False
        time.sleep(pause)
        waited += pause
        pause *= 2
    return True


def _uri(path: Path, mode: str) -> str:
    name = path.absolute().as_posix()
    return f"file://{'' if name.startswith('/') else '/'}{quote(name)}?{mode}"


def _connect(path: Path, wait: float) -> sqlite3.Connection:
    # mode=rw: never make a file behind anybody's back. isolation_level=None: see `_begin`.
    uri = _uri(path, "mode=rw")
    db = sqlite3.connect(uri, uri=True, timeout=wait, isolation_level=None, check_same_thread=False)
    try:
        for pragma in _PRAGMAS:
            db.execute(pragma)
    except BaseException:
        db.close()
        raise
    return db


def _make(path: Path) -> None:
    """Make an empty gallery, which stands there whole or not at all; whoever comes first makes it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".gallery-", dir=path.parent) as folder:
        draft = Path(folder) / "draft.db"
        draft.touch(mode=0o600)
        engine = create_engine("sqlite://", creator=lambda: _connect(draft, 0.0), poolclass=NullPool)
        event.listen(engine, "begin", _begin)
        with engine.execution_options(writes=True).begin() as db:
            metadata.create_all(db)
            db.execute(bookkeeping.insert().values(id=1, revision=0, removal=0, erasure=0))
            db.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
            db.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
        with closing(_connect(draft, 0.0)) as raw:
            (journal,) = raw.execute("PRAGMA journal_mode=WAL").fetchone()
        if journal != "wal":
            msg = (
                f"programs cannot share a database in the folder {path.parent}; use a folder on a local disk"
            )
            raise GalleryError(msg)
        with suppress(FileExistsError):
            os.link(draft, path)
