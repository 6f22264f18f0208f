"""Observer of a running system: receives the decisions that it publishes."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import zmq

from stream.bus.sockets import Bus
from stream.decision import Decision
from stream.system.run_folder import Run

__all__ = ["observe"]


def observe(run: Run, timeout: float) -> Iterator[Decision]:
    """Yields the decisions of a running system until none comes for `timeout` seconds.

    Delivery is best effort: an observer that reads too slowly misses decisions.

    Args:
        run: the system; `stream.system.run_folder.running` finds it.
        timeout: longest wait for a decision, in seconds.
    """
    with Bus(run.wiring) as bus:
        socket = bus.connect(zmq.SUB, "decisions", high_water=1000)
        socket.subscribe(b"")
        while socket.poll(int(timeout * 1000)):
            yield msgspec.json.decode(socket.recv(), type=Decision)
