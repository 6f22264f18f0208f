"""Makes gallery files: complete or not at all; where several processes do so at once, the first one wins."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock

from gallery.store.file_systems import refuse_network_share
from gallery.store.schema import SCHEMA_VERSION, create_tables
from gallery.store.sqlite_connection import connect, engine, succeeds, transaction
from gallery.store.sqlite_identity import APPLICATION_ID, beside
from stream.errors import GalleryError
from stream.file_writing import make_private_folder

__all__ = ["check_place", "draft_folder", "make_gallery", "new_draft", "publish", "use_log"]

LOCK_TIMEOUT_S = 10.0


def check_place(path: Path) -> None:
    """Checks that a gallery could be made at a path where there is nothing.

    Raises:
        GalleryError: a part of the path is a file.
    """
    above = next(folder for folder in path.absolute().parents if os.path.lexists(folder))
    if not above.is_dir():
        msg = f"the gallery {path} cannot be used ({above} is not a folder); give another path"
        raise GalleryError(msg)


def make_gallery(path: Path, wait: float) -> None:
    """Makes an empty gallery, readable by its owner only, unless there is one.

    Raises:
        GalleryError: the folder does not support it, or holds the log of a gallery that is gone.
        sqlite3.Error, SQLAlchemyError, OSError: it cannot be written.
    """
    refuse_network_share(path)
    make_private_folder(path.parent)
    _refuse_old_log(path, wait)
    with draft_folder(path.parent) as folder:
        draft = new_draft(folder)
        with transaction(engine(partial(connect, draft, 0.0))) as db:
            create_tables(db)
        with closing(connect(draft, 0.0)) as db:
            use_log(db, path)
        publish(draft, path)


def _refuse_old_log(path: Path, wait: float) -> None:
    """A new gallery must not get the log of an old one: SQLite would take it for its own."""

    def found() -> list[Path]:
        old = [file for suffix in ("-wal", "-shm", "-journal") if (file := beside(path, suffix)).exists()]
        return [] if path.exists() else old  # somebody made the gallery: the log is its own

    # A running system whose gallery was deleted removes the log within a second.
    if not succeeds(lambda: not found(), wait) and (old := found()):
        names = " and ".join(file.name for file in old)
        msg = (
            f"there is no gallery {path}, but {names} of a gallery that was there; put that gallery back "
            "beside them, or delete them"
        )
        raise GalleryError(msg)


@contextmanager
def draft_folder(folder: Path) -> Iterator[Path]:
    """A folder within another one that only the user can enter; it is deleted when the block ends."""
    with TemporaryDirectory(prefix=".gallery-", dir=folder) as private:
        yield Path(private)


def new_draft(folder: Path) -> Path:
    """Makes a gallery file without tables, readable by its owner only, with a rollback journal."""
    draft = folder / "draft.db"
    draft.touch(mode=0o600)
    with engine(partial(connect, draft, 0.0)).begin() as db:
        db.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
        db.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
    return draft


def use_log(db: sqlite3.Connection, path: Path) -> None:
    """Switches a file to a write-ahead log, unless it has one.

    Raises:
        GalleryError: its folder does not support that.
        sqlite3.Error: another program uses the file, or it cannot be written.
    """
    (journal,) = db.execute("PRAGMA journal_mode=WAL").fetchone()
    if journal != "wal":
        msg = f"the folder {path.parent} does not support shared databases; use a folder on a local disk"
        raise GalleryError(msg)


def publish(draft: Path, path: Path) -> bool:
    """Gives a complete file its name; returns False, and changes nothing, where the name is taken.

    Raises:
        OSError: the folder cannot be written.
    """
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    except OSError:  # FAT, exFAT and some mounts of containers have no hard links
        lock = path.with_name(f".{path.name}.lock")
        with FileLock(lock, timeout=LOCK_TIMEOUT_S, mode=0o600):
            if os.path.lexists(path):
                return False
            draft.rename(path)
            with suppress(OSError):  # Windows, while it is locked
                lock.unlink()
    if sys.platform != "win32":
        sync_folder(path.absolute().parent)
    return True


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable, where the file system can."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
