"""Outbox of the matcher: delivers verdicts to the parent in order, acknowledged, in bounded memory."""

from __future__ import annotations

from collections import deque
from itertools import islice

import zmq

from stream.bus.messages import BadMessage, SourceEnded, Verdict, VerdictReceipt, VisitMessage, pack, unpack

__all__ = ["LIMIT", "TOGETHER", "Outbox"]

_READABLE, _BOTH = int(zmq.POLLIN), int(zmq.POLLIN | zmq.POLLOUT)

LIMIT = 256
"""Most messages queued or unacknowledged; beyond it files wait and verdicts of devices are dropped."""

TOGETHER = 32
"""Most messages that are sent, or acknowledged, as one: a message of ZeroMQ costs more than its content."""


class Outbox:
    """The matcher's end of the `sink` channel (a DEALER socket).

    One message of ZeroMQ carries several of these messages, two parts each, if several wait.

    Verdicts of files are never dropped: the matcher checks `full` and stops reading ticks. Verdicts of
    devices are dropped in favour of newer ones.
    """

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self.socket = socket
        self.dropped = 0
        """Number of verdicts of devices dropped so far."""
        self._queue: deque[tuple[int, bool, list[bytes]]] = deque()
        self._last_number = 0
        self._sent = 0
        self._acknowledged = 0

    @property
    def next_number(self) -> int:
        """Sequence number that the next message must have."""
        return self._last_number + 1

    @property
    def waiting(self) -> int:
        """Number of messages that are queued or unacknowledged."""
        return len(self._queue) + self._sent - self._acknowledged

    @property
    def full(self) -> bool:
        """Whether `LIMIT` messages are queued or unacknowledged."""
        return self.waiting >= LIMIT

    @property
    def poll_events(self) -> int:
        """Poll events of the socket to wait for."""
        return _BOTH if self._queue and self._sent - self._acknowledged < LIMIT else _READABLE

    def put(self, message: Verdict | VisitMessage | SourceEnded, *, may_drop: bool = False) -> None:
        """Queues a message with `next_number`; `may_drop` marks a device's verdict that is not final."""
        self._last_number = message.number
        if self.full:  # by the receipts read so far; others may wait
            self._read_receipts()
        if self.full and may_drop:
            self.dropped += 1
            oldest = next((i for i, (_, drop, _) in enumerate(self._queue) if drop), None)
            if oldest is None:
                return
            del self._queue[oldest]
        self._queue.append((message.number, may_drop, pack(message)))

    def pump(self) -> None:
        """Reads acknowledgements and sends what the socket accepts, without waiting."""
        self._read_receipts()
        while self._queue and self._sent - self._acknowledged < LIMIT:
            together = list(islice(self._queue, min(TOGETHER, LIMIT - self._sent + self._acknowledged)))
            try:
                self.socket.send_multipart([part for _, _, parts in together for part in parts], zmq.NOBLOCK)
            except zmq.Again:
                return
            for number, _, _ in together:
                # Dropped numbers in between are never acknowledged.
                self._acknowledged += number - self._sent - 1
                self._sent = number
                self._queue.popleft()

    def _read_receipts(self) -> None:
        while True:
            try:
                receipt, _ = unpack(self.socket.recv_multipart(zmq.NOBLOCK))
            except zmq.Again:
                return
            except BadMessage:
                continue
            if isinstance(receipt, VerdictReceipt):
                self._acknowledged = max(self._acknowledged, min(receipt.number, self._sent))
