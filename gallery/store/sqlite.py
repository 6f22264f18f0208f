"""SQLite engine: a gallery in one file; safe opening, transactions, erasure of removed data."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from sqlalchemy import Connection, Engine, NullPool, Pool, QueuePool, create_engine
from sqlalchemy.exc import SQLAlchemyError

from gallery.store.schema import SCHEMA_VERSION, create_tables
from gallery.store.sqlite_errors import DAMAGED, READ_ONLY, explain
from stream.errors import GalleryError
from stream.paths import path_exists

__all__ = ["SqliteFile"]

_APPLICATION_ID = 0x53474547
"""Marks an SQLite file as a gallery (`PRAGMA application_id`, "SGEG")."""

_FIRST_PAUSE = 0.02  # seconds; doubles with each retry

# temp_store: intermediate data of a statement or a VACUUM must not reach a temporary file.
_PRAGMAS = (
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",
    "PRAGMA synchronous=FULL",
    "PRAGMA temp_store=MEMORY",
)

_UPGRADES = ("ALTER TABLE enrolment ADD COLUMN statistics BLOB",)
"""Statement that upgrades the tables of each version to the next; the file records its version as
`PRAGMA user_version`."""


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
        if not create and not path_exists(self._path):
            hint = "give --gallery, or enrol a person: sge-stream enroll NAME"
            raise GalleryError(f"there is no gallery {self._path}; {hint}")
        with self._plain_errors():
            if not self._path.exists():
                _make(self._path)
            self._identify()
        self._engine = _engine(self._path, wait, QueuePool)

    @property
    def url(self) -> str:
        """`sqlite:///` and the resolved path."""
        return f"sqlite:///{self._path.resolve().as_posix()}"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """See `Store.read`. No transaction is begun, so that a reader never delays the log's checkpoint."""
        with self._plain_errors(), self._engine.connect() as db:
            yield db

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """See `Store.write`."""
        with self._plain_errors(), _transaction(self._engine) as db:
            yield db

    def erase(self, *, patient: bool) -> None:
        """See `Store.erase`.

        `secure_delete` zeroes freed space, but SQLite leaves copies of rows behind where it moved them
        between pages. Only VACUUM, which rebuilds the file from the remaining rows, removes these.
        """
        wait = self._wait if patient else 0.0
        with self._plain_errors(), closing(self._connect()) as db:
            emptied = _empty_log(db, wait)  # before the costly part
            if emptied:
                db.execute("VACUUM")
                emptied = _empty_log(db, wait)
        if not emptied:
            msg = (
                f"another program is reading or writing {self._path}; close that program and open the "
                "gallery again, which completes the erasure"
            )
            raise GalleryError(msg)

    def close(self) -> None:
        """See `Store.close`."""
        self._engine.dispose()

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        """Turns an error of the database into one `GalleryError` without the database's own words."""
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise GalleryError(explain(error, self._path, self._wait)) from None

    def _connect(self) -> sqlite3.Connection:
        return _connect(self._path, self._wait)

    def _identify(self) -> None:
        """Checks that the file is a gallery that this program can use, and upgrades an older one.

        The first check reads the file's first page only, without locks or logs (`immutable`), because opening
        it in the usual way might change a foreign database. SQLite does the reading: closing a file that this
        process opened itself would drop the locks that the process holds on it
        (https://www.sqlite.org/howtocorrupt.html, 2.2).
        """
        if not self._path.is_file():
            msg = f"{self._path} is a folder or a device, not a gallery; give the path of a file"
            raise GalleryError(msg)
        if self._application_id() != _APPLICATION_ID:
            msg = f"{self._path} is not a gallery and was not changed; give another path"
            raise GalleryError(msg)
        if not os.access(self._path, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            msg = f"the gallery {self._path} {READ_ONLY}"
            raise GalleryError(msg)
        with closing(self._connect()) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            msg = (
                f"the gallery {self._path} was made by a newer sge-stream (schema {version}; this program "
                f"supports up to {SCHEMA_VERSION}); update sge-stream"
            )
            raise GalleryError(msg)
        if version < SCHEMA_VERSION:
            self._upgrade()

    def _upgrade(self) -> None:
        """Upgrades the tables of an older file in one transaction, unless another process has done so."""
        with closing(self._connect()) as db:
            db.execute("BEGIN IMMEDIATE")
            (version,) = db.execute("PRAGMA user_version").fetchone()
            for step in _UPGRADES[version - 1 :]:
                db.execute(step)
            db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
            db.execute("COMMIT")

    def _application_id(self) -> int | None:
        """Returns the file's application id; None where it is not an SQLite file."""
        found: list[int | None] = []

        def attempt() -> bool:
            try:
                with closing(sqlite3.connect(_uri(self._path, "mode=ro&immutable=1"), uri=True)) as db:
                    found.extend(db.execute("PRAGMA application_id").fetchone())
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
                    found.append(None)
                # While another process moves its log into the file, the file's end may be missing.
                elif error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CORRUPT:
                    raise
            return bool(found)

        if not _succeeds(attempt, self._wait):
            raise GalleryError(f"{self._path} {DAMAGED}")
        return found[0]


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


def _engine(path: Path, wait: float, pool: type[Pool]) -> Engine:
    creator = partial(_connect, path, wait)
    return create_engine("sqlite://", creator=creator, poolclass=pool, hide_parameters=True)


@contextmanager
def _transaction(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as db:
        # Takes the write lock at once: a transaction that reads first and writes later may fail midway.
        db.exec_driver_sql("BEGIN IMMEDIATE")
        yield db


def _empty_log(db: sqlite3.Connection, wait: float) -> bool:
    """Moves the log into the file and truncates it; returns False where readers or writers prevent it."""

    def attempt() -> bool:
        (busy, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    # SQLite blocks all writers while it waits for readers here: many short waits are better than one long.
    db.execute(f"PRAGMA busy_timeout={round(1000 * _FIRST_PAUSE)}")
    done = _succeeds(attempt, wait)
    db.execute(f"PRAGMA busy_timeout={round(1000 * wait)}")
    return done


def _succeeds(attempt: Callable[[], bool], wait: float) -> bool:
    """Retries with growing pauses for about `wait` seconds; returns whether an attempt succeeded."""
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
    # mode=rw: opening must not create a file. isolation_level=None: sqlite3 must not begin transactions.
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
    """Makes an empty gallery, complete or not at all; where several processes do so, the first one wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".gallery-", dir=path.parent) as folder:
        draft = Path(folder) / "draft.db"
        draft.touch(mode=0o600)
        with _transaction(_engine(draft, 0.0, NullPool)) as db:
            create_tables(db)
            db.exec_driver_sql(f"PRAGMA application_id={_APPLICATION_ID}")
            db.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
        with closing(_connect(draft, 0.0)) as raw:
            (journal,) = raw.execute("PRAGMA journal_mode=WAL").fetchone()
        if journal != "wal":
            msg = f"the folder {path.parent} does not support shared databases; use a folder on a local disk"
            raise GalleryError(msg)
        with suppress(FileExistsError):
            os.link(draft, path)
