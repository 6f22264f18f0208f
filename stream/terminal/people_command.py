"""`sge-stream people`: who is in the gallery."""

from __future__ import annotations

from typing import Annotated

import typer

from gallery.store.gallery import Gallery, open_gallery
from gallery.store.location import gallery_path
from gallery.store.names import clean_name
from gallery.store.records import Erasure
from stream.errors import GalleryError
from stream.paths import is_there
from stream.terminal.options import GalleryOption, NameArgument, YesOption, err, out
from stream.terminal.people_tables import render_people, render_person
from stream.terminal.prompt import confirm

__all__ = ["people"]

people = typer.Typer(help="The people in the gallery.", no_args_is_help=True, rich_markup_mode=None)


@people.command("list")
def people_list(gallery: GalleryOption = None) -> None:
    """List who is enrolled."""
    with _existing(gallery) as store:
        out.print(render_people(store.people()))


@people.command("show")
def people_show(name: NameArgument, gallery: GalleryOption = None) -> None:
    """Show what is stored of a person."""
    with _existing(gallery) as store:
        out.print(render_person(store.person(name)))


@people.command("rename")
def people_rename(
    name: NameArgument,
    new: Annotated[str, typer.Argument(metavar="NEW", show_default=False)],
    gallery: GalleryOption = None,
    yes: YesOption = False,
) -> None:
    """Give a person another name."""
    with _existing(gallery) as store:
        person = store.person(name)
        new = clean_name(new)
        confirm(f"Rename {person.name} to {new}?", yes)
        erasure = store.rename(person.name, new)
    out.print(f"{person.name} is now {new}", highlight=False, markup=False)
    _tell_pending(erasure)


@people.command("remove")
def people_remove(name: NameArgument, gallery: GalleryOption = None, yes: YesOption = False) -> None:
    """Remove a person and erase their templates."""
    with _existing(gallery) as store:
        person = store.person(name)
        confirm(f"Erase {person.name} and all their templates?", yes)
        erasure = store.remove(person.name)
    out.print(f"{person.name} is {'erased' if erasure.done else 'removed'}", highlight=False, markup=False)
    _tell_pending(erasure)


def _existing(url: str | None) -> Gallery:
    path = gallery_path(url)
    if not is_there(path):
        msg = f"there is no gallery {path}; give --gallery, or enrol somebody: sge-stream enroll NAME"
        raise GalleryError(msg)
    return open_gallery(url)


def _tell_pending(erasure: Erasure) -> None:
    if not erasure.done:
        err.print(f"sge-stream: {erasure.reason}", highlight=False, markup=False, soft_wrap=True)
