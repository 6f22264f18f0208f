"""One run of the live system on simulated people: latency, drops, processor time and memory."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np

from encoder.precision import Precision
from stream.bus.messages import Verdict
from stream.errors import RunError
from stream.sources.simulated import SimulatedConfig, simulated_frames
from stream.system.live import Live
from tools.bench.machine import core_count
from tools.bench.process_costs import CONSUMER, ProcessCost, Sample, process_costs, take_sample

__all__ = ["RATE_HZ", "LiveRun", "Minute", "Percentiles", "crowd_cpu", "crowd_sources", "measure_run"]

RATE_HZ = 30
"""Skeletons per second of each person."""

SEED, WALK = 1, 2
"""The people of the gallery on another walk."""

_FRAMES = "frames_dropped"
_WARM_UP_S = 5.0
_START_WITHIN_S = 120.0
_POLL_S = 0.2
_CROWD_FRAMES = 160
_SHARED_BY = 20
"""So many people are one source; more are shared by as many sources as there are cores."""


class Percentiles(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds that half, 95 % and 99 % of the decisions keep within."""

    p50_ms: float
    p95_ms: float
    p99_ms: float


class Minute(msgspec.Struct, frozen=True, kw_only=True):
    """One minute of a long run.

    Attributes:
        minute: its number, from 1.
        cpu_per_person: processor seconds per second and person, of all processes of the system.
        memory_mb: resident at its end, of the same processes; None where it cannot be read.
        p95_ms: of its decisions.
        drops: windows, decisions and messages.
    """

    minute: int
    cpu_per_person: float
    memory_mb: float | None
    p95_ms: float
    drops: int


