"""The KGBD trial of the live system: enrol people from two walks each, replay a third, count who is named.

    python -m tools.trials.kgbd_identification DATA [--people 101-120] [--fpir off] [--matcher rn] [--twice]

DATA is KGBD as it is published (a folder of PersonNNN/k.txt) or packed (.npz). Everything goes through the
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
NOTHING = {"candidate": None, "person": None, "score": None, "margin": None, "state": "nobody seen"}
out = Console()


def parse_people(text: str) -> list[int]:
    """`101-103,110` as [101, 102, 103, 110].

    Raises:
        UserError: it is written in another way.
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
    """Run a command of the program; its standard output.

    Raises:
        UserError, RunError: it failed; the text is its own.
    """
    command = [sys.executable, "-P", "-m", "stream", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        error = UserError if done.returncode == UserError.exit_code else RunError
        raise error(done.stderr.strip() or f"sge-stream {arguments[0]} ended with {done.returncode}")
    return done.stdout


def replay(recordings: list[Path], gallery: Path, fpir: str, matcher: str = "fusion") -> list[dict[str, Any]]:
    """Replay recordings at once, as quick as the system takes them; the decisions, in the order they came."""
    sources = [argument for path in recordings for argument in ("--source", str(path))]
    how = ("--speed", "0", "--fpir", fpir, "--matcher", matcher)
    lines = sge_stream(*sources, "--gallery", str(gallery), *how, "--json")
    return [json.loads(line) for line in lines.splitlines()]


def same_lines(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> bool:
    """Whether two replays said the same of each source, in the same order, but for `VARYING`."""

    def told(lines: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        by_source: dict[str, list[dict[str, Any]]] = {}
        for line in lines:
            kept = {key: value for key, value in line.items() if key not in VARYING}
            by_source.setdefault(line["source"], []).append(kept)
        return by_source

    return told(first) == told(second)


def _enrol(recordings: dict[tuple[int, str], Path], people: list[int], gallery: Path) -> None:
    for person in people:
        walks = [argument for w in ENROL_WALKS for argument in ("--source", str(recordings[person, w]))]
        name = f"Person{person:03d}"
        sge_stream("enroll", name, *walks, "--gallery", str(gallery), "--speed", "0", "--yes")
        out.print(f"enrolled {name}", style="dim")


def _report(people: list[int], probes: dict[int, Path], lines: list[dict[str, Any]]) -> tuple[int, int]:
    table = Table("person", "candidate", "score", "margin", "state", "")
    right = named = 0
    for person in people:
        finals = [line for line in lines if line["final"] and line["source"] == str(probes[person])]
        # A walk that tracking broke in two has two tracks; the later one speaks for it.
        final = max(finals, key=lambda line: (line["score"] is not None, line["t"]), default=NOTHING)
        correct = final["candidate"] == f"Person{person:03d}"
        right += correct
        named += final["person"] == f"Person{person:03d}"
        numbers = ["-" if final[key] is None else f"{final[key]:.4f}" for key in ("score", "margin")]
        mark = "right" if correct else "wrong"
        table.add_row(f"Person{person:03d}", final["candidate"] or "-", *numbers, final["state"], mark)
    out.print(table)
    return right, named


def run(
    data: Path, people: list[int], fpir: str, folder: Path, *, matcher: str = "fusion", twice: bool
) -> int:
    """Run the trial in a folder; returns how many final candidates were right.

    Raises:
        SgeError: the data or a command failed.
    """
    began = time.monotonic()
    recordings = {}
    for person in people:
        for walk in (*ENROL_WALKS, PROBE_WALK):
            path = folder / f"Person{person:03d}-{walk}.mcap"
            (recordings[person, walk],) = convert(data, path, person=str(person), walk=walk)
    gallery = folder / "gallery.db"
    _enrol(recordings, people, gallery)
    probes = {person: recordings[person, PROBE_WALK] for person in people}
    lines = replay(list(probes.values()), gallery, fpir, matcher)
    right, named = _report(people, probes, lines)
    out.print(f"final candidate right: {right} of {len(people)}; named: {named} (--fpir {fpir}, {matcher})")
    windows = sum(line["latency_ms"] is not None for line in lines)
    out.print(f"{windows} windows decided; {time.monotonic() - began:.0f} s in all")
    if twice:
        same = same_lines(lines, replay(list(probes.values()), gallery, fpir, matcher))
        out.print(f"a second replay said {'the same' if same else 'SOMETHING ELSE'}")
    return right


def trial(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="KGBD: folder of PersonNNN/k.txt, or .npz.")],
    people: Annotated[str, typer.Option(metavar="N-M", help="Who takes part.")] = "101-120",
    fpir: Annotated[str, typer.Option(metavar="P|off", help="As in sge-stream.")] = "off",
    matcher: Annotated[str, typer.Option(metavar="M", help="As in sge-stream.")] = "fusion",
    folder: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Keep recordings here.")] = None,
    twice: Annotated[bool, typer.Option("--twice", help="Replay again and compare the lines.")] = False,
) -> None:
    """Enrol people of KGBD from walks 1 and 2, replay walk 3, count the right final candidates."""
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sge-trial-")))
        folder.mkdir(parents=True, exist_ok=True)
        try:
            run(data, parse_people(people), fpir, folder, matcher=matcher, twice=twice)
        except SgeError as error:
            typer.echo(f"trial_kgbd: {error}", err=True)
            raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Run the trial from the command line."""
    typer.run(trial)


if __name__ == "__main__":
    main()
