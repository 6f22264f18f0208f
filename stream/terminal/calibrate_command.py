"""`sge-stream calibrate`: what the gallery shows about its thresholds, and recordings of strangers."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from stream.errors import UserError
from stream.terminal.open_gallery import open_gallery
from stream.terminal.options import EncoderOption, GalleryOption, debug_requested, err, out

if TYPE_CHECKING:
    from gallery.calibration.report import Confusion, SensorReport

__all__ = ["calibrate"]


def calibrate(
    context: typer.Context,
    gallery: GalleryOption = None,
    strangers: Annotated[
        list[Path] | None,
        typer.Option(
            "--strangers",
            metavar="FILE|DIR",
            help="Recordings of people who are not enrolled, one of each, or a folder of them; may be "
            "repeated. Their scores take the place of those given before; nothing else of them is kept.",
        ),
    ] = None,
    forget: Annotated[
        bool, typer.Option("--forget-strangers", help="Forget the scores of strangers given before.")
    ] = False,
    encoder: EncoderOption = None,
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
) -> None:
    """Show how well the gallery tells its people from each other and from strangers.

    A gallery calibrates itself after each enrolment and removal; recordings of strangers make that better.
    """
    if strangers and forget:
        raise UserError("--strangers replaces the scores given before; leave --forget-strangers out")
    with open_gallery(gallery, create=False) as store:
        recordings = _recordings(strangers or [])
        from stream.terminal.calibrate import calibrate as run  # noqa: PLC0415 - refusals come before torch

        found = run(store, encoder or [], recordings, forget=forget, err=err, debug=debug_requested(context))
    if json:
        out.print(msgspec.json.encode(found).decode(), soft_wrap=True, highlight=False)
        return
    for report in found.sensors:
        _show(report)
    for person in found.people:
        if person.missing:
            _print(f"{person.name}: {'; '.join(person.missing)}")
    for note in found.notes:
        _print(note)


def _recordings(paths: Iterable[Path]) -> list[str]:
    """Returns the recordings at paths, each once; of a folder, those in it and in its folders."""
    found: dict[Path, str] = {}
    for path in paths:
        inside = sorted(path.rglob("*.mcap")) if path.is_dir() else [path]
        if not inside:
            raise UserError(f"--strangers: {path} holds no recordings (.mcap)")
        for file in inside:
            if not file.is_file():
                raise UserError(f"--strangers: there is no file {file}; give recordings, one for each person")
            found.setdefault(file.resolve(), str(file))
    return list(found.values())


def _show(report: SensorReport) -> None:
    _print(
        f"{report.sensor}: {_count(report.people, 'person', 'people')}, "
        f"{_count(report.walks, 'walk', 'walks')}; {_count(report.visits, 'walk', 'walks')} compared with "
        f"the other people, {_count(report.strangers, 'stranger', 'strangers')}"
    )
    state = "provisional: too few people to rely on the rate of strangers named" if report.provisional else ""
    _print(f"  thresholds rest on {report.basis}{f'; {state}' if state else ''}")
    if report.highest_impostor is not None:
        _print(f"  highest score for another person: {_score(report.highest_impostor)}")
    if report.lowest_genuine is not None:
        own = report.lowest_genuine
        _print(f"  lowest score of a person's newest walk for that person: {own.score:.2f}, {own.name}")
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("strangers named, asked", "95 % interval here", "enrolled people missed"):
        table.add_column(heading, justify="right")
    for rate in report.rates:
        missed = "nobody has two walks" if rate.missed is None else _percent(rate.missed)
        table.add_row(_percent(rate.fpir), f"{_percent(rate.low)} to {_percent(rate.high)}", missed)
    out.print(table)
    for each in report.confused:
        _print(f"  the newest walk of {each.name} fits {each.other} best")
    for each in report.doubles:
        _print(
            f"  a walk of {each.name} would be named as {each.other}: if they are one person, "
            f"sge-stream people merge {shlex.quote(each.other)} {shlex.quote(each.name)}"
        )


def _score(found: Confusion) -> str:
    return f"{found.score:.2f}, a walk of {found.name} for {found.other}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _print(text: str) -> None:
    out.print(text, highlight=False, soft_wrap=True)
