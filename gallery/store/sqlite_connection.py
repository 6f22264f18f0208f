"""Connections to an SQLite file: opening, transactions, emptying the write-ahead log, retries."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, NullPool, Pool, create_engine

__all__ = [
    "IMMUTABLE",
    "READ_ONLY_MODE",
    "READ_WRITE",
    "connect",
    "connect_plainly",
    "empty_log",
    "engine",
    "succeeds",
    "transaction",
]

READ_WRITE = "mode=rw"
"""Opening must not create a file."""

READ_ONLY_MODE = "mode=ro"
IMMUTABLE = "mode=ro&immutable=1"
"""Without locks and the log: only for a file that has no log and does not change meanwhile."""

_FIRST_PAUSE = 0.02  # seconds; doubles with each retry

# temp_store: intermediate data of a statement or a VACUUM must not reach a temporary file.
_PRAGMAS = (
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",
    "PRAGMA synchronous=FULL",
    "PRAGMA temp_store=MEMORY",
)


def connect(path: Path, wait: float, mode: str = READ_WRITE) -> sqlite3.Connection:
    """Opens an existing file.

    Args:
        path: the file.
        wait: seconds to wait for other users of the file before a statement fails.
        mode: `READ_WRITE`, `READ_ONLY_MODE` or `IMMUTABLE`.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    db = connect_plainly(path, wait, mode)
    try:
        for pragma in _PRAGMAS:
            db.execute(pragma)
    except BaseException:
        db.close()
        raise
    return db


def connect_plainly(path: Path, wait: float, mode: str) -> sqlite3.Connection:
    """Opens an existing file without the settings of galleries, which make SQLite read its schema."""
    name = path.absolute().as_posix()
    uri = f"file://{'' if name.startswith('/') else '/'}{quote(os.fsencode(name))}?{mode}"
    # isolation_level=None: sqlite3 must not begin transactions.
    return sqlite3.connect(uri, uri=True, timeout=wait, isolation_level=None, check_same_thread=False)


def engine(creator: Callable[[], sqlite3.Connection], pool: type[Pool] = NullPool) -> Engine:
    """Returns an SQLAlchemy engine of these connections; its errors do not show the content of rows."""
    return create_engine("sqlite://", creator=creator, poolclass=pool, hide_parameters=True)


@contextmanager
def transaction(source: Engine) -> Iterator[Connection]:
    """A write transaction, committed when the block ends."""
    with source.begin() as db:
        # Takes the write lock at once: a transaction that reads first and writes later may fail midway.
        db.exec_driver_sql("BEGIN IMMEDIATE")
        yield db


def empty_log(db: sqlite3.Connection, wait: float) -> bool:
    """Moves the log into the file and truncates it; returns False where readers or writers prevent it."""

    def attempt() -> bool:
        (busy, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    # SQLite blocks all writers while it waits for readers here: many short waits are better than one long.
    db.execute(f"PRAGMA busy_timeout={round(1000 * _FIRST_PAUSE)}")
    done = succeeds(attempt, wait)
    db.execute(f"PRAGMA busy_timeout={round(1000 * wait)}")
    return done


def succeeds(attempt: Callable[[], bool], wait: float) -> bool:
    """Retries with growing pauses for about `wait` seconds; returns whether an attempt succeeded."""
    pause, waited = _FIRST_PAUSE, 0.0
    while not attempt():
        if waited >= wait:
            return False
        time.sleep(pause)
        waited += pause
        pause *= 2
    return True
