"""Delivery of a capture worker's ticks to the matcher: all ticks of a file, the newest windows of a device.

- File (`ReliableSender`, go-back-N): at most `CREDIT` ticks are in flight. The matcher accepts them only in
  order, and acknowledges the last one that it processed. Unacknowledged ticks are sent again.
- Device (`LiveSender`): the sender never waits. At most `LIVE_CREDIT` ticks are in flight, so that no tick
  ages in a queue. Meanwhile each track keeps its newest `RING_SIZE` windows, or all of its newest frame;
  older ones are dropped and counted. The last tick is sent again until it is acknowledged, and ends of tracks
  are repeated in later ticks until one of those must have arrived.

`Tick.cut` tells the matcher how many windows were cut, so that it can count those that never arrived.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

import msgspec
import numpy as np
import zmq

from stream.body import FloatArray
from stream.bus.messages import (
    Ack,
    BadMessage,
    Tick,
    TrackNote,
    TrackPlace,
    TrackSplit,
    WindowRow,
    pack,
    unpack,
)

__all__ = ["LiveSender", "ReliableSender", "Sender"]

CREDIT = 32
MAX_ROWS = 64
"""Most windows in one tick of a file; message sizes are limited."""

RESEND_S = 5.0
RING_SIZE = 2
LIVE_CREDIT = 2
LIVE_MAX_ROWS = 32
"""Most windows in one tick of a device, so that ticks in flight are encoded soon."""

LOST_AFTER_S = 1.0
"""Time after which unacknowledged ticks of a device count as lost; the process that had them has died."""

_MAX_NOTES = 256


class Sender(Protocol):
    """Delivers ticks in order."""

    @property
    def dropped(self) -> int:
        """Number of windows dropped so far."""
        ...

    @property
    def waiting(self) -> int:
        """Number of windows (live) or ticks (reliable) that wait."""
        ...

    @property
    def idle(self) -> bool:
        """Whether no tick waits: all are acknowledged (reliable) or sent (live)."""
        ...

    @property
    def has_room(self) -> bool:
        """Whether the sender accepts another tick now."""
        ...

    def offer(self, tick: Tick, joints: FloatArray) -> None:
        """Queues the next tick and its windows (n, f, 20, 3); the sender sets `seq`."""
        ...

    def pump(self, timeout: float) -> None:
        """Sends as much as possible; waits at most `timeout` seconds for a socket."""
        ...


class ReliableSender:
    """Delivers every tick in order, at least once; the matcher discards duplicates."""

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
        self._in_flight: deque[tuple[Tick, FloatArray | None]] = deque()
        self._next_seq = 0
        self._next_send = 0
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
        for part, windows in _split(tick, joints):
            self._in_flight.append((msgspec.structs.replace(part, seq=self._next_seq), windows))
            self._next_seq += 1

    def pump(self, timeout: float) -> None:
        """Sends ticks and reads acknowledgements; resends all unacknowledged ticks after `RESEND_S`."""
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
        if self._in_flight and self._clock() - self._progress_at > RESEND_S:
            self._progress_at = self._clock()
            self._next_send = self._in_flight[0][0].seq

    def _send(self) -> None:
        for tick, windows in self._in_flight:
            if tick.seq < self._next_send:
                continue
            try:
                self._socket.send_multipart(pack(_sent_now(tick), windows), zmq.NOBLOCK)
            except zmq.Again:
                return
            self._next_send = tick.seq + 1

    def _collect(self) -> None:
        while self._acks.poll(0):
            try:
                ack, _ = unpack(self._acks.recv_multipart())
            except BadMessage:
                continue
            while isinstance(ack, Ack) and self._in_flight and self._in_flight[0][0].seq <= ack.seq:
                self._in_flight.popleft()
                self._progress_at = self._clock()
        self._next_send = max(self._next_send, self._next_seq - len(self._in_flight))


class LiveSender:
    """Delivers the newest windows of each track; it never blocks the capture."""

    has_room = True

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
        self._rings: dict[int, deque[tuple[WindowRow, FloatArray]]] = {}
        self._notes: deque[TrackNote] = deque(maxlen=_MAX_NOTES)
        self._places: dict[int, TrackPlace] = {}
        self._cut: dict[int, int] = {}
        self._ended: dict[int, int | None] = {}
        """Tracks whose end may not have arrived, with the number of the first tick that reported it."""
        self._splits: dict[int, TrackSplit] = {}
        """By the track that ends."""
        self._pending: Tick | None = None
        self._newest: Tick | None = None
        self._last: list[bytes] | None = None
        self._next_seq = 0
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """Number of windows that wait to be sent."""
        return sum(map(len, self._rings.values()))

    @property
    def idle(self) -> bool:
        """Whether no tick waits, and the source's last tick, if sent, is acknowledged."""
        return self._pending is None and (self._last is None or self._acked == self._next_seq)

    def offer(self, tick: Tick, joints: FloatArray) -> None:
        """Queues the next tick; see `Sender.offer`."""
        for row, window in zip(tick.rows, joints, strict=True):
            self._rings.setdefault(row.track, deque()).append((row, window))
        for track, newest in _count(tick.rows).items():
            ring = self._rings[track]
            while len(ring) > max(RING_SIZE, newest):
                ring.popleft()
                self.dropped += 1
        self._notes.extend(tick.notes)
        self._places |= {place.track: place for place in tick.places}
        self._ended |= dict.fromkeys(tick.ended)
        self._splits |= {split.track: split for split in tick.splits}
        self._cut |= tick.cut
        self._pending = self._newest = tick

    def pump(self, timeout: float) -> None:
        """Sends the waiting windows as one tick, if credit and the socket allow it within the timeout."""
        self._collect(0)
        overdue = self._clock() - self._sent_at > LOST_AFTER_S
        if self._pending is None and self._last is None and self._ended and overdue:
            self._pending = self._newest  # repeats the ends of tracks while nobody is in view
        if self._pending is None:
            if not self.idle:
                self._resend_last(timeout)
            return
        if self._next_seq - self._acked >= LIVE_CREDIT:
            self._collect(timeout)
            if self._clock() - self._sent_at > LOST_AFTER_S:
                self._acked = self._next_seq
                self._ended = dict.fromkeys(self._ended)  # may have been in the lost ticks
            return
        if self._socket.poll(int(timeout * 1000), zmq.POLLOUT):
            self._send(self._pending)

    def _resend_last(self, timeout: float) -> None:
        self._collect(timeout)
        if not self.idle and self._last is not None and self._clock() - self._sent_at > LOST_AFTER_S:
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
        # An acknowledgement covers lost ticks as well, but never more than were in flight.
        for track, seq in list(self._ended.items()):
            if seq is not None and self._acked > seq + LIVE_CREDIT:
                del self._ended[track]
                self._cut.pop(track, None)
                self._splits.pop(track, None)

    def _send(self, pending: Tick) -> None:
        tracks = self._select_tracks()
        remaining = {track for track, ring in self._rings.items() if len(ring) > tracks.count(track)}
        rows, windows = self._stack_windows(tracks)
        waiting = Counter({track: len(ring) - tracks.count(track) for track, ring in self._rings.items()})
        ended = [track for track in self._ended if track not in remaining]
        tick = msgspec.structs.replace(
            pending,
            seq=self._next_seq,
            shape=() if windows is None else windows.shape,
            rows=rows,
            notes=tuple(self._notes),
            places=tuple(self._places.values()),
            # The end of a track is sent after its last window.
            ended=tuple(ended),
            open=tuple(remaining.union(pending.open)),
            last=pending.last and not remaining,
            cut=_without(self._cut, waiting),
            splits=tuple(split for track, split in self._splits.items() if track not in remaining),
            sent_ns=time.monotonic_ns(),
        )
        parts = pack(tick, windows)
        try:
            self._socket.send_multipart(parts, zmq.NOBLOCK)
        except zmq.Again:
            return
        self._last = parts if tick.last else None
        for track in ended:
            if self._ended[track] is None:
                self._ended[track] = self._next_seq
        self._next_seq += 1
        self._sent_at = self._clock()
        self._discard_sent(tracks)
        self._notes.clear()
        self._places.clear()
        self._pending = pending if remaining else None

    def _select_tracks(self) -> list[int]:
        """Returns a track number for each window to send; the track that waited longest is first."""
        tracks: list[int] = []
        for track, ring in self._rings.items():
            tracks += [track] * min(len(ring), LIVE_MAX_ROWS - len(tracks))
        return tracks

    def _stack_windows(self, tracks: list[int]) -> tuple[tuple[WindowRow, ...], FloatArray | None]:
        counts = Counter(tracks)
        waiting = [entry for track, n in counts.items() for entry in list(self._rings[track])[:n]]
        rows = tuple(row for row, _ in waiting)
        return rows, np.stack([window for _, window in waiting]) if waiting else None

    def _discard_sent(self, tracks: list[int]) -> None:
        for track in tracks:
            self._rings[track].popleft()
            if not self._rings[track]:
                del self._rings[track]  # its next window queues behind the other tracks


def _sent_now(tick: Tick) -> Tick:
    return msgspec.structs.replace(tick, sent_ns=time.monotonic_ns())


def _without(cut: Mapping[int, int], later: Mapping[int, int]) -> dict[int, int]:
    """Returns the windows cut up to some row: all of them without those of later rows."""
    return {track: max(0, windows - later.get(track, 0)) for track, windows in cut.items()}


def _count(rows: Iterable[WindowRow]) -> Counter[int]:
    return Counter(row.track for row in rows)


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
                cut=_without(tick.cut, _count(tick.rows[start + MAX_ROWS :])),
                splits=() if start else tick.splits,
            ),
            windows,
        )
