"""`sge-stream gallery`: backs the gallery up, and restores it, also while the system runs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from stream.terminal.open_gallery import open_gallery
from stream.terminal.options import GalleryOption, YesOption, out
from stream.terminal.prompt import check_erasure, confirm

__all__ = ["gallery"]

SHOWN_NAMES = 5

gallery = typer.Typer(
    help="Backups of the gallery, also while the system runs.", no_args_is_help=True, rich_markup_mode=None
)


@gallery.command("backup")
def gallery_backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", show_default=False, help="Where to write.")],
    gallery: GalleryOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
) -> None:
    """Write all people and their templates into one file, which is a gallery too."""
    from gallery.store.backup import back_up  # noqa: PLC0415 - other commands start faster

    with open_gallery(gallery, create=False) as store:
        people = back_up(store, target, replace=force)
    _print(f"backed up {_count(people)} to {target}")


@gallery.command("restore")
def gallery_restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False, help="A backup.")],
    gallery: GalleryOption = None,
    yes: YesOption = False,
) -> None:
    """Replace all people of the gallery by those of a backup.

    People who were removed since the backup was made come back: remove them again.
    """
    from gallery.store.backup import open_backup, replace_damaged  # noqa: PLC0415
    from gallery.store.records import Erasure  # noqa: PLC0415

    present = _examine(gallery)
    path = Path(present.url.removeprefix("sqlite:///"))
    with open_backup(file, path.parent) as backup:
        names = {person.name for person in backup.people()}
        confirm(_question(present, path, file, names), yes)
        if present.damaged:
            aside = replace_damaged(path, backup)
            _print(f"the damaged gallery is now {aside}; delete it when all is well")
            erasure = Erasure(done=True)
        else:
            with open_gallery(present.url) as store:
                revision = store.revision() if present.revision is None else present.revision
                erasure = store.replace_people(backup, revision)
    _print(f"restored {_count(len(names))} to {path}")
    check_erasure(erasure)


@dataclass(frozen=True, slots=True)
class _Present:
    """What is there before a restoration.

    Attributes:
        url: of the gallery.
        names: of its people.
        revision: when these were read; None if there is no gallery, or a damaged one.
        damaged: whether it cannot be read.
    """

    url: str
    names: frozenset[str] = frozenset()
    revision: int | None = None
    damaged: bool = False


def _examine(gallery: str | None) -> _Present:
    from gallery.store.store_protocol import DamagedGalleryError, UnusableGalleryError  # noqa: PLC0415

    try:
        with open_gallery(gallery, create=False) as store:
            revision = store.revision()
            return _Present(store.url, frozenset(person.name for person in store.people()), revision)
    except UnusableGalleryError as error:
        return _Present(error.url, damaged=isinstance(error, DamagedGalleryError))


def _question(present: _Present, path: Path, file: Path, names: set[str]) -> str:
    if present.damaged:
        return f"Put the {_count(len(names))} of {file} in place of the damaged gallery {path}?"
    question = f"Replace the {_count(len(present.names))} of {path} by the {_count(len(names))} of {file}?"
    if lost := present.names - names:
        question = f"Not in the backup, and erased: {_listed(lost)}. {question}"
    if back := names - present.names:
        question = f"Only in the backup, and back again: {_listed(back)}. {question}"
    return question


def _listed(names: Collection[str]) -> str:
    shown = sorted(names)[:SHOWN_NAMES]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _count(people: int) -> str:
    return f"{people} {'person' if people == 1 else 'people'}"


def _print(text: str) -> None:
    out.print(text, highlight=False, soft_wrap=True)
