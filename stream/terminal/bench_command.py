"""The options of `bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stream.system.settings import check_encoders
from stream.terminal.options import err, out

__all__ = ["bench"]


def bench(
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STAGE", help="Measure only this stage; may be repeated. A wrong name lists them."
        ),
    ] = None,
    target: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE.json", help="Write the figures as JSON; other stages in FILE.json stay."
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(metavar="T", min=0, help="Duration of each measurement.  [default: of the stage]"),
    ] = None,
    people: Annotated[
        list[int] | None,
        typer.Option(
            metavar="N",
            min=1,
            max=1000,
            help="live: so many people; may be repeated.  [default: the most that this machine carries]",
        ),
    ] = None,
    minutes: Annotated[
        int, typer.Option(metavar="M", min=0, help="live: M minutes, each with its own figures.")
    ] = 0,
    encoders: Annotated[int, typer.Option(metavar="N", min=1, help="live: encoder processes.")] = 1,
    plan: Annotated[
        str | None,
        typer.Option(
            metavar="SITE",
            help="Plan a site instead: cameras=40,people=6 before each; also kinects=, gallery=, fps=, "
            "precision=, cores= of a machine.",
        ),
    ] = None,
    costs: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE.json", help="Plan from the figures of an --out.  [default: measure now]"
        ),
    ] = None,
) -> None:
    """Measure the speed of every stage beside the limit of this machine."""
    from tools.bench.command import bench as run  # noqa: PLC0415 - other commands start faster
    from tools.bench.request import BenchRequest  # noqa: PLC0415

    check_encoders(encoders)
    request = BenchRequest(
        only=tuple(only or ()),
        out=target,
        seconds=seconds,
        people=tuple(people or ()),
        minutes=minutes,
        encoders=encoders,
        plan=plan,
        costs=costs,
    )
    run(request, out, err)
