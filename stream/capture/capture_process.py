"""The capture worker: one process a source, from body frames to ticks of windows on the bus."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import zmq

from stream.body import BodyFrame
from stream.bus.delivery import LiveSender, ReliableSender, Sender
from stream.bus.heartbeat import Heartbeat
from stream.bus.messages import Note, Row, Tick, pack
from stream.bus.sockets import Bus, Wiring
from stream.capture.tracking import Sighting, Tracker
from stream.errors import EndOfSource, SgeError
from stream.skeleton import get_layout
from stream.sources import Source, open_source
from stream.sources.live_source import LiveSource

if TYPE_CHECKING:
    from stream.view.drawing_thread import Painter

__all__ = ["CaptureOrders", "run"]

STOP_WITHIN_S = 2.0
"""How long the last windows may take to be decided on when the user has stopped the source."""

DRAIN_S = 10.0
"""How long those of a device that ended by itself may take: an encoder starts again within."""

_READ_S = 0.1


class CaptureOrders(msgspec.Struct, frozen=True):
    """What a capture worker is told.

    Attributes:
        wiring: the run's sockets.
        source: what `--source` said.
        index: the source's number in the run.
        sources: how many sources the run has.
        epoch: how often this worker was restarted.
        opened: how many tracks the source had before that.
        f: skeletons a window.
        speed: of a recording; 1 is real time, 0 as quick as the system takes it.
        view: whether what the source sees is drawn for somebody to look at.
    """

    wiring: Wiring
    source: str
    index: int
    sources: int
    epoch: int
    opened: int
    f: int
    speed: float
    view: bool = False


def run(orders: CaptureOrders, stop: threading.Event) -> None:
    """Work until the source ends or `stop` is set; what was cut is delivered either way.

    Raises:
        SgeError: the source cannot be opened or cannot go on; its tracks were ended first.
    """
    with Bus(orders.wiring) as bus:
        heart = Heartbeat(bus, "capture", orders.index)
        push = bus.connect(zmq.PUSH, "windows")
        try:
            with contextlib.closing(_open(orders, push)) as source, _painter(orders, source, bus) as painter:
                _Worker(orders, source, bus, push, heart, painter).work(stop)
        except SgeError as error:
            heart.failed(str(error), error.exit_code)
            raise
        heart.beat("done")


def _open(orders: CaptureOrders, push: zmq.Socket[bytes]) -> Source:
    try:
        return open_source(orders.source, speed=orders.speed)
    except SgeError:
        # The matcher waits for this source's end; it was checked before, so this is rare.
        push.send_multipart(pack(Tick(orders.index, orders.epoch, 0, last=True)))
        raise


@contextlib.contextmanager
def _painter(orders: CaptureOrders, source: Source, bus: Bus) -> Iterator[Painter | None]:
    if not orders.view:
        yield None
        return
    from stream.view.drawing_thread import Painter  # noqa: PLC0415 - OpenCV, which nobody else may need

    info = source.info
    with contextlib.closing(
        Painter(bus, orders.index, orders.sources, info.name, get_layout(info.layout))
    ) as painter:
        yield painter


class _Worker:
    def __init__(
        self,
        orders: CaptureOrders,
        source: Source,
        bus: Bus,
        push: zmq.Socket[bytes],
        heart: Heartbeat,
        painter: Painter | None,
    ) -> None:
        self._orders = orders
        self._source = source
        self._heart = heart
        self._painter = painter
        layout = get_layout(source.info.layout)
        self._tracker = Tracker(
            layout, orders.f, first=orders.index + 1, stride=orders.sources, opened=orders.opened
        )
        acks = bus.connect(zmq.DEALER, "acks", identity=f"capture-{orders.index}".encode())
        self._sender: Sender = (
            LiveSender(push, acks, orders.epoch) if source.info.live else ReliableSender(push, acks)
        )
        self._frames = 0
        self._windows = 0

    def work(self, stop: threading.Event) -> None:
        """Read and send until the end, then see the last tick delivered."""
        trouble: SgeError | None = None
        self._beat(force=True)
        while not stop.is_set():
            self._beat()
            if not self._sender.room:
                self._sender.pump(_READ_S)
                continue
            try:
                frame = self._source.read(_READ_S)
            except EndOfSource:
                break
            except SgeError as error:
                trouble = error
                break
            if frame is not None:
                self._see(frame)
            self._sender.pump(0)
        self._offer(self._tracker.end(), 0, last=True)
        self._drain(stop)
        self._beat(force=True)  # the last counts
        if trouble is not None:
            raise trouble

    def _see(self, frame: BodyFrame) -> None:
        # People were looked for after the picture had come; who waits for a decision waited for that too.
        taken_ns = frame.picture.taken_ns if frame.picture is not None else None
        arrival_ns = taken_ns or time.monotonic_ns()
        self._frames += 1
        sighting = self._tracker.push(frame)
        if sighting:
            self._offer(sighting, frame.time_ns, arrival_ns=arrival_ns)
        if sighting.notes:
            self._beat(force=True)  # a new track's number must not be given again after a crash
        if self._painter is not None:
            self._painter.show(frame, self._tracker.numbers)

    def _offer(self, sighting: Sighting, time_ns: int, *, arrival_ns: int = 0, last: bool = False) -> None:
        self._windows += len(sighting.windows)
        joints = np.stack([w.joints for _, w in sighting.windows]) if sighting.windows else np.zeros(0, "f4")
        tick = Tick(
            source=self._orders.index,
            epoch=self._orders.epoch,
            seq=0,
            shape=joints.shape if sighting.windows else (),
            rows=tuple(
                Row(track, w.start_ns, w.end_ns, arrival_ns, w.quality) for track, w in sighting.windows
            ),
            notes=tuple(Note(track, time_ns, reason) for track, reason in sighting.notes),
            ended=sighting.ended,
            open=self._tracker.open,
            last=last,
        )
        self._sender.offer(tick, joints)

    def _drain(self, stop: threading.Event) -> None:
        deadline = time.monotonic() + DRAIN_S if self._source.info.live else math.inf
        while not self._sender.idle:
            self._sender.pump(_READ_S)
            self._beat()
            if stop.is_set():
                deadline = min(deadline, time.monotonic() + STOP_WITHIN_S)
            if time.monotonic() > deadline:
                return

    def _beat(self, *, force: bool = False) -> None:
        device = self._source if isinstance(self._source, LiveSource) else None
        trouble = device.trouble if device is not None else ""
        if self._painter is not None:
            self._painter.tell_down(trouble)
        self._heart.beat(
            "down" if trouble else "ready",
            {
                "frames": self._frames,
                "frames_dropped": self._source.dropped,
                "windows": self._windows,
                "windows_dropped": self._sender.dropped,
                "in_view": len(self._tracker.open),
                "tracks": self._tracker.opened,
            },
            trouble or (device.description if device is not None else ""),
            force=force,
        )
