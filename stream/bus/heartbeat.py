"""How a process says that it lives, what it has done, and why it gave up."""

from __future__ import annotations

import time
from collections.abc import Mapping

import zmq

from stream.bus.messages import Status, pack
from stream.bus.sockets import Bus

__all__ = ["INTERVAL_S", "Heartbeat"]

INTERVAL_S = 0.5
MAX_TEXT = 2000
_LAST_WORDS_MS = 1000


class Heartbeat:
    """Sends `Status` messages to the parent, from the working loop itself so that a hang is seen."""

    def __init__(self, bus: Bus, role: str, index: int = 0) -> None:
        self._socket = bus.connect(zmq.PUSH, "status", high_water=16)
        self._role = role
        self._index = index
        self._due = 0.0
        self._said = ""

    def beat(
        self,
        state: str,
        counters: Mapping[str, float] | None = None,
        text: str = "",
        *,
        force: bool = False,
    ) -> None:
        """Tell the parent the state, at most every `INTERVAL_S` unless it is news.

        Args:
            state: see `Status`.
            counters: what was done so far; how much processor time that took, in seconds, is added (`cpu`).
            text: for people.
            force: tell it now.
        """
        now = time.monotonic()
        if now < self._due and not force and state == self._said:
            return
        self._due, self._said = now + INTERVAL_S, state
        counted = {**(counters or {}), "cpu": time.process_time()}
        self._send(Status(self._role, self._index, state, counted, text[:MAX_TEXT]))

    def failed(self, text: str, exit_code: int) -> None:
        """Tell the parent why this process gives up."""
        self._send(Status(self._role, self._index, "failed", {}, text[:MAX_TEXT], exit_code))

    def _send(self, status: Status) -> None:
        # The parent may be gone or busy; a heartbeat is never worth waiting for, the last one is.
        if self._socket.poll(_LAST_WORDS_MS if status.state in ("failed", "done") else 0, zmq.POLLOUT):
            self._socket.send_multipart(pack(status), zmq.NOBLOCK)
