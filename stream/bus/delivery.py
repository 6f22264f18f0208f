"""How a capture worker's ticks reach the matcher: every one of a file, the newest of a device.

A file's ticks go out by go-back-N: at most `CREDIT` are under way, the matcher takes them in order only and
acknowledges the last one that it decided on, and what stays unacknowledged is sent again. A device never
waits: at most `LIVE_CREDIT` ticks are under way, so that nothing grows old in queues; meanwhile each track
holds its newest `RING` windows, and older ones are dropped and counted. Only its last tick, which ends its
tracks, is sent again until it was decided on.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Protocol

import msgspec
import numpy as np
import zmq

from stream.body import FloatArray
from stream.bus.messages import Ack, BadMessage, Note, Row, Tick, pack, unpack

__all__ = ["LiveSender", "ReliableSender", "Sender"]

CREDIT = 32
MAX_ROWS = 64
"""Windows that a file's tick holds at most; a message has its bounds."""

RESEND_S = 5.0
RING = 2
LIVE_CREDIT = 2
LIVE_TICK = 32
"""Windows that a device's tick holds at most, so that what is under way is encoded soon."""

FORGIVE_S = 1.0
"""A device's ticks that stay unacknowledged for this long are taken for lost with a process that died."""

_MAX_NOTES = 256


class Sender(Protocol):
    """Takes ticks in order and sees them delivered."""

    @property
    def dropped(self) -> int:
        """Windows dropped so far."""
        ...

    @property
    def idle(self) -> bool:
        """Whether everything offered has arrived (reliable) or left (live)."""
        ...

    @property
    def room(self) -> bool:
        """Whether another tick may be offered now."""
        ...

    def offer(self, tick: Tick, joints: FloatArray) -> None:
        """Take the next tick, `seq` not yet set, and its windows (n, f, 20, 3)."""
        ...

    def pump(self, timeout: float) -> None:
        """Send what can be sent, waiting at most `timeout` seconds for a socket."""
        ...


class ReliableSender:
    """Delivers every tick, in order, at least once; the matcher drops what comes twice."""

    dropped = 0

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        acks: zmq.Socket[bytes],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._socket = socket
        self._acks = acks
        self._clock = clock
        self._under_way: deque[tuple[int, list[bytes]]] = deque()
        self._next_seq = 0
        self._next_send = 0
        self._progress = clock()
        self._poller = zmq.Poller()
        self._poller.register(acks, zmq.POLLIN)

    @property
    def idle(self) -> bool:
        """Whether every tick was acknowledged."""
        return not self._under_way

    @property
    def room(self) -> bool:
        """Whether fewer than `CREDIT` ticks are under way."""
        return len(self._under_way) < CREDIT

    def offer(self, tick: Tick, joints: FloatArray) -> None:
        """Take the next tick; see `Sender`."""
        if self.idle:
            self._progress = self._clock()
        for part, windows in _parts(tick, joints):
            numbered = msgspec.structs.replace(part, seq=self._next_seq)
            self._under_way.append((self._next_seq, pack(numbered, windows)))
            self._next_seq += 1

    def pump(self, timeout: float) -> None:
        """Send, collect acknowledgements, and send again what has stayed unacknowledged for too long."""
        unsent = self._next_send < self._next_seq
        if unsent:
            self._poller.register(self._socket, zmq.POLLOUT)
        elif self._socket in self._poller:
            self._poller.unregister(self._socket)
        ready = dict(self._poller.poll(int(timeout * 1000)))
        if self._acks in ready:
            self._collect()
        if self._socket in ready:
            self._send()
        if self._under_way and self._clock() - self._progress > RESEND_S:
            self._progress = self._clock()
            self._next_send = self._under_way[0][0]

    def _send(self) -> None:
        for seq, parts in self._under_way:
            if seq < self._next_send:
                continue
            try:
                self._socket.send_multipart(parts, zmq.NOBLOCK)
            except zmq.Again:
                return
            self._next_send = seq + 1

    def _collect(self) -> None:
        while self._acks.poll(0):
            try:
                ack, _ = unpack(self._acks.recv_multipart())
            except BadMessage:
                continue
            while isinstance(ack, Ack) and self._under_way and self._under_way[0][0] <= ack.seq:
                self._under_way.popleft()
                self._progress = self._clock()
        self._next_send = max(self._next_send, self._next_seq - len(self._under_way))


