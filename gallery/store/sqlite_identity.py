"""Tells whether a file is a gallery, and which file it is, without changing anything.

A gallery carries its application id in the first page. After an interrupted checkpoint the first page of the
file may be ahead of the rest, or unreadable while the log holds it whole: neither says that the file is
damaged. Only opening it in the usual way, with its log, can say that.
"""

from __future__ import annotations

import os
import sqlite3
import struct
from contextlib import closing, suppress
from pathlib import Path
from typing import BinaryIO

from gallery.store.sqlite_connection import IMMUTABLE, connect_plainly

__all__ = ["APPLICATION_ID", "FileId", "beside", "file_id", "file_url", "holds_gallery", "quiet_state"]

APPLICATION_ID = 0x53474547
"""Marks an SQLite file as a gallery (`PRAGMA application_id`, "SGEG")."""

FileId = tuple[int, int]
"""Device and inode: a file that is moved away and replaced has another one."""

_MAGIC = b"SQLite format 3\0"
_HEADER = 100  # bytes of the first page that SQLite's file format fixes
_LOG_HEADER, _FRAME_HEADER = 32, 24


def beside(path: Path, suffix: str) -> Path:
    """Returns the file that SQLite keeps beside a database: `-wal`, `-shm` or `-journal`."""
    resolved = path.resolve()
    return resolved.with_name(resolved.name + suffix)


def file_url(path: Path) -> str:
    """Returns the URL of a file, which opens it from any folder."""
    return f"sqlite:///{path.resolve().as_posix()}"


def file_id(path: Path) -> FileId | None:
    """Returns device and inode of a file; None where there is none."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_dev, status.st_ino


def quiet_state(path: Path) -> tuple[int, int, int] | None:
    """Returns what changes whenever the file does; None while a log is beside it, as with every writer."""
    if any(beside(path, suffix).exists() for suffix in ("-journal", "-shm")):
        return None
    with suppress(FileNotFoundError):
        if beside(path, "-wal").stat().st_size:
            return None
    status = path.stat()
    return status.st_mtime_ns, status.st_size, status.st_ino


def holds_gallery(path: Path) -> bool:
    """Returns whether the first page says that the file is a gallery, in the file or in its log.

    SQLite reads the file: closing a file that this process opened itself would drop the locks that the
    process holds on it (https://www.sqlite.org/howtocorrupt.html, 2.2). SQLite locks no log.

    Raises:
        sqlite3.Error: the file cannot be read.
        OSError: the log cannot be read.
    """
    if _application_id(path) == APPLICATION_ID:
        return True
    try:
        with beside(path, "-wal").open("rb") as log:
            return _in_log(log)
    except FileNotFoundError:
        return False


def _application_id(path: Path) -> int:
    """Returns the id in the file's first page; 0 where it is not the first page of a database."""
    try:
        with closing(connect_plainly(path, 0.0, IMMUTABLE)) as db:
            # Without this, SQLite refuses to read a first page that counts more pages than the file has.
            db.execute("PRAGMA writable_schema=ON")
            return int(db.execute("PRAGMA application_id").fetchone()[0])
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            return 0
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CORRUPT:
            # A build of SQLite that ignores `writable_schema`: opening in the usual way decides.
            return APPLICATION_ID
        raise


def _in_log(log: BinaryIO) -> bool:
    """Returns whether the log holds a first page of a gallery (https://www.sqlite.org/fileformat.html, 4)."""
    header = log.read(_LOG_HEADER)
    if len(header) < _LOG_HEADER or header[:4] not in (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"):
        return False
    (page_size,), salt = struct.unpack(">I", header[8:12]), header[16:24]
    if not 512 <= page_size <= 65536:
        return False
    while len(frame := log.read(_FRAME_HEADER)) == _FRAME_HEADER and frame[8:16] == salt:
        if frame[:4] == b"\0\0\0\1":
            page = log.read(_HEADER)
            log.seek(page_size - len(page), os.SEEK_CUR)
            if page.startswith(_MAGIC) and page[68:72] == struct.pack(">I", APPLICATION_ID):
                return True
        else:
            log.seek(page_size, os.SEEK_CUR)
    return False
