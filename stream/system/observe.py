"""Observers of a running system: receive the decisions and the events of visits that it publishes."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import zmq

from stream.bus.sockets import DECISION_TOPIC, EVENT_TOPIC, Bus
from stream.decision import Decision
from stream.system.run_folder import Run
from stream.visits.events import VisitEvent, event_of

__all__ = ["observe", "observe_events"]


def observe(run: Run, timeout: float) -> Iterator[Decision]:
    """Yields the decisions of a running system until none comes for `timeout` seconds.

    Delivery is best effort: an observer that reads too slowly misses decisions.

    Args:
        run: the system; `stream.system.run_folder.running` finds it.
        timeout: longest wait for a decision, in seconds.
    """
    for line in _published(run, DECISION_TOPIC, timeout):
        yield msgspec.json.decode(line, type=Decision)


def observe_events(run: Run, timeout: float) -> Iterator[VisitEvent]:
    """Yields the events of visits of a running system; see `observe`."""
    for line in _published(run, EVENT_TOPIC, timeout):
        yield event_of(line)


def _published(run: Run, topic: bytes, timeout: float) -> Iterator[bytes]:
    with Bus(run.wiring) as bus:
        socket = bus.connect(zmq.SUB, "decisions", high_water=1000)
        socket.subscribe(topic)
        while socket.poll(int(timeout * 1000)):
            _, line = socket.recv_multipart()
            yield line