class LiveSender:
    """Delivers the newest windows of each track and never waits for anyone."""

    room = True

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        acks: zmq.Socket[bytes],
        epoch: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._socket = socket
        self._acks = acks
        self._epoch = epoch
        self._clock = clock
        self._acked = 0
        self._sent_at = 0.0
        self._rings: dict[int, deque[tuple[Row, FloatArray]]] = {}
        self._notes: deque[Note] = deque(maxlen=_MAX_NOTES)
        self._ended: list[int] = []
        self._pending: Tick | None = None
        self._last: list[bytes] | None = None
        self._next_seq = 0
        self.dropped = 0

    @property
    def idle(self) -> bool:
        """Whether nothing waits, and the source's last tick, once sent, was decided on."""
        return self._pending is None and (self._last is None or self._acked == self._next_seq)

    def offer(self, tick: Tick, joints: FloatArray) -> None:
        """Take the next tick; see `Sender`."""
        for row, window in zip(tick.rows, joints, strict=True):
            ring = self._rings.setdefault(row.track, deque(maxlen=RING))
            self.dropped += len(ring) == RING
            ring.append((row, window))
        self._notes.extend(tick.notes)
        self._ended += tick.ended
        self._pending = tick

    def pump(self, timeout: float) -> None:
        """Send all that waits as one tick, if there is credit and the socket takes it within the timeout."""
        self._collect(0)
        if self._pending is None:
            if not self.idle:
                self._see_last_through(timeout)
            return
        if self._next_seq - self._acked >= LIVE_CREDIT:
            self._collect(timeout)
            if self._clock() - self._sent_at > FORGIVE_S:
                self._acked = self._next_seq
            return
        if self._socket.poll(int(timeout * 1000), zmq.POLLOUT):
            self._send(self._pending)

    def _see_last_through(self, timeout: float) -> None:
        self._collect(timeout)
        if not self.idle and self._last is not None and self._clock() - self._sent_at > FORGIVE_S:
            with contextlib.suppress(zmq.Again):
                self._socket.send_multipart(self._last, zmq.NOBLOCK)
                self._sent_at = self._clock()

    def _collect(self, timeout: float) -> None:
        while self._acks.poll(int(timeout * 1000)):
            timeout = 0
            with contextlib.suppress(BadMessage):
                ack, _ = unpack(self._acks.recv_multipart())
                if isinstance(ack, Ack) and ack.epoch == self._epoch:
                    self._acked = max(self._acked, ack.seq + 1)

    def _send(self, pending: Tick) -> None:
        chosen = self._choose()
        left = {track for track, ring in self._rings.items() if len(ring) > chosen.count(track)}
        rows, windows = self._peek(chosen)
        tick = msgspec.structs.replace(
            pending,
            seq=self._next_seq,
            shape=() if windows is None else windows.shape,
            rows=rows,
            notes=tuple(self._notes),
            # A track's end never overtakes its windows.
            ended=tuple(track for track in self._ended if track not in left),
            open=tuple(left.union(pending.open)),
            last=pending.last and not left,
        )
        parts = pack(tick, windows)
        try:
            self._socket.send_multipart(parts, zmq.NOBLOCK)
        except zmq.Again:
            return
        self._last = parts if tick.last else None
        self._next_seq += 1
        self._sent_at = self._clock()
        self._forget(chosen)
        self._notes.clear()
        self._ended = [track for track in self._ended if track in left]
        self._pending = pending if left else None

    def _choose(self) -> list[int]:
        """The tracks to send a window of, each as often as windows are sent; who waited longest is first."""
        chosen: list[int] = []
        for track, ring in self._rings.items():
            chosen += [track] * min(len(ring), LIVE_TICK - len(chosen))
        return chosen

    def _peek(self, chosen: list[int]) -> tuple[tuple[Row, ...], FloatArray | None]:
        counts = Counter(chosen)
        waiting = [entry for track, n in counts.items() for entry in list(self._rings[track])[:n]]
        rows = tuple(row for row, _ in waiting)
        return rows, np.stack([window for _, window in waiting]) if waiting else None

    def _forget(self, chosen: list[int]) -> None:
        for track in chosen:
            self._rings[track].popleft()
            if not self._rings[track]:
                del self._rings[track]  # its next window queues up behind the other tracks


def _parts(tick: Tick, joints: FloatArray) -> Iterator[tuple[Tick, FloatArray | None]]:
    """The tick in parts of at most `MAX_ROWS` windows: notes before all of them, ends after."""
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
                ended=tick.ended if final else (),
                last=tick.last and final,
            ),
            windows,
        )
