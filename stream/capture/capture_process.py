"""The capture worker: the process of one source, which puts windows on the bus.

    Source.read -> frame -> Tracker.push -> windows of each track -> Tick -> Sender.offer -> bus

`stream.capture.tracking.make_tick` makes the `Tick`; `stream.bus.delivery` sends it to the encoder.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec
import zmq

from stream.body import BodyFrame
from stream.bus.delivery import Sender, connect_encoders, send_end
from stream.bus.file_delivery import ReliableSender
from stream.bus.heartbeat import Heartbeat
from stream.bus.live_delivery import LiveSender
from stream.bus.sockets import Bus, Wiring
from stream.capture.body_places import PLACE_INTERVAL_NS, BodyPlaces
from stream.capture.levelling import Levelling
from stream.capture.tracking import TrackerUpdate, make_tick, source_tracker
from stream.errors import EndOfSource, SgeError
from stream.skeleton import get_layout
from stream.sources import Source, open_source
from stream.sources.live_source import LiveSource
from stream.sources.playback import Playback
from stream.view.skeleton_frames import SkeletonSender

if TYPE_CHECKING:
    from stream.view.drawing_thread import DrawingThread

__all__ = ["CaptureSettings", "run"]

_log = logging.getLogger(__name__)

STOP_WITHIN_S = 2.0
"""Longest wait for decisions on the last windows after the user stops the source."""

DRAIN_S = 10.0
"""Longest wait for them if a device ends by itself; long enough to restart an encoder."""

_READ_S = 0.1
"""Longest wait for a frame."""

_BACKLOG_READ_S = 0.002
"""The same while windows of a device wait for an acknowledgement of earlier ones."""
_SEND_END_S = 0.5
"""Longest wait for the socket of an encoder, to tell it that the source could not be opened."""


class CaptureSettings(msgspec.Struct, frozen=True):
    """Settings of a capture worker.

    Attributes:
        wiring: the sockets of the run.
        source: the value of `--source`.
        index: number of the source in the run, from 0.
        sources: number of sources in the run.
        epoch: number of restarts of this worker.
        opened: number of tracks that the source had before the restart.
        f: skeletons per window.
        speed: playback speed of a recording; 1 is real time, 0 as fast as the system processes it.
        view: whether to draw the frames for `--view`.
        retry: whether a device that cannot be opened is retried from the start; else its source fails.
        skeletons: whether to send the skeletons of the frames to the parent, for a view without images.
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
    retry: bool = False
    skeletons: bool = False


def run(settings: CaptureSettings, stop: threading.Event, source: Source | None = None) -> None:
    """Runs until the source ends or `stop` is set; in both cases the last windows are still sent.

    Args:
        settings: of the worker.
        stop: ends it.
        source: is read and closed in place of `settings.source`, to measure the worker.

    Raises:
        SgeError: the source cannot be opened or fails; its tracks are ended first.
    """
    with Bus(settings.wiring) as bus:
        heartbeat = Heartbeat(bus, "capture", settings.index)
        encoders = connect_encoders(bus)
        try:
            with (
                contextlib.closing(source or _open_source(settings, encoders)) as opened,
                _open_drawing(settings, opened, bus) as drawing,
            ):
                _CaptureLoop(settings, opened, bus, encoders, heartbeat, drawing).run(stop)
        except SgeError as error:
            heartbeat.send_failure(error)
            raise
        heartbeat.send("done")


def _open_source(settings: CaptureSettings, encoders: Sequence[zmq.Socket[bytes]]) -> Source:
    try:
        source = open_source(settings.source, speed=settings.speed)
    except SgeError:
        # The matcher waits for the end of this source. Rare, because the source was checked at the start.
        send_end(encoders, settings.index, settings.epoch, timeout=_SEND_END_S)
        raise
    if settings.retry and isinstance(source, LiveSource):
        source.retry_from_start()
    return source


@contextlib.contextmanager
def _open_drawing(settings: CaptureSettings, source: Source, bus: Bus) -> Iterator[DrawingThread | None]:
    if not settings.view:
        yield None
        return
    from stream.view.drawing_thread import DrawingThread  # noqa: PLC0415 - loads OpenCV

    info = source.info
    with contextlib.closing(
        DrawingThread(bus, settings.index, settings.sources, info.name, get_layout(info.layout))
    ) as drawing:
        yield drawing


