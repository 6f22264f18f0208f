"""Receives verdicts and heartbeats from the child processes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator

import msgspec
import zmq

from stream.bus.messages import (
    BadMessage,
    SourceEnded,
    Status,
    Verdict,
    VerdictReceipt,
    VisitMessage,
    pack,
    unpack,
)
from stream.bus.outbox import TOGETHER
from stream.bus.sockets import Bus

__all__ = ["VerdictReceiver"]


class VerdictReceiver:
    """The parent's ends of the channels `status` and `sink`.

    A verdict is acknowledged after the caller asks for the next one: by then the caller has processed it. One
    receipt acknowledges several verdicts while more wait.
    """

    def __init__(self, bus: Bus) -> None:
        self._status = bus.bind(zmq.PULL, "status", high_water=100)
        self._verdicts = bus.bind(zmq.ROUTER, "sink")
        self._poller = zmq.Poller()
        self._poller.register(self._status, zmq.POLLIN)
        self._poller.register(self._verdicts, zmq.POLLIN)
        self._sender = b""
        self._waiting: deque[list[bytes]] = deque()
        """Messages that were read, and are still to be returned."""
        self._unacknowledged: tuple[bytes, int] | None = None
        self._count = 0
        """Number of messages that are not acknowledged."""

    def wait(self, timeout: float) -> None:
        """Waits at most `timeout` seconds for a message on either channel."""
        self._poller.poll(int(max(0.0, timeout) * 1000))

    def heartbeats(self, timeout: float = 0.0) -> Iterator[Status]:
        """Yields all heartbeats received so far; waits at most `timeout` seconds for the first."""
        while self._status.poll(int(max(0.0, timeout) * 1000)):
            timeout = 0.0
            try:
                status, _ = unpack(self._status.recv_multipart())
            except BadMessage:
                continue
            if isinstance(status, Status):
                yield status

    def receive(self) -> Verdict | VisitMessage | SourceEnded | None:
        """Returns the next verdict, event or end of a source, if any; the last one has been processed."""
        if self._count >= TOGETHER:
            self.acknowledge()
        while self._waiting or self._read():
            try:
                message, _ = unpack(self._waiting.popleft())
            except BadMessage:
                continue
            if isinstance(message, Verdict | VisitMessage | SourceEnded):
                self._unacknowledged = (self._sender, message.number)
                self._count += 1
                return _received_now(message) if isinstance(message, Verdict) else message
        self.acknowledge()
        return None

    def _read(self) -> bool:
        """Reads the messages that were sent together next; returns whether there were any."""
        try:
            self._sender, *parts = self._verdicts.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return False
        self._waiting.extend(parts[n : n + 2] for n in range(0, len(parts), 2))
        return True

    def acknowledge(self) -> None:
        """Acknowledges all messages up to the last to the matcher."""
        if self._unacknowledged is not None:
            sender, number = self._unacknowledged
            self._verdicts.send_multipart([sender, *pack(VerdictReceipt(number))])
            self._unacknowledged, self._count = None, 0


def _received_now(verdict: Verdict) -> Verdict:
    if verdict.times is None:
        return verdict
    times = msgspec.structs.replace(verdict.times, received_ns=time.monotonic_ns())
    return msgspec.structs.replace(verdict, times=times)
