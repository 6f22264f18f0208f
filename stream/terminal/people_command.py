"""`sge-stream people`: lists and changes the people in the gallery."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gallery.store.names import clean_name, name_key, name_taken, rename_taken
from gallery.store.people_records import person_record, to_json
from stream.consent import Consent
from stream.terminal.open_gallery import open_gallery
from stream.terminal.options import (
    DeviceOption,
    EncoderOption,
    EncodersOption,
    EnrolSpeedOption,
    ForceOption,
    GalleryOption,
    NameArgument,
    SourceOption,
    TrackOption,
    WalkSecondsOption,
    YesOption,
    debug_requested,
    err,
    out,
)
from stream.terminal.people_tables import render_people, render_person
from stream.terminal.prompt import check_erasure, confirm

__all__ = ["people"]

people = typer.Typer(help="The people in the gallery.", no_args_is_help=True, rich_markup_mode=None)


@people.command("list")
def people_list(
    gallery: GalleryOption = None,
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object a person, one a line.")] = False,
) -> None:
    """List the enrolled people."""
    with open_gallery(gallery, create=False) as store:
        enrolled = store.people()
    if not json:
        out.print(render_people(enrolled))
        return
    for person in enrolled:
        typer.echo(to_json(person_record(person)))


@people.command("show")
def people_show(
    name: NameArgument,
    gallery: GalleryOption = None,
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
) -> None:
    """Show a person's enrolled walks and consent."""
    with open_gallery(gallery, create=False) as store:
        person = store.person(name)
    if json:
        typer.echo(to_json(person_record(person)))
    else:
        out.print(render_person(person))


@people.command("add-walk")
def people_add_walk(
    context: typer.Context,
    name: NameArgument,
    source: SourceOption = None,
    track: TrackOption = None,
    seconds: WalkSecondsOption = None,
    gallery: GalleryOption = None,
    device: DeviceOption = None,
    encoder: EncoderOption = None,
    encoders: EncodersOption = None,
    speed: EnrolSpeedOption = None,
    yes: YesOption = False,
    force: ForceOption = False,
) -> None:
    """Add walks of another day, view or sensor to an enrolled person, as enroll takes them."""
    from stream.terminal.enrol import EnrolPlan, enrol, enrol_settings  # noqa: PLC0415 - others start faster
    from stream.terminal.walk_selection import WantedWalks  # noqa: PLC0415

    settings = enrol_settings(
        source, gallery=gallery, device=device, encoder=encoder, encoders=encoders, speed=speed
    )
    plan = EnrolPlan(name, settings, WantedWalks(tuple(track or ()), seconds), yes, add=True, force=force)
    enrol(plan, out=out, err=err, debug=debug_requested(context))


@people.command("adopt")
def people_adopt(
    visitor: Annotated[
        str,
        typer.Argument(metavar="VISITOR", show_default=False, help='A remembered stranger: "visitor 7".'),
    ],
    name: NameArgument,
    gallery: GalleryOption = None,
    encoder: EncoderOption = None,
    yes: YesOption = False,
    force: ForceOption = False,
) -> None:
    """Enrol a stranger who is remembered, with the walks that are kept of their visits."""
    from gallery.adoption import adopt_visitor, visitor_number  # noqa: PLC0415 - others start faster

    number, name = visitor_number(visitor), clean_name(name)
    with open_gallery(gallery, create=False) as store:
        if store.has(name):
            raise name_taken(name)
        confirm(f"Does {name} agree that a template of their gait is stored?", yes)
        consent = Consent.STATED if yes else Consent.ASKED
        weights = [Path(each) for each in encoder or ()]
        adopted = adopt_visitor(store, number, name, consent, weights=weights, force=force)
    for warning in adopted.warnings:
        err.print(f"warning: {warning}", highlight=False, soft_wrap=True)
    walks = len(adopted.person.enrolments)
    text = (
        f"{adopted.person.name} is enrolled: {walks} walk{'' if walks == 1 else 's'}, "
        f"{adopted.person.seconds:.1f} s of usable walking; {adopted.visits} earlier "
        f"visit{'' if adopted.visits == 1 else 's'} of visitor {number}"
    )
    out.print(text, highlight=False, soft_wrap=True)


@people.command("merge")
def people_merge(
    name: NameArgument,
    other: Annotated[
        str, typer.Argument(metavar="OTHER", show_default=False, help="Another name of the person.")
    ],
    gallery: GalleryOption = None,
    yes: YesOption = False,
) -> None:
    """Give a person all walks of another name, and erase that name."""
    with open_gallery(gallery, create=False) as store:
        kept, removed = store.person(name), store.person(other)
        confirm(f"Are {kept.name} and {removed.name} one person? {removed.name} is erased.", yes)
        erasure = store.merge(kept.name, removed.name)
        walks = len(store.person(kept.name).enrolments)
    erased = "erased" if erasure.done else "removed"
    text = f"{kept.name} has all walks of {removed.name}, {walks} in all; the name {removed.name} is {erased}"
    out.print(text, highlight=False, soft_wrap=True)
    check_erasure(erasure)


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
        if name_key(new) != name_key(person.name) and store.has(new):
            raise rename_taken(person.name, store.person(new).name)
        confirm(f"Rename {person.name} to {new}?", yes)
        erasure = store.rename(person.name, new)
    out.print(f"{person.name} is now {new}", highlight=False)
    check_erasure(erasure)


@people.command("remove")
def people_remove(name: NameArgument, gallery: GalleryOption = None, yes: YesOption = False) -> None:
    """Remove a person and erase their templates."""
    with open_gallery(gallery, create=False) as store:
        person = store.person(name)
        confirm(f"Erase {person.name} and all their templates?", yes)
        erasure = store.remove(person.name)
    out.print(f"{person.name} is {'erased' if erasure.done else 'removed'}", highlight=False)
    check_erasure(erasure)
