"""Delivery of a device's ticks: the newest windows of each track, and the sender never waits.

Each encoder has a lane with ticks, credit and acknowledgements of its own: what the source's ticks say of the
tracks that it encodes. So an encoder that is slow or dead holds back no other. Places go with the next tick
of any lane, so that people whose windows wait do not seem to have left. At most `LIVE_CREDIT` ticks of a lane
are in flight, so that no tick ages in a queue. Meanwhile each track keeps its newest `RING_SIZE` windows, or
all of its newest frame; older ones are dropped and counted. The last tick is sent again until it is
acknowledged, and ends of tracks are repeated in later ticks until one of those must have arrived.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import zmq

from stream.body import FloatArray
from stream.bus.delivery import count_by_track, cut_before
from stream.bus.encoder_choice import EncoderChoice, split_by_track
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

__all__ = ["LIVE_CREDIT", "LIVE_MAX_ROWS", "LOST_AFTER_S", "RING_SIZE", "LiveSender"]

RING_SIZE = 4
"""Most windows of a track that wait: while the encoder pauses for less than 0.4 s, nothing is lost."""

LIVE_CREDIT = 2
LIVE_MAX_ROWS = 64
"""Most windows in one tick of a device, so that ticks in flight are encoded soon."""

LOST_AFTER_S = 1.0
"""Time after which unacknowledged ticks of a device count as lost; the process that had them has died."""

_MAX_NOTES = 256


class LiveSender:
    """Delivers the newest windows of each track; it never blocks the capture.

    Args:
        encoders: sending ends of `windows`, by number of the encoder.
        acks: receives the acknowledgements.
        source: number of the source.
        epoch: number of restarts of the capture worker.
        clock: monotonic seconds.
    """

    has_room = True

    def __init__(
        self,
        encoders: Sequence[zmq.Socket[bytes]],
        acks: zmq.Socket[bytes],
        source: int,
        epoch: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._choice = EncoderChoice(source, len(encoders))
        places: dict[int, TrackPlace] = {}
        self._lanes = [_Lane(socket, places, clock) for socket in encoders]
        self._acks = acks
        self._epoch = epoch

    @property
    def dropped(self) -> int:
        """Number of windows dropped so far."""
        return sum(lane.dropped for lane in self._lanes)

    @property
    def waiting(self) -> int:
        """Number of windows that wait to be sent."""
        return sum(lane.waiting for lane in self._lanes)

    @property
    def idle(self) -> bool:
        """Whether no tick waits, and the source's last ticks, if sent, are acknowledged."""
        return all(lane.idle for lane in self._lanes)

    def offer(self, tick: Tick, joints: FloatArray) -> None:
        """Queues the next tick; see `Sender.offer`. One that says nothing of any track goes one way only."""
        parts = split_by_track(tick, joints, self._choice)
        speaking = [lane for lane, (part, _) in zip(self._lanes, parts, strict=True) if _speaks(part)]
        if not speaking:
            speaking = [next((lane for lane in self._lanes if lane.is_free), self._lanes[0])]
        for lane, (part, windows) in zip(self._lanes, parts, strict=True):
            if lane in speaking:
                lane.offer(part, windows)
            else:
                lane.follow(part)

    def pump(self, timeout: float) -> None:
        """Sends the waiting windows, a tick for each encoder, if credit and the sockets allow it in time."""
        self._collect()
        self._pump_lanes()
        if timeout and not self.idle and self._wait(timeout):
            self._collect()
            self._pump_lanes()

    def _pump_lanes(self) -> None:
        for lane in self._lanes:
            lane.pump()

    def _wait(self, timeout: float) -> bool:
        """Waits for an acknowledgement, or for a socket that a tick waits for."""
        poller = zmq.Poller()
        poller.register(self._acks, zmq.POLLIN)
        for lane in self._lanes:
            if lane.wants_socket:
                poller.register(lane.socket, zmq.POLLOUT)
        return bool(poller.poll(int(timeout * 1000)))

    def _collect(self) -> None:
        while self._acks.poll(0):
            with contextlib.suppress(BadMessage):
                ack, _ = unpack(self._acks.recv_multipart())
                if isinstance(ack, Ack) and ack.epoch == self._epoch and ack.encoder < len(self._lanes):
                    self._lanes[ack.encoder].acknowledge(ack.seq)


