"""How verdicts reach the sink that asked for them: acknowledged, in order, with bounded memory."""

from __future__ import annotations

from collections import deque

import zmq

from stream.bus.messages import BadMessage, Ended, Got, Verdict, pack, unpack

__all__ = ["Outbox"]

LIMIT = 256
"""Verdicts on their way before files wait and devices drop."""


class Outbox:
    """The matcher's end of the `sink` channel (a DEALER).

    Verdicts of files are never dropped: whoever fills the outbox asks `full` first and waits. Verdicts of
    devices give way to newer ones.
    """

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self.socket = socket
        self.dropped = 0
        """Verdicts of devices that gave way so far."""
        self._waiting: deque[tuple[int, bool, list[bytes]]] = deque()
        self._numbered = 0
        self._sent = 0
        self._got = 0

    @property
    def next_number(self) -> int:
        """The number that the next message must carry."""
        return self._numbered + 1

    @property
    def full(self) -> bool:
        """Whether `LIMIT` messages wait or are not yet acknowledged."""
        return len(self._waiting) + self._sent - self._got >= LIMIT

    @property
    def wants(self) -> int:
        """The poll events to wait for."""
        return zmq.POLLIN | (zmq.POLLOUT if self._waiting and self._sent - self._got < LIMIT else 0)

    def put(self, message: Verdict | Ended, *, may_drop: bool = False) -> None:
        """Queue a message that carries `next_number`; `may_drop` for a device's verdict that is not final."""
        self._numbered = message.number
        if self.full and may_drop:
            self.dropped += 1
            oldest = next((i for i, (_, drop, _) in enumerate(self._waiting) if drop), None)
            if oldest is None:
                return
            del self._waiting[oldest]
        self._waiting.append((message.number, may_drop, pack(message)))

    def pump(self) -> None:
        """Collect acknowledgements and send what the socket takes, without waiting."""
        while self.socket.poll(0, zmq.POLLIN):
            try:
                got, _ = unpack(self.socket.recv_multipart())
            except BadMessage:
                continue
            if isinstance(got, Got):
                self._got = max(self._got, min(got.number, self._sent))
        while self._waiting and self._sent - self._got < LIMIT:
            number, _, parts = self._waiting[0]
            try:
                self.socket.send_multipart(parts, zmq.NOBLOCK)
            except zmq.Again:
                return
            # A dropped number was never sent and needs no answer.
            self._got += number - self._sent - 1
            self._sent = number
            self._waiting.popleft()