class LiveRun(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one run, after the warm-up.

    Attributes:
        people: walking all the time.
        sources: that they are shared by; each is a process.
        seconds: measured.
        decisions: in that time.
        drops: windows, decisions and messages that were dropped.
        dropped: the same by kind, and the frames that were read too late.
        total: from the frame that completed the window to the decision.
        parts: the same in parts, see `stream.bus.window_times`; `publish` comes on top.
        processes: cost by role.
        minutes: of a run that is measured by the minute.
    """

    people: int
    sources: int
    seconds: float
    decisions: int
    drops: int
    dropped: dict[str, int]
    total: Percentiles
    parts: dict[str, Percentiles]
    processes: tuple[ProcessCost, ...]
    minutes: tuple[Minute, ...] = ()

    @property
    def cpu_per_person(self) -> float:
        """Processor seconds per second and person, of all processes of the system."""
        return _system_cpu(self.processes)

    @property
    def memory_mb(self) -> float | None:
        """Resident memory of all processes of the system; None where it cannot be read."""
        return _system_memory(self.processes)

    @property
    def late_frames(self) -> int:
        """Frames that a source read too late; its windows are cut from the others."""
        return self.dropped.get(_FRAMES, 0)

    def keeps(self, limit_ms: float) -> bool:
        """Returns whether no window or decision was dropped, and 95 % of the decisions came within a time."""
        return not self.drops and self.total.p95_ms < limit_ms


def crowd_sources(people: int) -> list[str]:
    """Returns sources that together show so many simulated people."""
    count = 1 if people <= _SHARED_BY else min(core_count(), people)
    shares = [people // count + (place < people % count) for place in range(count)]
    sources, first = [], 1
    for place, share in enumerate(shares):
        only = "+".join(str(number) for number in range(first, first + share))
        sources.append(
            f"crowd{place + 1}=walkers:n={people},seed={SEED},walk={WALK},only={only},fps={RATE_HZ}"
        )
        first += share
    return sources


def crowd_cpu(people: int) -> float:
    """Returns the processor seconds that a second of simulated people takes; no part of the system."""
    frames = simulated_frames(SimulatedConfig(n=people, seed=SEED, walk=WALK, fps=RATE_HZ))
    next(frames)
    started = time.process_time()
    for _ in islice(frames, _CROWD_FRAMES):
        pass
    return (time.process_time() - started) / (_CROWD_FRAMES / RATE_HZ)


def measure_run(
    people: int,
    gallery: Path,
    seconds: float,
    *,
    minutes: int = 0,
    precision: Precision = "fp32",
    encoders: int = 1,
) -> LiveRun:
    """Runs the live system on simulated people.

    Args:
        people: their number.
        gallery: with enrolled people; the first of them are those who walk.
        seconds: duration after the warm-up.
        minutes: so many minutes instead, each with its own figures; 0 for none.
        precision: of the encoder.
        encoders: number of encoder processes.

    Raises:
        UserError: this machine does not have the precision.
        RunError: a process failed, or no decision came.
    """
    sources = crowd_sources(people)
    with Live(sources, str(gallery), precision=precision, encoders=encoders) as live:
        _warm_up(live, len(sources))
        collected = _Collected()
        first = take_sample(live.supervisor.children)
        by_minute: list[Minute] = []
        if not minutes:
            _collect(live, seconds, collected)
        for number in range(1, minutes + 1):
            before, since = take_sample(live.supervisor.children), len(collected.total)
            _collect(live, 60.0, collected)
            after = take_sample(live.supervisor.children)
            by_minute.append(_minute(number, before, after, collected.total[since:], people))
        last = take_sample(live.supervisor.children)
    dropped = _dropped(first, last)
    return LiveRun(
        people=people,
        sources=len(sources),
        seconds=last.at - first.at,
        decisions=len(collected.total),
        drops=_sum(dropped),
        dropped=dropped,
        total=_percentiles(collected.total),
        parts={name: _percentiles(values) for name, values in collected.parts.items()},
        processes=process_costs(first, last, people),
        minutes=tuple(by_minute),
    )


@dataclass(slots=True)
class _Collected:
    """Milliseconds of all decisions."""

    total: array[float] = field(default_factory=lambda: array("d"))
    parts: dict[str, array[float]] = field(default_factory=dict)

    def add(self, verdict: Verdict) -> None:
        if verdict.decision.latency_ms is None:
            return
        self.total.append(verdict.decision.latency_ms)
        for name, milliseconds in _parts(verdict):
            self.parts.setdefault(name, array("d")).append(milliseconds)


def _parts(verdict: Verdict) -> Iterator[tuple[str, float]]:
    """Yields the parts of a decision's latency, milliseconds by name."""
    if verdict.times is not None:
        for name, seconds in verdict.times.stages.items():
            yield name, 1000 * seconds


def _warm_up(live: Live, sources: int) -> None:
    """Reads decisions until every source has decisions after the warm-up."""
    waiting = set(range(sources))
    deadline = time.monotonic() + _START_WITHIN_S
    while waiting:
        verdict = live.next(_POLL_S)
        if verdict is not None and verdict.decision.t > _WARM_UP_S:
            waiting.discard(live.source_of(verdict.decision.track))
        if time.monotonic() > deadline:
            raise RunError("the live system did not decide on every source within two minutes")


def _collect(live: Live, seconds: float, collected: _Collected) -> None:
    until = time.monotonic() + seconds
    while (remaining := until - time.monotonic()) > 0:
        verdict = live.next(min(_POLL_S, remaining))
        if verdict is not None:
            collected.add(verdict)


def _minute(number: int, before: Sample, after: Sample, total: array[float], people: int) -> Minute:
    costs = process_costs(before, after, people)
    return Minute(
        minute=number,
        cpu_per_person=_system_cpu(costs),
        memory_mb=_system_memory(costs),
        p95_ms=_percentiles(total).p95_ms,
        drops=_sum(_dropped(before, after)),
    )


def _system_cpu(costs: Sequence[ProcessCost]) -> float:
    """Returns the processor time per person of all processes but the one that reads the decisions."""
    return sum(cost.cpu_per_person for cost in costs if cost.role != CONSUMER)


def _system_memory(costs: Sequence[ProcessCost]) -> float | None:
    known = [cost.memory_mb for cost in costs if cost.role != CONSUMER and cost.memory_mb is not None]
    return sum(known) if known else None


def _dropped(first: Sample, last: Sample) -> dict[str, int]:
    return {name: count - first.dropped[name] for name, count in last.dropped.items()}


def _sum(dropped: Mapping[str, int]) -> int:
    """Returns the number of what was dropped, without frames."""
    return sum(count for name, count in dropped.items() if name != _FRAMES)


def _percentiles(milliseconds: Sequence[float]) -> Percentiles:
    if not milliseconds:
        raise RunError("the live system made no decision in the time measured; give more --seconds")
    p50, p95, p99 = np.percentile(np.asarray(milliseconds), (50, 95, 99)).tolist()
    return Percentiles(p50_ms=p50, p95_ms=p95, p99_ms=p99)
