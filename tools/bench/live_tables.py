"""Tables of the stage `live`: runs, parts of the latency, what people cost, and a long run by the minute."""

from __future__ import annotations

from rich.table import Table

from tools.bench.live import Flatness, LiveFigures
from tools.bench.live_run import RATE_HZ, LiveRun
from tools.bench.spread import bench_table

__all__ = ["live_tables"]


def live_tables(figures: LiveFigures) -> tuple[Table, ...]:
    """Returns the tables: all runs, the parts of the latency, costs, and minutes of a long run."""
    tables = [_runs_table(figures), _costs_table(figures)]
    if figures.chosen.parts:
        tables.insert(1, _parts_table(figures.chosen))
    if figures.chosen.minutes:
        tables.append(_minutes_table(figures.chosen, figures.flatness))
    return tuple(tables)


def _runs_table(figures: LiveFigures) -> Table:
    rows = [
        [
            str(run.people),
            f"{run.seconds:.0f}",
            f"{run.decisions:,}",
            f"{run.drops:,}",
            f"{run.late_frames:,}",
            *_milliseconds(run.total.p50_ms, run.total.p95_ms, run.total.p99_ms),
            f"{1000 * run.cpu_per_person:.1f}",
            "yes" if run.keeps(figures.limit_ms) else "no",
        ]
        for run in figures.runs
    ]
    return bench_table(
        f"Live in {figures.precision}: people at {RATE_HZ} skeletons/s, {figures.enrolled} enrolled",
        ["people", "s", "decisions", "dropped", "frames", "p50 ms", "p95 ms", "p99 ms", "CPU", "carried"],
        rows,
        f"{_warning(figures)}From frame to decision; encoder processes: {figures.encoders}. carried: nothing "
        f"dropped, and p95 under {figures.limit_ms:g} ms. dropped: windows and decisions. frames: read too "
        "late. CPU: ms/s per person, without this command",
    )


def _warning(figures: LiveFigures) -> str:
    return "" if figures.carried else "No number was carried; is the machine doing other work? "


def _parts_table(run: LiveRun) -> Table:
    rows = [[name, *_milliseconds(part.p50_ms, part.p95_ms, part.p99_ms)] for name, part in run.parts.items()]
    return bench_table(
        f"Live: parts of the latency, {run.people} people", ["part", "p50 ms", "p95 ms", "p99 ms"], rows
    )


def _costs_table(figures: LiveFigures) -> Table:
    run = figures.chosen
    rows = [
        [
            cost.role,
            str(cost.processes),
            f"{cost.cpu:.3f}",
            f"{1000 * cost.cpu_per_person:.2f}",
            "-" if cost.memory_mb is None else f"{cost.memory_mb:.0f}",
        ]
        for cost in run.processes
    ]
    growth = figures.memory_mb_per_person
    memory = "" if growth is None else f" Memory grows by {growth:.2f} MB per person, over all runs."
    return bench_table(
        f"Live: cost of {run.people} people",
        ["", "processes", "CPU s/s", "CPU ms/s per person", "memory MB"],
        rows,
        f"capture includes the simulation of the people, which takes {figures.crowd_cpu:.3f} CPU s/s by "
        f"itself. consumer: this command, which reads the decisions.{memory}",
    )


def _minutes_table(run: LiveRun, flatness: Flatness | None) -> Table:
    rows = [
        [
            str(each.minute),
            f"{1000 * each.cpu_per_person:.2f}",
            "-" if each.memory_mb is None else f"{each.memory_mb:.0f}",
            f"{each.p95_ms:.0f}",
            f"{each.drops:,}",
        ]
        for each in run.minutes
    ]
    caption = ""
    if flatness is not None:
        caption = f"last third beside the first: CPU {flatness.cpu:.2f} times"
        if flatness.memory_mb is not None:
            caption += f", memory {flatness.memory_mb:+.1f} MB"
    return bench_table(
        f"Live: {run.people} people by the minute",
        ["minute", "CPU ms/s per person", "memory MB", "p95 ms", "dropped"],
        rows,
        caption,
    )


def _milliseconds(*values: float) -> list[str]:
    return [f"{value:.1f}" for value in values]
