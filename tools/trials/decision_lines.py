"""Decision lines of a fixed set of recordings, to check that two versions of the program decide alike.

    python -m tools.trials.decision_lines DATA --out before.jsonl --checkout ../before
    python -m tools.trials.decision_lines DATA --out after.jsonl --against before.jsonl

DATA is KGBD, packed or as published. People 101-120 are enrolled from walks 1 and 2, and walk 3 of each is
replayed with every matcher. Then simulated people are enrolled and replayed. Everything runs through the
command line, so that `--checkout` can run another version of the project. The comparison ignores what differs
in every run (`id`, `time`, `latency_ms`) and the wording of `reason`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from stream.errors import DataError, SgeError, UserError
from stream.terminal.consoles import plain_console
from tools.trials.kgbd_identification import ENROL_WALKS, PROBE_WALK
from tools.trials.program import VARYING, Line, Program, lines_by_source, parse_person_numbers

__all__ = ["decision_lines", "differences", "main"]

REPLAYS = (("fusion", "0.01"), ("nearest", "off"), ("rn", "0.05"))
"""Matchers, each with its `--fpir`."""

SIMULATED = "walkers:n=4,seed=1,live=0"
WALKERS = (1, 2, 3)
"""Simulated people who are enrolled; the others are strangers."""

out = plain_console()


def decision_lines(data: Path, people: Iterable[int], checkout: Path | None = None) -> list[Line]:
    """Enrols and replays; returns every decision line, with the replay's name as `replay`.

    Args:
        data: KGBD.
        people: people to enrol and replay.
        checkout: another checkout of the project to run; None runs this one.

    Raises:
        SgeError: the data cannot be read or a command failed.
    """
    lines: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="sge-lines-") as name:
        program = Program(checkout, Path(name))
        probes = [_enrol(program, data.resolve(), person) for person in people]
        for matcher, fpir in REPLAYS:
            lines += _named(f"kgbd {matcher}", program.replay(probes, "kgbd.db", fpir=fpir, matcher=matcher))
            out.print(f"kgbd {matcher}: {len(lines)} lines so far", style="dim")
        for number in WALKERS:
            source = f"{SIMULATED},walk=1,only={number},seconds=12"
            options = ("--gallery", "simulated.db", "--speed", "0", "--yes")
            program.run("enroll", f"Walker{number}", "--source", source, *options)
        source = f"{SIMULATED},walk=2,seconds=20"
        lines += _named("walkers", program.replay([source], "simulated.db", fpir="0.01", matcher="fusion"))
    return lines


def _enrol(program: Program, data: Path, person: int) -> str:
    """Enrols one person of KGBD; returns the name of the recording to replay."""
    recordings = {walk: f"Person{person:03d}-{walk}.mcap" for walk in (*ENROL_WALKS, PROBE_WALK)}
    for walk, recording in recordings.items():
        program.run("convert", str(data), recording, "--person", str(person), "--walk", walk)
    walks = [argument for walk in ENROL_WALKS for argument in ("--source", recordings[walk])]
    name = f"Person{person:03d}"
    program.run("enroll", name, *walks, "--gallery", "kgbd.db", "--speed", "0", "--yes")
    return recordings[PROBE_WALK]


def _named(replay: str, lines: list[Line]) -> list[Line]:
    return [{"replay": replay, **line} for line in lines]


def differences(before: Iterable[Line], after: Iterable[Line]) -> list[str]:
    """Returns a text for each replay and source that differs; lines are compared in order."""
    first, second = _by_source(before), _by_source(after)
    texts = []
    for key in sorted({*first, *second}):
        one, other = first.get(key, []), second.get(key, [])
        if one != other:
            place = next(
                (n for n, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), -1
            )
            text = f"{len(one)} lines, then {len(other)}"
            if place >= 0:
                text += f"; line {place + 1}: {json.dumps(one[place])} became {json.dumps(other[place])}"
            texts.append(f"{key}: {text}")
    return texts


def _by_source(lines: Iterable[Line]) -> dict[str, list[Line]]:
    named = [{**line, "source": f"{line['replay']} {line['source']}"} for line in lines]
    return lines_by_source(named, (*VARYING, "reason"))


def _read(path: Path) -> list[Line]:
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: expected decision lines written by --out ({error})") from error


def _write(path: Path, lines: Iterable[Line], mode: str = "w") -> None:
    try:
        with path.open(mode, encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
    except OSError as error:
        raise UserError(f"--out: {path} cannot be written ({error.strerror}); give another file") from error


def trial(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="KGBD: folder of PersonNNN/k.txt, or .npz.")],
    result: Annotated[Path, typer.Option("--out", metavar="FILE", help="File for the decision lines.")],
    against: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Decision lines of another run, to compare with.")
    ] = None,
    checkout: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Another checkout of the project to run instead."),
    ] = None,
    people: Annotated[str, typer.Option(metavar="N-M", help="People to enrol and replay.")] = "101-120",
) -> None:
    """Write the decision lines of a fixed set of recordings, and compare them with another run's."""
    try:
        before = _read(against) if against is not None else None
        _write(result, [], mode="a")  # the run takes minutes: checks first that the file can be written
        lines = decision_lines(data, parse_person_numbers(people), checkout)
        _write(result, lines)
        differing = [] if before is None else differences(before, lines)
    except SgeError as error:
        typer.echo(f"decision_lines: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    for text in differing:
        typer.echo(f"decision_lines: {text}", err=True)
    compared = "" if against is None else f"; {len(differing)} sources differ from {against}"
    out.print(f"{len(lines)} lines{compared}", highlight=False)
    raise typer.Exit(1 if differing else 0)


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(trial)


if __name__ == "__main__":
    main()