class _CaptureLoop:
    """Reads frames of the source, cuts windows and puts them on the bus."""

    def __init__(
        self,
        settings: CaptureSettings,
        source: Source,
        bus: Bus,
        encoders: Sequence[zmq.Socket[bytes]],
        heartbeat: Heartbeat,
        drawing: DrawingThread | None,
    ) -> None:
        self._settings = settings
        self._source = source
        self._heartbeat = heartbeat
        self._drawing = drawing
        self._levelling = Levelling()
        self._tilt_deg = 0.0
        self._tracker = source_tracker(
            source.info,
            self._levelling,
            f=settings.f,
            index=settings.index,
            sources=settings.sources,
            opened=settings.opened,
        )
        self._places = BodyPlaces(get_layout(source.info.layout))
        self._time_ns = 0
        self._frame_at_ns = 0
        """Monotonic time of the newest frame."""
        self._told_at_ns = 0
        """Monotonic time of the newest tick."""
        acks = bus.connect(zmq.DEALER, "acks", identity=f"capture-{settings.index}".encode())
        self._sender: Sender = (
            LiveSender(encoders, acks, settings.index, settings.epoch)
            if source.info.live
            else ReliableSender(encoders, acks, settings.index)
        )
        self._skeletons = (
            SkeletonSender(bus, settings.index, get_layout(source.info.layout))
            if settings.skeletons
            else None
        )
        self._frames = 0
        self._windows = 0

    def run(self, stop: threading.Event) -> None:
        """Reads, processes and sends frames until the end; then ends the tracks and waits for delivery."""
        problem: SgeError | None = None
        self._send_heartbeat(force=True)
        while not stop.is_set():
            self._send_heartbeat()
            if not self._sender.has_room:
                self._sender.pump(_READ_S)
                continue
            try:
                frame = self._source.read(_BACKLOG_READ_S if self._has_backlog else _READ_S)
            except EndOfSource:
                break
            except SgeError as error:
                problem = error
                break
            if frame is not None:
                self._process_frame(frame)
            else:
                self._tell_time()
            self._sender.pump(0)
        if isinstance(self._source, Playback) and self._source.remark:
            # Before the last tick: the parent stops to listen after it.
            self._heartbeat.send("ending", text=self._source.remark)
        self._put_on_bus(self._tracker.end(), self._time_ns, last=True)
        self._drain(stop)
        self._send_heartbeat(force=True)  # the final counters
        if problem is not None:
            raise problem

    @property
    def _has_backlog(self) -> bool:
        return self._source.info.live and not self._sender.idle

    def _process_frame(self, frame: BodyFrame) -> None:
        """Assigns the bodies to tracks, cuts windows, and puts these on the bus."""
        # Latency counts from the capture of the image, before pose estimation.
        taken_ns = frame.picture.taken_ns if frame.picture is not None else None
        arrival_ns = taken_ns or time.monotonic_ns()
        self._frames += 1
        update = self._tracker.push(frame)
        self._places.add(frame, self._tracker.numbers)
        self._time_ns, self._frame_at_ns = frame.time_ns, time.monotonic_ns()
        self._report_tilt()
        if update or self._places.due(frame.time_ns):
            self._put_on_bus(update, frame.time_ns, arrival_ns=arrival_ns)
        if update.notes:
            self._send_heartbeat(force=True)  # a restarted worker must not reuse the new track's number
        if self._drawing is not None:
            self._drawing.show(frame, self._tracker.numbers)
        if self._skeletons is not None:
            self._skeletons.show(frame, self._tracker.numbers)

    def _tell_time(self) -> None:
        """Sends a tick in place of frames that a device does not deliver: people in view may have left."""
        now_ns = time.monotonic_ns()
        if self._source.info.live and self._frames and now_ns - self._told_at_ns >= PLACE_INTERVAL_NS:
            self._put_on_bus(TrackerUpdate(), self._time_ns + now_ns - self._frame_at_ns)

    def _report_tilt(self) -> None:
        tilt = self._levelling.tilt
        degrees = tilt.degrees if tilt is not None else 0.0
        if degrees == self._tilt_deg:
            return
        self._tilt_deg = degrees
        name = self._source.info.name
        if degrees:
            _log.warning("%s is tilted by %.0f degrees: its skeletons are levelled", name, degrees)
        else:
            _log.warning("%s is level again", name)

    def _put_on_bus(
        self, update: TrackerUpdate, time_ns: int, *, arrival_ns: int = 0, last: bool = False
    ) -> None:
        """Puts the windows, notes and ended tracks of a tracker update on the bus, as one tick."""
        self._windows += len(update.windows)
        self._told_at_ns = time.monotonic_ns()
        tick, joints = make_tick(
            update,
            self._settings.index,
            self._settings.epoch,
            time_ns=time_ns,
            arrival_ns=arrival_ns,
            in_view=self._tracker.open,
            last=last,
            pose_model=self._source.info.pose_model,
            places=self._places.take(time_ns),
            ready_ns=self._told_at_ns,
        )
        self._sender.offer(tick, joints)

    def _drain(self, stop: threading.Event) -> None:
        """Waits for the delivery of the last ticks."""
        deadline = time.monotonic() + DRAIN_S if self._source.info.live else math.inf
        while not self._sender.idle:
            self._sender.pump(_READ_S)
            self._send_heartbeat()
            if stop.is_set():
                deadline = min(deadline, time.monotonic() + STOP_WITHIN_S)
            if time.monotonic() > deadline:
                return

    @property
    def _described(self) -> str:
        """Description of the source for people; empty if its name says all."""
        info = self._source.info
        if isinstance(self._source, LiveSource):
            described = self._source.description
        else:
            described = f"{info.name}, model {info.pose_model}" if info.pose_model else ""
        if self._tilt_deg:
            return f"{described or info.name}, tilted by {self._tilt_deg:.0f} degrees"
        return described

    def _send_heartbeat(self, *, force: bool = False) -> None:
        device = self._source if isinstance(self._source, LiveSource) else None
        problem = device.problem if device is not None else ""
        if self._drawing is not None:
            self._drawing.show_outage(problem)
        self._heartbeat.send(
            "down" if problem else "ready",
            {
                "frames": self._frames,
                "frames_dropped": self._source.dropped,
                "windows": self._windows,
                "windows_dropped": self._sender.dropped,
                "waiting": self._sender.waiting,
                "in_view": len(self._tracker.open),
                "tracks": self._tracker.opened,
            },
            problem or self._described,
            force=force,
        )
