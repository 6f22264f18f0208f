"""Plain error messages of the SQLite engine."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy.exc import NoResultFound, SQLAlchemyError

from gallery.store.sqlite_identity import file_url
from gallery.store.store_protocol import DAMAGED, DamagedGalleryError
from stream.errors import GalleryError

__all__ = ["ERRORS", "READ_ONLY", "explain"]

ERRORS = (SQLAlchemyError, sqlite3.Error, OSError, UnicodeDecodeError)
"""What using a database file raises; `explain` says it in plain words."""

READ_ONLY = (
    "cannot be written; give yourself the right to write the file and its folder, or choose another "
    "file with --gallery or SGE_GALLERY"
)
_BUSY = "is in use by another program for more than {wait:g} s; close that program, or try again"
_UNKNOWN = "cannot be used, for an unexpected reason; run `sge-stream doctor`"
_NO_ROOM = "has no more room on its disk; free some space, and try again"
_SENTENCES = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: READ_ONLY,
    sqlite3.SQLITE_PERM: READ_ONLY,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
    sqlite3.SQLITE_IOERR: "cannot be read or written; check its disk, and try again",
    sqlite3.SQLITE_FULL: _NO_ROOM,
}


def explain(error: Exception, path: Path, wait: float) -> GalleryError:
    """Returns what is wrong and what to do, without text of SQLite, SQLAlchemy or a row."""
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, OSError):
        return GalleryError(
            f"the gallery {path} cannot be used ({cause.strerror or 'input/output error'}); "
            "choose a file in a folder that you may write, with --gallery or SGE_GALLERY"
        )
    code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    # Python's module cannot decode a text, or SQLite's message about a name in the schema.
    undecoded = isinstance(cause, sqlite3.OperationalError) and not hasattr(cause, "sqlite_errorcode")
    if undecoded or isinstance(cause, UnicodeDecodeError | NoResultFound):
        code = sqlite3.SQLITE_CORRUPT
    sentence = _SENTENCES.get(code & 0xFF, _UNKNOWN).format(wait=wait)  # the primary code
    if code == sqlite3.SQLITE_IOERR_SHMSIZE:  # the index of the log has no room
        sentence = _NO_ROOM
    text = f"the gallery {path} {sentence}"
    if sentence == DAMAGED:
        return DamagedGalleryError(text, file_url(path))
    return GalleryError(text)
