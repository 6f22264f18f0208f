"""The order in which the matcher processes the ticks of one source.

Ticks come through several encoders, and those of one encoder in order. A file's parts are joined, and its
ticks processed in order without gaps. A device's ticks are processed as they come; they tell of the tracks of
one encoder, and are completed by what is known of the others. No class here uses a socket or a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import msgspec
import numpy as np

from stream.body import FloatArray
from stream.bus.messages import Tick

__all__ = ["Arrival", "FileOrder", "LiveOrder", "OrderedTick", "TickOrder", "tick_order"]


@dataclass(frozen=True, slots=True, eq=False)
class OrderedTick:
    """A tick to process next.

    Attributes:
        tick: the tick.
        cages: (n, f, D) float32, one window for each of its rows.
        parts: what it was joined from.
    """

    tick: Tick
    cages: FloatArray
    parts: tuple[Tick, ...]

    def part_of(self, track: int) -> Tick:
        """Returns the part that brought the windows of a track."""
        if len(self.parts) == 1:
            return self.tick
        own = (part for part in self.parts if any(row.track == track for row in part.rows))
        return next(own, self.tick)


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """What follows from a tick that arrived.

    Attributes:
        ticks: to process now, in order.
        restarts: whether the source's worker was restarted before: its earlier tracks have ended.
        lost: number of ticks that will not arrive any more.
        known: the number up to which its sender can forget the ticks, if it is a duplicate; else None.
    """

    ticks: tuple[OrderedTick, ...] = ()
    restarts: bool = False
    lost: int = 0
    known: int | None = None


class TickOrder(Protocol):
    """The order of the ticks of one source."""

    def take(self, tick: Tick, cages: FloatArray) -> Arrival:
        """Takes a tick that arrived, with one (f, D) CAGE for each row; returns what follows from it."""
        ...


def tick_order(encoders: int, *, live: bool) -> TickOrder:
    """Returns the order of a new source.

    Args:
        encoders: number of encoder processes.
        live: whether it is a device.
    """
    return LiveOrder(encoders) if live else FileOrder()


class FileOrder:
    """Joins the parts of a file's ticks; processes every tick once, in order, from the first."""

    def __init__(self) -> None:
        self._expected = 0
        self._waiting: dict[int, dict[int, tuple[Tick, FloatArray]]] = {}
        """Parts by tick and encoder, of ticks that are not complete or not yet due."""

    def take(self, tick: Tick, cages: FloatArray) -> Arrival:
        """Takes a part; see `TickOrder.take`. Its sender bounds how many can wait."""
        if tick.seq < self._expected:
            return Arrival(known=self._expected - 1)
        self._waiting.setdefault(tick.seq, {})[tick.encoder] = (tick, cages)
        ticks: list[OrderedTick] = []
        while (joined := self._join()) is not None:
            del self._waiting[self._expected]
            self._expected += 1
            ticks.append(joined)
        return Arrival(tuple(ticks))

    def _join(self) -> OrderedTick | None:
        """Returns the next tick if it is complete."""
        parts = self._waiting.get(self._expected, {})
        if not parts or len(parts) < next(iter(parts.values()))[0].parts:
            return None
        ticks, blocks = zip(*(part for _, part in sorted(parts.items())), strict=True)
        if len(ticks) == 1:
            return OrderedTick(ticks[0], blocks[0], ticks)
        order = np.argsort(np.concatenate([each.positions for each in ticks]))
        rows = [row for each in ticks for row in each.rows]
        cages = np.concatenate(blocks)[order]
        tick = msgspec.structs.replace(ticks[0], shape=cages.shape, rows=tuple(rows[n] for n in order))
        return OrderedTick(tick, cages, ticks)


class LiveOrder:
    """Processes a device's ticks as they come; those of one encoder in order.

    Args:
        encoders: number of encoder processes.
    """

    def __init__(self, encoders: int) -> None:
        self._encoders = encoders
        self._first_epoch: int | None = None
        self._epoch = 0
        self._expected: dict[int, int] = {}
        """Number of the next tick through each encoder."""
        self._open: dict[int, set[int]] = {}
        """Tracks in view by encoder."""
        self._ended: set[int] = set()
        """Encoders that brought the source's last tick."""
        self._newest: Tick | None = None
        """The tick that was sent last."""

    def take(self, tick: Tick, cages: FloatArray) -> Arrival:
        """Takes a tick; see `TickOrder.take`."""
        if self._first_epoch is None:
            self._first_epoch = self._epoch = tick.epoch
        if tick.epoch < self._epoch:
            return Arrival()  # of a worker that has ended, and its tracks with it
        restarts = tick.epoch > self._epoch
        if restarts:
            self._epoch, self._newest = tick.epoch, None
            self._expected, self._open, self._ended = {}, {}, set()
        # A matcher that was restarted itself begins with what it gets.
        first = tick.seq if self._epoch == self._first_epoch else 0
        expected = self._expected.get(tick.encoder, first)
        if tick.seq < expected:
            return Arrival(known=expected - 1)
        self._expected[tick.encoder] = tick.seq + 1
        completed = self._complete(tick)
        return Arrival((OrderedTick(completed, cages, (tick,)),), restarts, tick.seq - expected)

    def _complete(self, tick: Tick) -> Tick:
        """Returns the tick as one of the whole source: with all tracks in view, and the newest time."""
        if tick.last:
            self._ended.add(tick.encoder)
        if self._encoders == 1:
            return tick
        self._open[tick.encoder] = {*tick.open, *(row.track for row in tick.rows)}
        others = (tracks for encoder, tracks in self._open.items() if encoder != tick.encoder)
        if self._newest is not None and tick.sent_ns < self._newest.sent_ns:  # its encoder was slower
            now_ns = self._newest.time_ns
            # Later ones are of the time before the source started anew.
            places = tuple(place for place in tick.places if place.time_ns <= now_ns)
            tick = msgspec.structs.replace(tick, time_ns=now_ns, places=places)
        else:
            self._newest = tick
        last = tick.last and len(self._ended) == self._encoders
        return msgspec.structs.replace(tick, open=(*tick.open, *chain.from_iterable(others)), last=last)
