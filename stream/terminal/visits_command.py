"""`sge-stream visits`: lists the stored visits, says why, records the truth, compares anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from typer.core import TyperGroup

from stream.durations import parse_duration
from stream.errors import GalleryError
from stream.terminal.open_gallery import open_gallery
from stream.terminal.options import EncoderOption, GalleryOption, YesOption, out
from stream.terminal.prompt import check_erasure, confirm
from stream.terminal.visits_tables import (
    describe_figures,
    describe_review,
    describe_visit,
    render_candidates,
    render_evidence,
    render_visits,
    who,
)

if TYPE_CHECKING:
    from gallery.store.gallery import Gallery

__all__ = ["visits"]

_LIST = "list"

SinceOption = Annotated[
    str | None,
    typer.Option(
        metavar="T", show_default=False, help="Only visits that ended within the last 1d, 12h, 90min."
    ),
]
IdArgument = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        show_default=False,
        help="Id of the visit; its first characters, or the part after the dash, may do.",
    ),
]


class _Visits(TyperGroup):
    """Options without the name of a command are those of `list`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Inserts the name of the default command where an option of it, or nothing, stands in its place."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = [_LIST, *args]
        return super().parse_args(ctx, args)


visits = typer.Typer(
    cls=_Visits,
    help="The visits of the last days; without a command, list them.",
    no_args_is_help=False,
    rich_markup_mode=None,
)


@visits.command(_LIST)
def visits_list(
    since: SinceOption = None,
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Only visits of people who were not identified.")
    ] = False,
    gallery: GalleryOption = None,
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object a visit, one a line.")] = False,
) -> None:
    """List the stored visits, newest first."""
    from gallery.store.visit_json import visit_record  # noqa: PLC0415 - other commands start faster

    start = None if since is None else _now() - parse_duration(since, "--since")
    with _opened(gallery) as store:
        found = store.history.visits(start, unknown=unknown, now=_now())
    if not json:
        out.print(render_visits(found))
        return
    for visit in found:
        typer.echo(msgspec.json.encode(visit_record(visit)))


@visits.command("show")
def visits_show(
    visit_id: IdArgument,
    gallery: GalleryOption = None,
    encoder: EncoderOption = None,
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
) -> None:
    """Show why a visit has its answer: scores and thresholds, walking seen, views, evidence."""
    from gallery.store.visit_json import visit_record  # noqa: PLC0415
    from gallery.visits.review import visit_evidence  # noqa: PLC0415

    with _opened(gallery) as store:
        visit = store.history.visit(visit_id, _now())
        evidence = None if json else visit_evidence(store, visit.id, [Path(each) for each in encoder or ()])
    if json:
        typer.echo(msgspec.json.encode(visit_record(visit)))
        return
    _print(describe_visit(visit))
    if visit.candidates:
        out.print(render_candidates(visit))
    if evidence is not None:
        _print(["compared anew with the present gallery:"])
        out.print(render_evidence(evidence))


@visits.command("confirm")
def visits_confirm(visit_id: IdArgument, gallery: GalleryOption = None) -> None:
    """Record that the answer of a visit was right; takes an earlier denial back."""
    with _opened(gallery) as store:
        visit, erasure = store.history.judge(store.history.visit(visit_id, _now()).id, "confirmed")
    _print([f"visit {visit.id}: {who(visit)} is confirmed"])
    check_erasure(erasure)


@visits.command("deny")
def visits_deny(
    visit_id: IdArgument,
    was: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The enrolled person that it was.", show_default=False),
    ] = None,
    gallery: GalleryOption = None,
    yes: YesOption = False,
) -> None:
    """Record that the answer of a visit was wrong; a running system heeds it within seconds.

    Somebody else must then fit the person better than this visit did to be named as that person. What is kept
    of the walk is erased, unless --was says whose it is.
    """
    with _opened(gallery) as store:
        before = store.history.visit(visit_id, _now())
        if before.kept and was is None and before.outcome == "person":
            confirm(
                f"Deny that visit {before.id} was {who(before)}, and erase what is kept of the walk?", yes
            )
        visit, erasure = store.history.judge(before.id, "denied", was)
    was_text = f"; it was {visit.was}" if visit.was else ""
    _print([f"visit {visit.id}: {who(visit)} is denied{was_text}"])
    check_erasure(erasure)


@visits.command("review")
def visits_review(
    since: SinceOption = None, gallery: GalleryOption = None, encoder: EncoderOption = None
) -> None:
    """Compare the kept walks with the present gallery, and list the visits whose answer changes."""
    from gallery.visits.review import review_visits  # noqa: PLC0415

    start = None if since is None else _now() - parse_duration(since, "--since")
    with _opened(gallery) as store:
        found = store.history.visits(start, now=_now())
        review = review_visits(store, found, [Path(each) for each in encoder or ()])
    _print(describe_review(review))


@visits.command("figures")
def visits_figures(since: SinceOption = None, gallery: GalleryOption = None) -> None:
    """Show how often answers were right, by the visits that were confirmed and denied."""
    from gallery.visits.site_figures import site_figures  # noqa: PLC0415

    start = None if since is None else _now() - parse_duration(since, "--since")
    with _opened(gallery) as store:
        figures = site_figures(store.history.visits(start, now=_now()))
    _print(describe_figures(figures))


@contextmanager
def _opened(url: str | None) -> Iterator[Gallery]:
    """Opens a gallery, and deletes the visits whose time is over if it can be written."""
    with open_gallery(url, create=False) as store:
        with suppress(GalleryError):  # it is only read, or is in use
            store.history.forget(_now())
        yield store


def _now() -> datetime:
    return datetime.now(UTC)


def _print(lines: list[str]) -> None:
    for line in lines:
        out.print(line, highlight=False, soft_wrap=True)
