"""SQLite engine: a gallery in one file; safe opening, transactions, erasure of removed data."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from sqlalchemy import Connection, Engine, NullPool, QueuePool

from gallery.store.file_systems import refuse_network_share
from gallery.store.schema import SCHEMA_VERSION
from gallery.store.sqlite_connection import (
    IMMUTABLE,
    READ_ONLY_MODE,
    READ_WRITE,
    connect,
    empty_log,
    engine,
    transaction,
)
from gallery.store.sqlite_errors import ERRORS, READ_ONLY, explain
from gallery.store.sqlite_files import check_place, make_gallery, use_log
from gallery.store.sqlite_identity import (
    APPLICATION_ID,
    FileId,
    beside,
    file_id,
    file_url,
    holds_gallery,
    quiet_state,
)
from gallery.store.store_protocol import GONE, MissingGalleryError
from stream.errors import GalleryError
from stream.paths import path_exists

__all__ = ["SqliteFile"]

_UPGRADES = (
    ("ALTER TABLE enrolment ADD COLUMN statistics BLOB",),
    (
        "ALTER TABLE enrolment ADD COLUMN pose_model VARCHAR",
        "ALTER TABLE enrolment ADD COLUMN view VARCHAR",
    ),
    (
        "CREATE TABLE stranger_visit ("
        "enrolment_id INTEGER NOT NULL, comparison VARCHAR NOT NULL, score FLOAT NOT NULL, "
        "nearest_id INTEGER NOT NULL, people INTEGER NOT NULL, newest INTEGER NOT NULL, "
        "PRIMARY KEY (enrolment_id, comparison), "
        "FOREIGN KEY(enrolment_id) REFERENCES enrolment (id) ON DELETE CASCADE, "
        "FOREIGN KEY(nearest_id) REFERENCES person (id) ON DELETE CASCADE)",
        "CREATE INDEX ix_stranger_visit_nearest_id ON stranger_visit (nearest_id)",
        "CREATE TABLE stranger_recording ("
        "id INTEGER NOT NULL, comparison VARCHAR NOT NULL, sensor VARCHAR NOT NULL, score FLOAT NOT NULL, "
        "nearest_id INTEGER NOT NULL, people INTEGER NOT NULL, PRIMARY KEY (id), "
        "FOREIGN KEY(nearest_id) REFERENCES person (id) ON DELETE CASCADE)",
        "CREATE INDEX ix_stranger_recording_nearest_id ON stranger_recording (nearest_id)",
    ),
    ("ALTER TABLE person ADD COLUMN consent_note VARCHAR",),
    (
        "ALTER TABLE gallery ADD COLUMN visitors INTEGER NOT NULL DEFAULT '0'",
        # Removals were numbered by revisions; they are counted on their own since visits are removed too.
        "UPDATE gallery SET erasure = min(erasure, removal)",
        "CREATE TABLE visit ("
        "id VARCHAR NOT NULL, source VARCHAR NOT NULL, sensor VARCHAR NOT NULL, "
        "arrived_at DATETIME NOT NULL, left_at DATETIME NOT NULL, keep_until DATETIME NOT NULL, "
        "walking_s FLOAT NOT NULL CHECK (walking_s >= 0), windows INTEGER NOT NULL CHECK (windows >= 0), "
        "quality FLOAT NOT NULL CHECK (quality BETWEEN 0 AND 1), "
        "outcome VARCHAR NOT NULL CHECK (outcome IN ('person', 'unknown', 'undecided')), "
        "person_id INTEGER, visitor INTEGER, reason_code VARCHAR NOT NULL, confidence INTEGER, "
        "changes INTEGER NOT NULL, interrupted BOOLEAN NOT NULL, view VARCHAR NOT NULL, "
        "comparison VARCHAR NOT NULL, people INTEGER NOT NULL, fpir FLOAT, "
        "truth VARCHAR CHECK (truth IN ('confirmed', 'denied')), was_id INTEGER, PRIMARY KEY (id), "
        "FOREIGN KEY(person_id) REFERENCES person (id) ON DELETE CASCADE, "
        "FOREIGN KEY(was_id) REFERENCES person (id) ON DELETE SET NULL)",
        *(
            f"CREATE INDEX ix_visit_{column} ON visit ({column})"
            for column in ("arrived_at", "left_at", "keep_until", "person_id", "visitor", "was_id")
        ),
        "CREATE TABLE visit_candidate ("
        "visit_id VARCHAR NOT NULL, rank INTEGER NOT NULL, person_id INTEGER NOT NULL, score FLOAT NOT NULL, "
        "threshold FLOAT, PRIMARY KEY (visit_id, rank), "
        "FOREIGN KEY(visit_id) REFERENCES visit (id) ON DELETE CASCADE, "
        "FOREIGN KEY(person_id) REFERENCES person (id) ON DELETE CASCADE)",
        "CREATE INDEX ix_visit_candidate_person_id ON visit_candidate (person_id)",
        "CREATE TABLE visit_walk ("
        "visit_id VARCHAR NOT NULL, contract_id VARCHAR NOT NULL, pose_model VARCHAR, "
        "templates INTEGER NOT NULL CHECK (templates > 0), f INTEGER NOT NULL CHECK (f > 0), "
        "dimension INTEGER NOT NULL CHECK (dimension > 0), keep_until DATETIME, "
        "cages BLOB NOT NULL, statistics BLOB NOT NULL, PRIMARY KEY (visit_id), "
        "FOREIGN KEY(visit_id) REFERENCES visit (id) ON DELETE CASCADE)",
    ),
)
"""Statements that upgrade the tables of each version to the next; the file records its version as
`PRAGMA user_version`."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """One file that is open.

    Attributes:
        file: which one it is.
        writable: whether this process may write it.
        engine: its connections.
        anchor: a connection that stays open: it keeps the log's files, and the inode's number from being used
            again for another file.
        logs: the files of its log, by suffix.
        quiet_engine: connections to a file that cannot be written and has no log.
    """

    file: FileId
    writable: bool
    engine: Engine
    anchor: sqlite3.Connection
    logs: dict[str, FileId | None]
    quiet_engine: Engine

    def close(self) -> None:
        self.engine.dispose()
        self.anchor.close()


class SqliteFile:
    """A gallery in an SQLite file; implements `gallery.store.store_protocol.Store`.

    Args:
        url: `sqlite:///path`.
        wait: seconds to wait for other users of the file before a call fails.
        create: True makes a missing file, readable by its owner only (0600; 0700 for a new folder).

    Raises:
        GalleryError: there is no file and `create` is False, the file is not a gallery (it stays unchanged),
            or it cannot be used.
        UserError: the path cannot be examined.
    """

    def __init__(self, url: str, *, wait: float, create: bool) -> None:
        self._path = _path(url)
        self._wait = wait
        self._lock = threading.Lock()
        self._replacements = 0
        if not path_exists(self._path):
            check_place(self._path)
            if not create:
                hint = "give --gallery, or enrol a person: sge-stream enroll NAME"
                raise MissingGalleryError(f"there is no gallery {self._path}; {hint}", self.url)
        with self._plain_errors():
            if not self._path.exists():
                make_gallery(self._path, wait)
            self._opened: _Opened | None = self._open()

    @property
    def url(self) -> str:
        """`sqlite:///` and the resolved path."""
        return file_url(self._path)

    @property
    def replacements(self) -> int:
        """See `Store.replacements`."""
        return self._replacements

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """See `Store.read`. No transaction is begun, so that a reader never delays the log's checkpoint."""
        with self._plain_errors():
            opened = self._current()
            quiet = None if opened.writable else quiet_state(self._path)
            with (opened.engine if quiet is None else opened.quiet_engine).connect() as db:
                yield db
            # Without a log there are no locks; a writer would have changed this state.
            if quiet is not None and quiet_state(self._path) != quiet:
                msg = f"the gallery {self._path} was changed while it was read; try again"
                raise GalleryError(msg)

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """See `Store.snapshot`."""
        with self.read() as db:
            db.exec_driver_sql("BEGIN")  # ends when the connection goes back to the pool
            yield db

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """See `Store.write`."""
        with self._plain_errors():
            opened = self._writable()
            with transaction(opened.engine) as db:
                self._check_unmoved(opened)
                yield db
                self._check_unmoved(opened)
            try:
                self._check_unmoved(opened)
            except GalleryError:
                with suppress(GalleryError):
                    self._current()  # takes the log away, which now has what was written
                raise
            self._empty_log(opened)

    def erase(self, *, patient: bool) -> None:
        """See `Store.erase`.

        `secure_delete` zeroes freed space, but SQLite leaves copies of rows behind where it moved them
        between pages. Only VACUUM, which rebuilds the file from the remaining rows, removes these.
        """
        wait = self._wait if patient else 0.0
        with self._plain_errors(), closing(self._connect(self._writable().file, READ_WRITE)) as db:
            emptied = empty_log(db, wait)  # before the costly part
            if emptied:
                db.execute("VACUUM")
                emptied = empty_log(db, wait)
        if not emptied:
            msg = (
                f"another program is reading or writing {self._path}; close that program and open the "
                "gallery again, which completes the erasure"
            )
            raise GalleryError(msg)

    def close(self) -> None:
        """See `Store.close`."""
        with self._lock:
            opened, self._opened = self._opened, None
            if opened is not None:
                opened.close()

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        """Turns an error of the database into one `GalleryError` without the database's own words."""
        try:
            yield
        except ERRORS as error:
            raise explain(error, self._path, self._wait) from None

    def _current(self) -> _Opened:
        """Returns the file that is at the path now; opens it where it is another one than before."""
        with self._lock:
            opened, found = self._opened, file_id(self._path)
            if opened is not None and opened.file == found and opened.writable == _may_write(self._path):
                return opened
            if opened is not None:
                self._leave(opened, gone=found != opened.file)
            if found is None:
                raise MissingGalleryError(f"the gallery {self._path} {GONE}", self.url)
            try:
                with self._plain_errors():
                    self._opened = self._open()
            except GalleryError as error:
                raise MissingGalleryError(str(error), self.url) from None
            if opened is None or opened.file != found:
                self._replacements += 1
            return self._opened

    def _leave(self, opened: _Opened, *, gone: bool) -> None:
        """Closes a file; where it is gone, first moves its log into it, wherever it is now.

        The names of its log must not stay: SQLite would take them for the log of the next file at the path.
        """
        if gone and opened.writable:
            emptied = False
            with suppress(sqlite3.Error):
                emptied = empty_log(opened.anchor, 0.0)
            if not emptied:
                msg = f"the gallery {self._path} was replaced, and the old one is still in use; try again"
                raise MissingGalleryError(msg, self.url)
            for suffix, file in opened.logs.items():
                if file is not None and file_id(beside(self._path, suffix)) == file:
                    beside(self._path, suffix).unlink(missing_ok=True)
        opened.close()
        self._opened = None

    def _writable(self) -> _Opened:
        opened = self._current()
        if not opened.writable:
            msg = f"the gallery {self._path} {READ_ONLY}"
            raise GalleryError(msg)
        return opened

    def _check_unmoved(self, opened: _Opened) -> None:
        if file_id(self._path) != opened.file:
            msg = (
                f"the gallery {self._path} was replaced or deleted at this moment; nothing was stored, "
                "try again"
            )
            raise GalleryError(msg)

    def _empty_log(self, opened: _Opened) -> None:
        """Tries once: where somebody replaces the file by hand, its log, which stays, should have nothing."""
        with self._lock, suppress(sqlite3.Error):
            if opened is self._opened:
                empty_log(opened.anchor, 0.0)

    def _connect(self, file: FileId, mode: str) -> sqlite3.Connection:
        """Opens a connection to this file and its log, and to no other at the same path."""
        db = connect(self._path, self._wait, mode)
        try:
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()  # opens the log
            if file_id(self._path) != file:
                msg = f"the gallery {self._path} was replaced or deleted at this moment; try again"
                raise GalleryError(msg)
        except BaseException:
            db.close()
            raise
        return db

    def _open(self) -> _Opened:
        """Opens the file, if it is a gallery that this program can use."""
        file = file_id(self._path)
        if file is None or not self._path.is_file():
            msg = f"{self._path} is a folder or a device, not a gallery; give the path of a file"
            raise GalleryError(msg)
        refuse_network_share(self._path)
        if not holds_gallery(self._path):
            msg = f"{self._path} is not a gallery and was not changed; give another path"
            raise GalleryError(msg)
        writable = _may_write(self._path)
        quiet = None if writable else quiet_state(self._path)
        mode = READ_WRITE if writable else READ_ONLY_MODE
        self._check_version(file, mode if quiet is None else IMMUTABLE)
        anchor = self._connect(file, mode if quiet is None else IMMUTABLE)
        return _Opened(
            file,
            writable,
            engine(partial(self._connect, file, mode), QueuePool if writable else NullPool),
            anchor,
            {suffix: file_id(beside(self._path, suffix)) for suffix in ("-wal", "-shm")},
            engine(partial(self._connect, file, IMMUTABLE)),
        )

    def _check_version(self, file: FileId, mode: str) -> None:
        """Refuses a newer file, upgrades an older one, and switches a copy to a log."""
        with closing(self._connect(file, mode)) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            (application,) = db.execute("PRAGMA application_id").fetchone()
            if application != APPLICATION_ID:
                msg = f"{self._path} is not a gallery; give another path"
                raise GalleryError(msg)
            if version > SCHEMA_VERSION:
                msg = (
                    f"the gallery {self._path} was made by a newer sge-stream (schema {version}; this "
                    f"program supports up to {SCHEMA_VERSION}); update sge-stream"
                )
                raise GalleryError(msg)
            if version < SCHEMA_VERSION and mode != READ_WRITE:
                msg = f"the gallery {self._path} of an older sge-stream has to be upgraded, but {READ_ONLY}"
                raise GalleryError(msg)
            if mode == READ_WRITE:
                use_log(db, self._path)
            if version < SCHEMA_VERSION:
                _upgrade(db)