class _Lane:
    """The way of ticks through one encoder.

    Args:
        socket: sends to the encoder.
        places: newest places of all tracks, shared by all lanes: the next tick takes them along.
        clock: monotonic seconds.

    Attributes:
        socket: sends to the encoder.
        dropped: number of windows dropped so far.
    """

    def __init__(
        self, socket: zmq.Socket[bytes], places: dict[int, TrackPlace], clock: Callable[[], float]
    ) -> None:
        self.socket = socket
        self.dropped = 0
        self._clock = clock
        self._acked = 0
        self._sent_at = 0.0
        self._rings: dict[int, deque[tuple[WindowRow, FloatArray]]] = {}
        self._notes: deque[TrackNote] = deque(maxlen=_MAX_NOTES)
        self._places = places
        self._cut: dict[int, int] = {}
        self._ended: dict[int, int | None] = {}
        """Tracks whose end may not have arrived, with the number of the first tick that reported it."""
        self._splits: dict[int, TrackSplit] = {}
        """By the track that ends."""
        self._pending: Tick | None = None
        self._newest: Tick | None = None
        self._last: list[bytes] | None = None
        self._next_seq = 0

    @property
    def waiting(self) -> int:
        """Number of windows that wait to be sent."""
        return sum(map(len, self._rings.values()))

    @property
    def idle(self) -> bool:
        """Whether no tick waits, and the last tick, if sent, is acknowledged."""
        return self._pending is None and (self._last is None or self._acked == self._next_seq)

    @property
    def is_free(self) -> bool:
        """Whether a tick that is offered now can be sent at once."""
        return self._pending is None and self._has_credit

    @property
    def wants_socket(self) -> bool:
        """Whether a tick waits for the socket alone."""
        return self._pending is not None and self._has_credit

    @property
    def _has_credit(self) -> bool:
        return self._next_seq - self._acked < LIVE_CREDIT

    def offer(self, tick: Tick, joints: FloatArray) -> None:
        """Queues the next tick and its windows (n, f, 20, 3)."""
        for row, window in zip(tick.rows, joints, strict=True):
            self._rings.setdefault(row.track, deque()).append((row, window))
        for track, newest in count_by_track(tick.rows).items():
            ring = self._rings[track]
            while len(ring) > max(RING_SIZE, newest):
                ring.popleft()
                self.dropped += 1
        self._notes.extend(tick.notes)
        self._places.update({place.track: place for place in tick.places})
        self._ended |= dict.fromkeys(tick.ended)
        self._splits |= {split.track: split for split in tick.splits}
        self._cut |= tick.cut
        self._pending = self._newest = tick

    def follow(self, tick: Tick) -> None:
        """Takes over the time of a tick that says nothing of the tracks here, for the next that is sent."""
        if self._pending is not None:
            self._pending = tick
        self._newest = tick

    def acknowledge(self, seq: int) -> None:
        """Takes over that every tick up to this number has arrived, or counts as lost."""
        self._acked = max(self._acked, seq + 1)
        # An acknowledgement covers lost ticks as well, but never more than were in flight.
        for track, first in list(self._ended.items()):
            if first is not None and self._acked > first + LIVE_CREDIT:
                del self._ended[track]
                self._cut.pop(track, None)
                self._splits.pop(track, None)

    def pump(self) -> None:
        """Sends the waiting windows as one tick, if credit and the socket allow it now."""
        overdue = self._clock() - self._sent_at > LOST_AFTER_S
        if self._pending is None and self._last is None and self._ended and overdue:
            self._pending = self._newest  # repeats the ends of tracks while nobody is in view
        if self._pending is None:
            if not self.idle and overdue:
                self._resend_last()
        elif not self._has_credit:
            if overdue:
                self._acked = self._next_seq
                self._ended = dict.fromkeys(self._ended)  # may have been in the lost ticks
        elif self.socket.poll(0, zmq.POLLOUT):
            self._send(self._pending)

    def _resend_last(self) -> None:
        if self._last is not None:
            with contextlib.suppress(zmq.Again):
                self.socket.send_multipart(self._last, zmq.NOBLOCK)
                self._sent_at = self._clock()

    def _send(self, pending: Tick) -> None:
        tracks = self._select_tracks()
        remaining = {track for track, ring in self._rings.items() if len(ring) > tracks.count(track)}
        rows, windows = self._stack_windows(tracks)
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
            cut=cut_before(self._cut, self._remaining_rows(tracks)),
            splits=tuple(split for track, split in self._splits.items() if track not in remaining),
            sent_ns=time.monotonic_ns(),
        )
        parts = pack(tick, windows)
        try:
            self.socket.send_multipart(parts, zmq.NOBLOCK)
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

    def _remaining_rows(self, tracks: list[int]) -> list[WindowRow]:
        """Returns the rows that wait for a later tick."""
        counts = Counter(tracks)
        return [row for track, ring in self._rings.items() for row, _ in list(ring)[counts[track] :]]

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


def _speaks(tick: Tick) -> bool:
    """Returns whether a tick says something of a track, or that the source has ended."""
    return bool(tick.rows or tick.notes or tick.ended or tick.splits or tick.places or tick.last)
