"""Delivery of every tick of a file: go-back-N.

At most `CREDIT` ticks are in flight. The matcher processes them in order, and acknowledges the last one that
it processed. Unacknowledged ticks are sent again, through every encoder; the matcher discards duplicates.
Each encoder is sent to as its socket allows: one that does not take its parts holds back the others only when
the credit is used up.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec
import zmq

from stream.body import FloatArray
from stream.bus.delivery import cut_before
from stream.bus.encoder_choice import EncoderChoice, split_by_encoder
from stream.bus.messages import Ack, BadMessage, Tick, pack, unpack

__all__ = ["CREDIT", "MAX_ROWS", "RESEND_S", "ReliableSender"]

CREDIT = 32
MAX_ROWS = 64
"""Most windows in one tick of a file; message sizes are limited."""

RESEND_S = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class _InFlight:
    """A tick that is not acknowledged: its parts by encoder."""

    seq: int
    parts: dict[int, tuple[Tick, FloatArray | None]]


class ReliableSender:
    """Delivers every tick in order, at least once.

    Args:
        encoders: sending ends of `windows`, by number of the encoder.
        acks: receives the acknowledgements.
        source: number of the source.
        clock: monotonic seconds.
    """

    dropped = 0

    def __init__(
        self,
        encoders: Sequence[zmq.Socket[bytes]],
        acks: zmq.Socket[bytes],
        source: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sockets = encoders
        self._choice = EncoderChoice(source, len(encoders))
        self._acks = acks
        self._clock = clock
        self._in_flight: deque[_InFlight] = deque()
        self._next_seq = 0
        self._next_sends = [0] * len(encoders)
        """For each encoder, the number of the next tick that may have a part for it to send."""
        self._progress_at = clock()
        self._poller = zmq.Poller()
        self._poller.register(acks, zmq.POLLIN)

    @property
    def waiting(self) -> int:
        """Number of ticks that are not acknowledged."""
        return len(self._in_flight)

    @property
    def idle(self) -> bool:
        """Whether every tick is acknowledged."""
        return not self._in_flight

    @property
    def has_room(self) -> bool:
        """Whether fewer than `CREDIT` ticks are in flight."""
        return len(self._in_flight) < CREDIT

    def offer(self, tick: Tick, joints: FloatArray) -> None:
        """Queues the next tick; see `Sender.offer`."""
        if self.idle:
            self._progress_at = self._clock()
        for each, windows in _split(tick, joints):
            numbered = msgspec.structs.replace(each, seq=self._next_seq)
            self._in_flight.append(
                _InFlight(self._next_seq, split_by_encoder(numbered, windows, self._choice))
            )
            self._next_seq += 1

    def pump(self, timeout: float) -> None:
        """Sends ticks and reads acknowledgements; resends all unacknowledged ticks after `RESEND_S`."""
        for socket, next_send in zip(self._sockets, self._next_sends, strict=True):
            if next_send < self._next_seq:
                self._poller.register(socket, zmq.POLLOUT)
            elif socket in self._poller:
                self._poller.unregister(socket)
        ready = dict(self._poller.poll(int(timeout * 1000)))
        if self._acks in ready:
            self._collect()
        for encoder, socket in enumerate(self._sockets):
            if socket in ready:
                self._next_sends[encoder] = self._send(encoder)
        if self._in_flight and self._clock() - self._progress_at > RESEND_S:
            self._progress_at = self._clock()
            self._next_sends = [self._in_flight[0].seq] * len(self._sockets)

    def _send(self, encoder: int) -> int:
        """Sends an encoder what its socket accepts; returns the number of the tick to go on with."""
        for each in self._in_flight:
            if each.seq < self._next_sends[encoder] or encoder not in each.parts:
                continue
            tick, windows = each.parts[encoder]
            sent = msgspec.structs.replace(tick, sent_ns=time.monotonic_ns())
            try:
                self._sockets[encoder].send_multipart(pack(sent, windows), zmq.NOBLOCK)
            except zmq.Again:
                return each.seq
        return self._next_seq

    def _collect(self) -> None:
        while self._acks.poll(0):
            try:
                ack, _ = unpack(self._acks.recv_multipart())
            except BadMessage:
                continue
            while isinstance(ack, Ack) and self._in_flight and self._in_flight[0].seq <= ack.seq:
                self._in_flight.popleft()
                self._progress_at = self._clock()
        first = self._next_seq - len(self._in_flight)
        self._next_sends = [max(next_send, first) for next_send in self._next_sends]


def _split(tick: Tick, joints: FloatArray) -> Iterator[tuple[Tick, FloatArray | None]]:
    """Splits a tick into ticks of at most `MAX_ROWS` windows: notes go with the first, ends with the last."""
    if len(tick.rows) <= MAX_ROWS:
        yield tick, joints if tick.rows else None
        return
    for start in range(0, len(tick.rows), MAX_ROWS):
        windows = joints[start : start + MAX_ROWS]
        final = start + MAX_ROWS >= len(tick.rows)
        yield (
            msgspec.structs.replace(
                tick,
                shape=windows.shape,
                rows=tick.rows[start : start + MAX_ROWS],
                notes=() if start else tick.notes,
                places=() if start else tick.places,
                ended=tick.ended if final else (),
                last=tick.last and final,
                cut=cut_before(tick.cut, tick.rows[start + MAX_ROWS :]),
                splits=() if start else tick.splits,
            ),
            windows,
        )
