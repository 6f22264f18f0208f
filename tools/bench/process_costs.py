"""Processor time and memory of the processes of a running system."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stream.system.supervisor import DROPS, Child

__all__ = ["CONSUMER", "ProcessCost", "Sample", "process_costs", "take_sample"]

CONSUMER = "consumer"
"""Name of this process, which reads the decisions."""


class ProcessCost(msgspec.Struct, frozen=True, kw_only=True):
    """Cost of the processes of one role, over a time.

    Attributes:
        role: `capture`, `encoder`, `matcher`, or `consumer` for the process that reads the decisions.
        processes: their number.
        cpu: processor seconds per second, of all together.
        cpu_per_person: the same, per person.
        memory_mb: resident at the end, of all together; None where it cannot be read.
    """

    role: str
    processes: int
    cpu: float
    cpu_per_person: float
    memory_mb: float | None


@dataclass(frozen=True, slots=True)
class Sample:
    """State of all processes at one moment.

    Attributes:
        at: monotonic seconds.
        cpu_s: processor seconds so far, by process.
        roles: role by process.
        memory_mb: resident memory by process; without those that cannot be read.
        dropped: items dropped so far, by counter of the heartbeats.
    """

    at: float
    cpu_s: Mapping[str, float]
    roles: Mapping[str, str]
    memory_mb: Mapping[str, float]
    dropped: Mapping[str, int]


def take_sample(children: Sequence[Child]) -> Sample:
    """Returns the state of the processes, by their newest heartbeats, and of this one."""
    cpu, roles, memory = {CONSUMER: time.process_time()}, {CONSUMER: CONSUMER}, {}
    for child in children:
        roles[child.label] = child.role
        cpu[child.label] = child.status.counters.get("cpu", 0.0) if child.status is not None else 0.0
        if child.process is not None and (resident := _resident_mb(child.process.pid)) is not None:
            memory[child.label] = resident
    if (resident := _resident_mb(None)) is not None:
        memory[CONSUMER] = resident
    dropped = {name: int(sum(child.dropped_items(name) for child in children)) for name in DROPS}
    return Sample(time.monotonic(), cpu, roles, memory, dropped)


def process_costs(first: Sample, last: Sample, people: int) -> tuple[ProcessCost, ...]:
    """Returns the costs between two samples, by role.

    Args:
        first: the earlier sample.
        last: the later one.
        people: number of people in view.
    """
    seconds = last.at - first.at
    costs = []
    for role in dict.fromkeys(last.roles.values()):
        names = [name for name, its in last.roles.items() if its == role]
        cpu = sum(last.cpu_s[name] - first.cpu_s.get(name, 0.0) for name in names) / seconds
        known = [last.memory_mb[name] for name in names if name in last.memory_mb]
        costs.append(
            ProcessCost(
                role=role,
                processes=len(names),
                cpu=cpu,
                cpu_per_person=cpu / people,
                memory_mb=sum(known) if known else None,
            )
        )
    return tuple(costs)


def _resident_mb(pid: int | None) -> float | None:
    """Returns the resident memory of a process, None for this one, in megabytes; only Linux tells it."""
    try:
        lines = Path(f"/proc/{pid or 'self'}/status").read_text(errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, value = line.partition(":")
        if name == "VmRSS":
            return int(value.split()[0]) / 1024
    return None
