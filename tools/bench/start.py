"""Stage `start`: seconds of `sge-stream --help`, and until the live system is ready, by cause."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.table import Table

from stream.errors import RunError
from tools.bench.live import ENROLLED
from tools.bench.request import Report
from tools.bench.simulated_gallery import make_gallery
from tools.bench.spread import Spread, bench_table, spread_of
from tools.bench.start_parts import PROCESSES, WHOLE

__all__ = ["HEAVY", "StartFigures", "StartPart", "loaded_by_help", "measure_start", "start_tables"]

HEAVY = ("torch", "mediapipe", "cv2", "scipy", "sklearn", "numpy", "matplotlib", "sqlalchemy", "zmq")
"""Packages that the help must not load."""

_HELP_ROUNDS = 7
_ROUNDS = 3
_SOURCE = "walkers:n=1,seed=1,walk=2"

_HELP = """
import json, sys
from stream.__main__ import main
sys.argv[1:] = ["--help"]
try:
    main()
except SystemExit:
    pass
sys.stderr.write(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


class StartPart(msgspec.Struct, frozen=True, kw_only=True):
    """One cause of the time until a process is ready.

    Attributes:
        process: `capture`, `encoder` or `matcher`; `live` for the whole system.
        cause: what takes the time.
        seconds: that it takes.
    """

    process: str
    cause: str
    seconds: Spread


class StartFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of the stage.

    Attributes:
        python_s: the interpreter alone, from start to end of its process.
        help_s: `sge-stream --help`, likewise.
        help_loads: of `HEAVY`, what it loads; should be empty.
        ready_s: from the import of `Live` until all its processes are ready.
        enrolled: people in the gallery.
        parts: by process and cause, in order; each process is timed alone.
    """

    python_s: Spread
    help_s: Spread
    help_loads: tuple[str, ...]
    ready_s: Spread
    enrolled: int
    parts: tuple[StartPart, ...]


def measure_start(report: Report, *, enrolled: int = ENROLLED, rounds: int = _ROUNDS) -> StartFigures:
    """Times whole processes.

    Args:
        report: is told what is measured.
        enrolled: number of people in the gallery.
        rounds: of each process of the live system.

    Raises:
        RunError: a process failed.
    """
    report("start: --help")
    commands = {"python": ["-c", ""], "help": ["-m", "stream", "--help"]}
    whole: dict[str, list[float]] = defaultdict(list)
    for _ in range(_HELP_ROUNDS):
        for name, arguments in commands.items():
            started = time.perf_counter()
            _run(arguments)
            whole[name].append(time.perf_counter() - started)
    parts = _measure_parts(report, enrolled, rounds)
    ready = [sum(each) for each in zip(*parts[WHOLE].values(), strict=True)]
    return StartFigures(
        python_s=spread_of(whole["python"]),
        help_s=spread_of(whole["help"]),
        help_loads=loaded_by_help(),
        ready_s=spread_of(ready),
        enrolled=enrolled,
        parts=tuple(
            StartPart(process=process, cause=cause, seconds=spread_of(seconds))
            for process, causes in parts.items()
            for cause, seconds in causes.items()
        ),
    )


def loaded_by_help() -> tuple[str, ...]:
    """Returns which packages of `HEAVY` a process that printed the help has loaded."""
    loaded = json.loads(_run(["-c", _HELP]).stderr)
    return tuple(name for name in HEAVY if name in loaded)


def _measure_parts(report: Report, enrolled: int, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Returns process -> cause -> seconds of each round."""
    found: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in PROCESSES}
    with tempfile.TemporaryDirectory(prefix="sge-bench-", ignore_cleanup_errors=True) as folder:
        gallery = Path(folder) / "gallery.db"
        report(f"start: enrolling {enrolled} people")
        make_gallery(gallery, enrolled)
        report("start: processes of the live system")
        for _ in range(rounds):
            for name, causes in found.items():
                done = _run(["-m", "tools.bench.start_parts", name, str(gallery), _SOURCE])
                for cause, seconds in json.loads(done.stdout).items():
                    causes[cause].append(seconds)
    return found


def _run(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    # -P: import no modules from the current folder. One thread, as in the processes of the live system.
    command = [sys.executable, "-P", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RunError(f"the measurement {' '.join(arguments[:3])!r} failed: {last}")
    return done


def start_tables(figures: StartFigures) -> tuple[Table, ...]:
    """Returns the tables of whole processes, and of their parts."""
    whole = [
        ["python, nothing else", figures.python_s],
        ["sge-stream --help", figures.help_s],
        [f"live system ready, {figures.enrolled} enrolled", figures.ready_s],
    ]
    rows = [[str(name), *_seconds(spread)] for name, spread in whole if isinstance(spread, Spread)]
    parts = [[part.process, part.cause, *_seconds(part.seconds)] for part in figures.parts]
    loads = ", ".join(figures.help_loads) or f"none of {', '.join(HEAVY)}"
    return (
        bench_table("Start", ["", "seconds", "range"], rows, f"the help loads {loads}"),
        bench_table(
            "Start: until each process is ready, timed alone",
            ["process", "cause", "seconds", "range"],
            parts,
            "live: the whole system; matcher and sources import their modules while the encoder loads",
            names=2,
        ),
    )


def _seconds(spread: Spread) -> list[str]:
    return [f"{spread.median:.2f}", f"{spread.low:.2f}-{spread.high:.2f}"]
