"""Delivery of a capture worker's ticks to the matcher, through one encoder or several.

- File (`stream.bus.file_delivery`): every tick arrives.
- Device (`stream.bus.live_delivery`): the sender never waits, and delivers the newest windows.

`stream.bus.encoder_choice` gives each track to one encoder. `Tick.cut` tells the matcher how many windows
were cut, so that it can count those that never arrived.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import zmq

from stream.body import FloatArray
from stream.bus.messages import Tick, WindowRow, pack
from stream.bus.sockets import Bus

__all__ = ["Sender", "connect_encoders", "count_by_track", "cut_before", "send_end"]


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


def connect_encoders(bus: Bus) -> list[zmq.Socket[bytes]]:
    """Opens a sending end of the channel `windows` to each encoder."""
    return [bus.connect(zmq.PUSH, "windows", number=number) for number in range(bus.encoders)]


def send_end(encoders: Sequence[zmq.Socket[bytes]], source: int, epoch: int, *, timeout: float) -> None:
    """Sends the last tick of a source without a worker through every encoder, as `LiveSender` does.

    Args:
        encoders: the sending ends.
        source: number of the source.
        epoch: of the tick, larger than those before.
        timeout: longest wait for each socket, seconds.
    """
    for encoder, socket in enumerate(encoders):
        if socket.poll(round(timeout * 1000), zmq.POLLOUT):
            socket.send_multipart(pack(Tick(source, epoch, 0, last=True, encoder=encoder)))


def cut_before(cut: Mapping[int, int], later: Iterable[WindowRow]) -> dict[int, int]:
    """Returns the windows cut by track without those of later rows."""
    counts = count_by_track(later)
    return {track: max(0, windows - counts[track]) for track, windows in cut.items()}


def count_by_track(rows: Iterable[WindowRow]) -> Counter[int]:
    """Returns the number of rows of each track."""
    return Counter(row.track for row in rows)
