"""`sge-stream people`: lists, shows, renames and removes the people in the gallery."""

from __future__ import annotations

from typing import Annotated

import typer

from gallery.store.gallery import open_gallery
from gallery.store.names import clean_name
from gallery.store.records import Erasure
from stream.terminal.options import GalleryOption, NameArgument, YesOption, err, out
from stream.terminal.people_tables import render_people, render_person
from stream.terminal.prompt import confirm

__all__ = ["people"]

people = typer.Typer(help="The people in the gallery.", no_args_is_help=True, rich_markup_mode=None)


@people.command("list")
def people_list(gallery: GalleryOption = None) -> None:
    """List the enrolled people."""
    with open_gallery(gallery, create=False) as store:
        out.print(render_people(store.people()))


@people.command("show")
def people_show(name: NameArgument, gallery: GalleryOption = None) -> None:
    """Show a person's enrolled walks and consent."""
    with open_gallery(gallery, create=False) as store:
        out.print(render_person(store.person(name)))


@people.command("rename")
def people_rename(
    name: NameArgument,
    new: Annotated[str, typer.Argument(metavar="NEW", show_default=False, help="The new name.")],
    gallery: GalleryOption = None,
    yes: YesOption = False,
) -> None:
    """Rename a person."""
    with open_gallery(gallery, create=False) as store:
        person = store.person(name)
        new = clean_name(new)
        confirm(f"Rename {person.name} to {new}?", yes)
        erasure = store.rename(person.name, new)
    out.print(f"{person.name} is now {new}", highlight=False, markup=False)
    _print_pending_erasure(erasure)


@people.command("remove")
def people_remove(name: NameArgument, gallery: GalleryOption = None, yes: YesOption = False) -> None:
    """Remove a person and erase their templates."""
    with open_gallery(gallery, create=False) as store:
        person = store.person(name)
        confirm(f"Erase {person.name} and all their templates?", yes)
        erasure = store.remove(person.name)
    out.print(f"{person.name} is {'erased' if erasure.done else 'removed'}", highlight=False, markup=False)
    _print_pending_erasure(erasure)


def _print_pending_erasure(erasure: Erasure) -> None:
    if not erasure.done:
        err.print(f"sge-stream: {erasure.reason}", highlight=False, markup=False, soft_wrap=True)
