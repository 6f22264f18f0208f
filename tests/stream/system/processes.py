"""Processes of a run that are not real: their heartbeats are given by the test."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace
from typing import cast

import msgspec

from stream.bus.messages import Status
from stream.system.supervisor import Child

__all__ = ["beat", "process"]


def process(role: str, index: int = 0) -> Child:
    """Returns a process that runs and has sent no heartbeat."""
    child = Child(role, index, lambda child: msgspec.defstruct("Nothing", [])())
    child.process = cast("subprocess.Popen[bytes]", SimpleNamespace(poll=lambda: None))
    return child


def beat(child: Child, **counters: float) -> None:
    """Stores a heartbeat of a process."""
    child.record_heartbeat(Status(child.role, child.index, "ready", counters))
