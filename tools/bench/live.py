"""Stage `live`: how many people at 30 skeletons a second this machine carries, and what a decision takes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec
import numpy as np

from encoder.precision import Precision
from tools.bench.live_run import LiveRun, Minute, crowd_cpu, measure_run
from tools.bench.request import Report
from tools.bench.simulated_gallery import make_gallery

__all__ = [
    "ENROLLED",
    "LIMIT_MS",
    "SECONDS",
    "Flatness",
    "LiveFigures",
    "live_key",
    "measure_live",
    "most_people",
]

ENROLLED = 100
"""People in the gallery."""

LIMIT_MS = 150.0
"""95 % of the decisions must come within this time."""

SECONDS = 60.0
"""Duration of a run that counts."""

_FIRST = 50
_MOST = 1000
_STEP = 0.1
"""The search ends when the least that failed is within this share of the most that was carried."""

_CONFIRMATIONS = 4

_SHORT = 4
"""The search uses runs that are so many times shorter, and then confirms."""


def live_key(precision: str) -> str:
    """Returns the name of the stage that measures a precision."""
    return "live" if precision == "fp32" else f"live_{precision}"


class Flatness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether cost stays the same over a long run: the last third of its minutes beside the first.

    Attributes:
        cpu: processor time per person, last third over first.
        memory_mb: growth of the memory, last third minus first; None where memory cannot be read.
    """

    cpu: float
    memory_mb: float | None


class LiveFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of the stage: those of the most people that the machine carried, and all runs.

    Attributes:
        people: the most that were carried; of those tried, the fewest if none were.
        carried: whether no window or decision was dropped and 95 % of the decisions came within `limit_ms`.
        drops: windows, decisions and messages dropped with them.
        p50_ms: half of their decisions came within this time.
        p95_ms: 95 %.
        p99_ms: 99 %.
        limit_ms: see `LIMIT_MS`.
        enrolled: people in the gallery.
        crowd_cpu: processor seconds per second that simulating the people takes, measured apart; part of
            the cost of `capture`.
        cpu_per_person: processor seconds per second and person, of all processes but this one.
        memory_mb_per_person: growth of their memory with the number of people, over all runs; None where it
            cannot be read, or if all runs had as many people.
        flatness: of a run by the minute.
        runs: all, in the order measured.
        precision: of the encoder.
        encoders: number of encoder processes.
    """

    people: int
    carried: bool
    drops: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    limit_ms: float
    enrolled: int
    crowd_cpu: float
    cpu_per_person: float
    memory_mb_per_person: float | None
    flatness: Flatness | None
    runs: tuple[LiveRun, ...]
    precision: str = "fp32"
    encoders: int = 1

    @property
    def chosen(self) -> LiveRun:
        """The run whose figures stand first."""
        return next(run for run in reversed(self.runs) if run.people == self.people)


def measure_live(
    report: Report,
    *,
    people: Sequence[int] = (),
    seconds: float = SECONDS,
    minutes: int = 0,
    enrolled: int = ENROLLED,
    precision: Precision = "fp32",
    encoders: int = 1,
) -> LiveFigures:
    """Runs the live system on crowds of simulated people.

    Args:
        report: is told of every run.
        people: numbers of people; empty to search for the most that the machine carries.
        seconds: duration of a run.
        minutes: measures so many minutes instead, to see whether the cost stays the same; 0 for none.
        enrolled: number of people in the gallery.
        precision: of the encoder.
        encoders: number of encoder processes.

    Raises:
        UserError: this machine does not have the precision.
        RunError: a process of the system failed.
    """
    runs: list[LiveRun] = []
    with tempfile.TemporaryDirectory(prefix="sge-bench-", ignore_cleanup_errors=True) as folder:
        gallery = Path(folder) / "gallery.db"
        report(f"live: enrolling {enrolled} people")
        make_gallery(gallery, enrolled)

        def run(count: int, duration: float, minutes: int) -> bool:
            report(f"live: {count} people in {precision}")
            runs.append(
                measure_run(count, gallery, duration, minutes=minutes, precision=precision, encoders=encoders)
            )
            kept = runs[-1].keeps(LIMIT_MS)
            report(f"live: {_outcome(runs[-1])}{'' if kept else ': too many'}")
            return kept

        if people:
            for count in people:
                run(count, seconds, minutes)
        else:
            most_people(
                lambda count: run(count, seconds / _SHORT, 0), lambda count: run(count, seconds, minutes)
            )
    figures = _figures(runs, seconds, enrolled)
    return msgspec.structs.replace(figures, precision=precision, encoders=encoders)


def most_people(probe: Callable[[int], bool], confirm: Callable[[int], bool]) -> int:
    """Searches the most people that are carried: doubles, halves the gap, and confirms.

    Args:
        probe: measures a number of people shortly; returns whether they are carried.
        confirm: the same at full length.

    Returns:
        The most people that are confirmed; 0 if none are in a few attempts, each with fewer people, as on a
        machine that does other work meanwhile.
    """
    good, bad = 0, _MOST + 1
    count = _FIRST
    while count <= _MOST and probe(count):
        good, count = count, 2 * count
    bad = count
    while bad - good > max(1, _STEP * good):
        middle = (good + bad) // 2
        if probe(middle):
            good = middle
        else:
            bad = middle
    for _ in range(_CONFIRMATIONS):
        if not good or confirm(good):
            return good
        good = min(good - 1, round(good * (1 - _STEP)))
    return 0


def _figures(runs: Sequence[LiveRun], seconds: float, enrolled: int) -> LiveFigures:
    full = [run for run in runs if run.seconds >= seconds] or list(runs)
    carried = [run for run in full if run.keeps(LIMIT_MS)]
    chosen = max(carried, key=_people) if carried else min(full, key=_people)
    return LiveFigures(
        people=chosen.people,
        carried=bool(carried),
        drops=chosen.drops,
        p50_ms=chosen.total.p50_ms,
        p95_ms=chosen.total.p95_ms,
        p99_ms=chosen.total.p99_ms,
        limit_ms=LIMIT_MS,
        enrolled=enrolled,
        crowd_cpu=crowd_cpu(chosen.people),
        cpu_per_person=chosen.cpu_per_person,
        memory_mb_per_person=_memory_growth(runs),
        flatness=_flatness(chosen.minutes),
        runs=tuple(runs),
    )


def _memory_growth(runs: Sequence[LiveRun]) -> float | None:
    known = [(run.people, run.memory_mb) for run in runs if run.memory_mb is not None]
    if len({people for people, _ in known}) < 2:
        return None
    people, memory = zip(*known, strict=True)
    return float(np.polyfit(people, memory, 1)[0])


def _people(run: LiveRun) -> int:
    return run.people


def _flatness(minutes: Sequence[Minute]) -> Flatness | None:
    third = len(minutes) // 3
    if not third:
        return None
    first, last = minutes[:third], minutes[-third:]
    memory = [[each.memory_mb for each in part if each.memory_mb is not None] for part in (first, last)]
    return Flatness(
        cpu=_mean(each.cpu_per_person for each in last) / _mean(each.cpu_per_person for each in first),
        memory_mb=_mean(memory[1]) - _mean(memory[0]) if all(memory) else None,
    )


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _outcome(run: LiveRun) -> str:
    return f"{run.people} people, p95 {run.total.p95_ms:.0f} ms, {run.drops:,} dropped"
