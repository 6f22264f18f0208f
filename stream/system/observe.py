"""Looking on at a running system: its decisions, as they are published. Slow observers miss some."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import zmq

from stream.bus.sockets import Bus
from stream.decision import Decision
from stream.system.run_folder import Run

__all__ = ["observe"]


def observe(run: Run, timeout: float) -> Iterator[Decision]:
    """Yield the decisions of a running system until none came for a while.

    Args:
        run: the system, see `stream.system.run_folder.running`.
        timeout: seconds without a decision after which to end.
    """
    with Bus(run.wiring) as bus:
        socket = bus.connect(zmq.SUB, "decisions", high_water=1000)
        socket.subscribe(b"")
        while socket.poll(int(timeout * 1000)):
            yield msgspec.json.decode(socket.recv(), type=Decision)
