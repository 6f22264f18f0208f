"""KGBD trial of the live system: enrols people from two walks each, replays a third, counts correct names.

    python -m tools.trials.kgbd_identification DATA [--people 101-120] [--fpir off] [--matcher rn] [--twice]

DATA is KGBD as published (a folder of PersonNNN/k.txt) or packed (.npz). Everything runs through the
program's own commands: `convert`, `enroll`, and live identification as JSON.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from stream.errors import SgeError
from stream.terminal.consoles import plain_console
from tools.convert import convert
from tools.trials.program import Line, Program, lines_by_source, parse_person_numbers

__all__ = ["main"]

ENROL_WALKS = ("1", "2")
PROBE_WALK = "3"
NO_DECISION = {"candidate": None, "person": None, "score": None, "margin": None, "state": "no decision"}
out = plain_console()


def _enrol(
    program: Program, recordings: dict[tuple[int, str], Path], people: list[int], gallery: Path
) -> None:
    for person in people:
        walks = [argument for w in ENROL_WALKS for argument in ("--source", str(recordings[person, w]))]
        name = f"Person{person:03d}"
        options = ("--gallery", str(gallery), "--speed", "0", "--yes", "--force")  # all are new people
        program.run("enroll", name, *walks, *options)
        out.print(f"enrolled {name}", style="dim")


def _report(people: list[int], probes: dict[int, Path], lines: list[Line]) -> tuple[int, int]:
    table = Table("person", "candidate", "score", "margin", "state", "")
    correct_count = named_count = 0
    for person in people:
        finals = [line for line in lines if line["final"] and line["source"] == str(probes[person])]
        # A walk that tracking split has two tracks; the later one counts.
        final = max(finals, key=lambda line: (line["score"] is not None, line["t"]), default=NO_DECISION)
        correct = final["candidate"] == f"Person{person:03d}"
        correct_count += correct
        named_count += final["person"] == f"Person{person:03d}"
        numbers = ["-" if final[key] is None else f"{final[key]:.4f}" for key in ("score", "margin")]
        mark = "right" if correct else "wrong"
        table.add_row(f"Person{person:03d}", final["candidate"] or "-", *numbers, final["state"], mark)
    out.print(table)
    return correct_count, named_count


def run(
    data: Path, people: list[int], fpir: str, folder: Path, *, matcher: str = "fusion", twice: bool
) -> int:
    """Runs the trial in a folder; returns the number of correct final candidates.

    Raises:
        SgeError: the data or a command failed.
    """
    started = time.monotonic()
    recordings = {}
    for person in people:
        for walk in (*ENROL_WALKS, PROBE_WALK):
            path = folder / f"Person{person:03d}-{walk}.mcap"
            (recordings[person, walk],) = convert(data, path, person=str(person), walk=walk)
    gallery = folder / "gallery.db"
    program = Program()
    _enrol(program, recordings, people, gallery)
    probes = {person: recordings[person, PROBE_WALK] for person in people}
    sources = [str(path) for path in probes.values()]
    lines = program.replay(sources, str(gallery), fpir=fpir, matcher=matcher)
    correct, named = _report(people, probes, lines)
    out.print(f"final candidate right: {correct} of {len(people)}; named: {named} (--fpir {fpir}, {matcher})")
    windows = sum(line["latency_ms"] is not None for line in lines)
    out.print(f"{windows} windows decided; {time.monotonic() - started:.0f} s in all")
    if twice:
        again = program.replay(sources, str(gallery), fpir=fpir, matcher=matcher)
        same = lines_by_source(lines) == lines_by_source(again)
        out.print(f"a second replay gave {'the same decisions' if same else 'DIFFERENT DECISIONS'}")
    return correct


def trial(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="KGBD: folder of PersonNNN/k.txt, or .npz.")],
    people: Annotated[str, typer.Option(metavar="N-M", help="People to enrol and replay.")] = "101-120",
    fpir: Annotated[str, typer.Option(metavar="P|off", help="As in sge-stream.")] = "off",
    matcher: Annotated[str, typer.Option(metavar="M", help="As in sge-stream.")] = "fusion",
    folder: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder for the recordings.")
    ] = None,
    twice: Annotated[bool, typer.Option("--twice", help="Replay again and compare the decisions.")] = False,
) -> None:
    """Enrol people of KGBD from walks 1 and 2, replay walk 3, count the right final candidates."""
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sge-trial-")))
        folder.mkdir(parents=True, exist_ok=True)
        try:
            run(data, parse_person_numbers(people), fpir, folder, matcher=matcher, twice=twice)
        except SgeError as error:
            typer.echo(f"kgbd_identification: {error}", err=True)
            raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(trial)


if __name__ == "__main__":
    main()
