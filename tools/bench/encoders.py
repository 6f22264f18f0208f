"""Stage `encoders`: what several encoder processes give, by themselves and in the live system."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.table import Table

from tools.bench.encoder_processes import run_encoders
from tools.bench.live_run import RATE_HZ, LiveRun, measure_run
from tools.bench.machine import core_count
from tools.bench.request import Report
from tools.bench.simulated_gallery import make_gallery
from tools.bench.spread import Spread, bench_table, spread_of

__all__ = ["PEOPLE", "PROCESSES", "EncodersAt", "EncodersFigures", "encoders_table", "measure_encoders"]

PROCESSES = (1, 2)
PEOPLE = 40
"""People in the live system."""

ROUNDS = 3


class EncodersAt(msgspec.Struct, frozen=True, kw_only=True):
    """Figures with one number of processes.

    Attributes:
        processes: their number.
        windows_per_s: of all together, with nothing beside them but this process.
        live: the live system with them.
    """

    processes: int
    windows_per_s: Spread
    live: LiveRun


class EncodersFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of the stage.

    Attributes:
        cores: of this machine; more processes than free cores give nothing.
        people: in the live system.
        at: by the number of processes, as measured.
    """

    cores: int
    people: int
    at: tuple[EncodersAt, ...]


def measure_encoders(
    report: Report,
    *,
    seconds: float,
    people: int = PEOPLE,
    processes: Sequence[int] = PROCESSES,
    rounds: int = ROUNDS,
) -> EncodersFigures:
    """Measures each number of processes in turn, round by round; then the live system with each.

    Args:
        report: is told of every run.
        seconds: duration of all rounds of one number of processes, and of a live run.
        people: in the live system, all of them enrolled.
        processes: numbers of encoder processes.
        rounds: rounds of each.

    Raises:
        RunError: a process failed.
    """
    found: dict[int, list[float]] = {count: [] for count in processes}
    for number in range(rounds):
        for count in processes:
            report(f"encoders: round {number + 1} of {rounds}, {_named(count)}")
            found[count].append(run_encoders(count, seconds / rounds))
    live: dict[int, LiveRun] = {}
    with tempfile.TemporaryDirectory(prefix="sge-bench-", ignore_cleanup_errors=True) as folder:
        gallery = Path(folder) / "gallery.db"
        make_gallery(gallery, people)
        for count in processes:
            report(f"encoders: {people} people live, {_named(count)}")
            live[count] = measure_run(people, gallery, seconds, encoders=count)
    return EncodersFigures(
        cores=core_count(),
        people=people,
        at=tuple(_figures(count, found[count], live[count]) for count in processes),
    )


def _named(count: int) -> str:
    return f"{count} process{'' if count == 1 else 'es'}"


def _figures(processes: int, rounds: Sequence[float], live: LiveRun) -> EncodersAt:
    return EncodersAt(
        processes=processes,
        windows_per_s=spread_of(rounds),
        live=live,
    )


def encoders_table(figures: EncodersFigures) -> Table:
    """Returns the table: windows a second, and decisions of the live system."""
    first = figures.at[0].windows_per_s.median
    rows = [
        [
            str(each.processes),
            each.windows_per_s.text,
            each.windows_per_s.range_text,
            f"{each.windows_per_s.median / first:.2f}",
            f"{each.live.total.p50_ms:.0f}",
            f"{each.live.total.p95_ms:.0f}",
            f"{each.live.drops:,}",
        ]
        for each in figures.at
    ]
    return bench_table(
        f"Encoders: processes of one thread each, {figures.cores} cores",
        ["processes", "windows/s", "range", "x", "live p50 ms", "p95 ms", "dropped"],
        rows,
        f"live: {figures.people} people at {RATE_HZ} skeletons/s, from frame to decision",
    )
