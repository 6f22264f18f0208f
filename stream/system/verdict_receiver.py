"""The parent's ears: what the processes say of themselves, and the verdicts that it asked for."""

from __future__ import annotations

from collections.abc import Iterator

import zmq

from stream.bus.messages import BadMessage, Ended, Got, Status, Verdict, pack, unpack
from stream.bus.sockets import Bus

__all__ = ["Sink"]


class Sink:
    """The bound ends of the channels `status` and `sink`.

    A verdict counts as received when the next thing is asked for: only then has it been handed out.
    """

    def __init__(self, bus: Bus) -> None:
        self._status = bus.bind(zmq.PULL, "status", high_water=100)
        self._verdicts = bus.bind(zmq.ROUTER, "sink")
        self._poller = zmq.Poller()
        self._poller.register(self._status, zmq.POLLIN)
        self._poller.register(self._verdicts, zmq.POLLIN)
        self._unanswered: tuple[bytes, int] | None = None

    def wait(self, timeout: float) -> None:
        """Wait at most `timeout` seconds for anything."""
        self._poller.poll(int(max(0.0, timeout) * 1000))

    def statuses(self, timeout: float = 0.0) -> Iterator[Status]:
        """Every heartbeat that has come, waiting at most `timeout` seconds for the first."""
        while self._status.poll(int(max(0.0, timeout) * 1000)):
            timeout = 0.0
            try:
                status, _ = unpack(self._status.recv_multipart())
            except BadMessage:
                continue
            if isinstance(status, Status):
                yield status

    def receive(self) -> Verdict | Ended | None:
        """The next verdict or end of a source that has come; acknowledges the one before."""
        self.acknowledge()
        while self._verdicts.poll(0):
            sender, *parts = self._verdicts.recv_multipart()
            try:
                message, _ = unpack(parts)
            except BadMessage:
                continue
            if isinstance(message, Verdict | Ended):
                self._unanswered = (sender, message.number)
                return message
        return None

    def acknowledge(self) -> None:
        """Tell the matcher that the last message was handed out."""
        if self._unanswered is not None:
            sender, number = self._unanswered
            self._verdicts.send_multipart([sender, *pack(Got(number))])
            self._unanswered = None
