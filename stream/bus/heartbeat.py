"""Heartbeat of a process: reports its state, its counters and fatal errors to the parent."""

from __future__ import annotations

import time
from collections.abc import Mapping

import zmq

from stream.bus.messages import MAX_TEXT, Status, pack
from stream.bus.sockets import Bus
from stream.errors import CutOffError, SgeError

__all__ = ["INTERVAL_S", "Heartbeat"]

INTERVAL_S = 0.5
_FINAL_SEND_MS = 1000
_SENT_ONCE = ("ending", "failed", "done")


class Heartbeat:
    """Sends `Status` messages to the parent. The main loop calls it, so that a hang stops the heartbeat."""

    def __init__(self, bus: Bus, role: str, index: int = 0) -> None:
        self._socket = bus.connect(zmq.PUSH, "status", high_water=16)
        self._role = role
        self._index = index
        self._due = 0.0
        self._state = ""

    def is_due(self, state: str) -> bool:
        """Returns whether `send` would send the state now, without being forced."""
        return time.monotonic() >= self._due or state != self._state

    def send(
        self,
        state: str,
        counters: Mapping[str, float] | None = None,
        text: str = "",
        *,
        force: bool = False,
    ) -> None:
        """Sends the state, at most once every `INTERVAL_S` unless the state changes.

        Args:
            state: see `Status`.
            counters: items processed so far, by name; the processor time in seconds is added as `cpu`.
            text: message for users.
            force: send immediately.
        """
        if not force and not self.is_due(state):
            return
        self._due, self._state = time.monotonic() + INTERVAL_S, state
        all_counters = {**(counters or {}), "cpu": time.process_time()}
        self._transmit(Status(self._role, self._index, state, all_counters, text[:MAX_TEXT]))

    def send_failure(self, error: SgeError) -> None:
        """Reports the error that ends this process."""
        text, cut_off = str(error)[:MAX_TEXT], isinstance(error, CutOffError)
        self._transmit(Status(self._role, self._index, "failed", {}, text, error.exit_code, cut_off))

    def _transmit(self, status: Status) -> None:
        # The parent may be gone or busy: only messages that are sent once wait for the socket.
        if self._socket.poll(_FINAL_SEND_MS if status.state in _SENT_ONCE else 0, zmq.POLLOUT):
            self._socket.send_multipart(pack(status), zmq.NOBLOCK)
