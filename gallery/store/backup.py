"""Copies of a gallery in a file, made and brought back while the system runs.

A backup holds the people and their templates, and no bytes of anybody who was removed. It is a gallery too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

from gallery.store.gallery import Gallery, open_gallery
from gallery.store.schema import create_tables
from gallery.store.sqlite_connection import IMMUTABLE, READ_ONLY_MODE, connect, engine, transaction
from gallery.store.sqlite_errors import ERRORS, explain
from gallery.store.sqlite_files import draft_folder, new_draft, publish
from gallery.store.sqlite_identity import beside, file_url, holds_gallery, quiet_state
from gallery.store.store_protocol import DamagedGalleryError
from stream.errors import GalleryError, UserError
from stream.file_writing import make_private_folder
from stream.paths import path_exists

__all__ = ["back_up", "open_backup", "replace_damaged"]

_WAIT_S = 5.0


def back_up(gallery: Gallery, target: Path, *, replace: bool = False) -> int:
    """Writes all people, as they are at one moment, into a new file: complete and durable, or not at all.

    Args:
        gallery: may be in use, also by a running system, and may be one that cannot be written.
        target: readable by its owner only (0600).
        replace: True replaces an existing file.

    Returns:
        The number of people.

    Raises:
        UserError: the file exists, or it is a gallery that is in use.
        GalleryError: the gallery cannot be read, or the file cannot be written.
    """
    if path_exists(target):
        _check_replaceable(gallery, target, replace=replace)
    with _plain_errors(target), draft_folder(target.absolute().parent) as folder:
        draft = new_draft(folder)
        with transaction(engine(partial(connect, draft, 0.0))) as db:
            create_tables(db)
            people = gallery.copy_to(db)
        if replace:
            draft.replace(target)
        elif not publish(draft, target):
            raise _taken(target)
    return people


def _check_replaceable(gallery: Gallery, target: Path, *, replace: bool) -> None:
    if not replace:
        raise _taken(target)
    if file_url(target) == gallery.url:
        raise UserError(f"{target} is the gallery itself; give another file")
    if not target.is_file() or beside(target, "-wal").exists():
        raise UserError(f"{target} is in use, or is no file; give another file")


def _taken(target: Path) -> UserError:
    return UserError(f"{target} exists; give another file, or --force to replace it")


@contextmanager
def open_backup(file: Path, folder: Path) -> Iterator[Gallery]:
    """Opens a checked copy of a backup; the backup itself is only read, and may be of an older version.

    Args:
        file: a gallery: a backup, or a plain copy, with its log if it has one.
        folder: has the copy, readable by its owner only, until the block ends; made if missing.

    Raises:
        DamagedGalleryError: it is damaged.
        GalleryError: it is no gallery, of a newer version, or cannot be read.
    """
    if not path_exists(file, Path.is_file):
        raise GalleryError(f"there is no backup {file}; give the path of a file")
    with _plain_errors(file):
        if not holds_gallery(file):
            raise GalleryError(f"{file} is not a gallery; give a file that sge-stream gallery backup wrote")
    with ExitStack() as stack:
        with _plain_errors(folder):
            make_private_folder(folder)
            private = stack.enter_context(draft_folder(folder))
        copy = private / "backup.db"
        with _plain_errors(file):
            copy.touch(mode=0o600)
            _copy_pages(file, copy)
        url = file_url(copy)
        try:
            with open_gallery(str(copy), create=False) as opened:
                yield opened
        except DamagedGalleryError as error:
            if error.url != url:
                raise
            raise _damaged(file) from None


def _copy_pages(file: Path, copy: Path) -> None:
    mode = READ_ONLY_MODE if quiet_state(file) is None else IMMUTABLE
    with closing(connect(file, _WAIT_S, mode)) as source, closing(connect(copy, 0.0)) as target:
        source.backup(target)
        problems = target.execute("PRAGMA integrity_check").fetchall()
        if problems != [("ok",)] or target.execute("PRAGMA foreign_key_check").fetchall():
            raise _damaged(file)


def _damaged(file: Path) -> DamagedGalleryError:
    return DamagedGalleryError(f"the backup {file} is damaged; give another one", file_url(file))


def replace_damaged(path: Path, backup: Gallery) -> Path:
    """Puts a copy of a backup in place of a damaged gallery, which is renamed; returns its new name.

    The copy is complete before the damaged gallery is touched.

    Raises:
        DamagedGalleryError: the backup is damaged.
        GalleryError: the folder cannot be written, or somebody made a gallery at this moment.
    """
    with _plain_errors(path), draft_folder(path.resolve().parent) as folder:
        copy = folder / "restored.db"
        back_up(backup, copy)
        aside = _move_aside(path)
        if not publish(copy, path.resolve()):
            raise GalleryError(f"a gallery {path} was made at this moment; nothing was restored, try again")
    return aside


def _move_aside(path: Path) -> Path:
    """Renames a damaged gallery with its log, so that another can take its place; returns the new name."""
    taken = {entry.name for entry in path.resolve().parent.iterdir()}
    count = 1
    while f"{path.name}.damaged-{count}" in taken:
        count += 1
    aside = path.resolve().with_name(f"{path.name}.damaged-{count}")
    with _plain_errors(path):
        for suffix in ("-wal", "-shm", "-journal"):
            if beside(path, suffix).exists():
                beside(path, suffix).rename(aside.with_name(aside.name + suffix))
        path.resolve().rename(aside)
    return aside


@contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except ERRORS as error:
        raise explain(error, path, _WAIT_S) from None