def _upgrade(db: sqlite3.Connection) -> None:
    """Upgrades the tables of an older file in one transaction, unless another process has done so."""
    db.execute("BEGIN IMMEDIATE")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    for statement in chain.from_iterable(_UPGRADES[max(version, 1) - 1 :]):
        db.execute(statement)
    db.execute(f"PRAGMA user_version={max(version, SCHEMA_VERSION)}")
    db.execute("COMMIT")


def _may_write(path: Path) -> bool:
    """Returns whether this process may write a file, and the files of its log beside it."""
    effective = os.access in os.supports_effective_ids
    return all(os.access(place, os.W_OK, effective_ids=effective) for place in (path, path.resolve().parent))


def _path(url: str) -> Path:
    """Returns the path of `sqlite:///path`, with `~` expanded.

    Raises:
        GalleryError: the URL names no file.
    """
    text = url.removeprefix("sqlite:///") if url.startswith("sqlite:///") else ""
    if not text or text == ":memory:" or "\0" in text:
        msg = f"a gallery needs a file, got {url!a}; give sqlite:///path or a path"
        raise GalleryError(msg)
    try:
        return Path(text).expanduser()
    except RuntimeError:
        msg = f"the home folder in {text} is unknown; give the full path of the gallery"
    raise GalleryError(msg)
