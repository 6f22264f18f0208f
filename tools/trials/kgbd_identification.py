"""KGBD trial of the live system: enrols people from two walks each, replays a third, counts correct names.

    python -m tools.trials.kgbd_identification DATA [--people 101-120] [--fpir off] [--matcher rn] [--twice]

DATA is KGBD as published (a folder of PersonNNN/k.txt) or packed (.npz). Everything runs through the
program's own commands: `convert`, `enroll`, and live identification as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from stream.errors import RunError, SgeError, UserError
from tools.convert import convert

__all__ = ["main", "parse_people", "replay", "same_lines"]

ENROL_WALKS = ("1", "2")
PROBE_WALK = "3"
VARYING = ("latency_ms", "time", "id")
NO_DECISION = {"candidate": None, "person": None, "score": None, "margin": None, "state": "no decision"}
out = Console()


def parse_people(text: str) -> list[int]:
    """Parses `101-103,110` to [101, 102, 103, 110].

    Raises:
        UserError: the text has another form.
    """
    people: list[int] = []
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            people += range(int(first), int(last or first) + 1)
    except ValueError:
        msg = f"--people: expected numbers such as 101-120 or 1,5,7-9, got {text}"
        raise UserError(msg) from None
    return people


def sge_stream(*arguments: str) -> str:
    """Runs a command of the program; returns its standard output.

    Raises:
        UserError, RunError: the command failed; the text is its error message.
    """
    command = [sys.executable, "-P", "-m", "stream", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        error = UserError if done.returncode == UserError.exit_code else RunError
        raise error(done.stderr.strip() or f"sge-stream {arguments[0]} ended with {done.returncode}")
    return done.stdout


def replay(recordings: list[Path], gallery: Path, fpir: str, matcher: str = "fusion") -> list[dict[str, Any]]:
    """Replays recordings together at full speed; returns the decision lines in order of arrival."""
    sources = [argument for path in recordings for argument in ("--source", str(path))]
    options = ("--speed", "0", "--fpir", fpir, "--matcher", matcher)
    lines = sge_stream(*sources, "--gallery", str(gallery), *options, "--json")
    return [json.loads(line) for line in lines.splitlines()]


def same_lines(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> bool:
    """Returns whether two replays gave the same lines for each source, apart from `VARYING`."""

    def by_source(lines: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        grouped: dict[str, list[dict[str, Any]]] = {}
        for line in lines:
            kept = {key: value for key, value in line.items() if key not in VARYING}
            grouped.setdefault(line["source"], []).append(kept)
        return grouped

    return by_source(first) == by_source(second)


def _enrol(recordings: dict[tuple[int, str], Path], people: list[int], gallery: Path) -> None:
    for person in people:
        walks = [argument for w in ENROL_WALKS for argument in ("--source", str(recordings[person, w]))]
        name = f"Person{person:03d}"
        sge_stream("enroll", name, *walks, "--gallery", str(gallery), "--speed", "0", "--yes")
        out.print(f"enrolled {name}", style="dim")


def _report(people: list[int], probes: dict[int, Path], lines: list[dict[str, Any]]) -> tuple[int, int]:
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
    _enrol(recordings, people, gallery)
    probes = {person: recordings[person, PROBE_WALK] for person in people}
    lines = replay(list(probes.values()), gallery, fpir, matcher)
    correct, named = _report(people, probes, lines)
    out.print(f"final candidate right: {correct} of {len(people)}; named: {named} (--fpir {fpir}, {matcher})")
    windows = sum(line["latency_ms"] is not None for line in lines)
    out.print(f"{windows} windows decided; {time.monotonic() - started:.0f} s in all")
    if twice:
        same = same_lines(lines, replay(list(probes.values()), gallery, fpir, matcher))
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
            run(data, parse_people(people), fpir, folder, matcher=matcher, twice=twice)
        except SgeError as error:
            typer.echo(f"kgbd_identification: {error}", err=True)
            raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(trial)


if __name__ == "__main__":
    main()
