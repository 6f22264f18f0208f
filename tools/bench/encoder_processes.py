"""Encoder processes of the live system without its other processes: windows in, encodings out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import numpy as np
import zmq

from encoder.encoder_settings import EncoderSettings
from gallery.tick_order import FileOrder
from stream.body import FloatArray
from stream.bus.delivery import connect_encoders
from stream.bus.file_delivery import MAX_ROWS, ReliableSender
from stream.bus.messages import Ack, Tick, WindowRow, pack, unpack
from stream.bus.sockets import Bus
from stream.errors import RunError
from stream.system.run_folder import open_run
from stream.system.supervisor import Child, Supervisor
from stream.system.verdict_receiver import VerdictReceiver

__all__ = ["run_encoders"]

_WINDOW = (6, 20, 3)
_POLL_S = 0.02
_WARM_UP_WINDOWS = 2 * MAX_ROWS


def run_encoders(processes: int, seconds: float) -> float:
    """Starts encoder processes, and gives them a file's windows as fast as they take them.

    Each tick has a window of each of 64 tracks. This process sends and joins them as capture and matcher do.

    Args:
        processes: number of encoder processes.
        seconds: duration of the measurement.

    Returns:
        Windows per second of all of them together.

    Raises:
        RunError: a process failed.
    """
    log: list[str] = []
    supervisor = Supervisor(log.append)
    with open_run("bench", processes) as run, Bus(run.wiring) as bus, ExitStack() as stack:
        stack.callback(supervisor.end)
        receiver = VerdictReceiver(bus)
        load = _Load(bus)

        def go_on(until: Callable[[], bool], work: Callable[[], None]) -> None:
            while not until():
                work()
                _read_heartbeats(supervisor, receiver, log)

        for index in range(processes):
            settings = EncoderSettings(run.wiring, "auto", index=index)
            supervisor.start(Child("encoder", index, _given(settings), one_of_several=True))
        go_on(lambda: all(child.ready for child in supervisor.children), lambda: receiver.wait(_POLL_S))
        go_on(lambda: load.windows >= _WARM_UP_WINDOWS * processes, load.pump)
        first, started = load.windows, time.monotonic()
        go_on(lambda: time.monotonic() - started >= seconds and load.windows > first, load.pump)
        return (load.windows - first) / (time.monotonic() - started)


def _given(settings: EncoderSettings) -> Callable[[Child], EncoderSettings]:
    return lambda child: settings


def _read_heartbeats(supervisor: Supervisor, receiver: VerdictReceiver, log: Sequence[str]) -> None:
    """Raises `RunError` if a process has ended."""
    for status in receiver.heartbeats():
        supervisor.record_heartbeat(status)
    if ended := supervisor.poll():
        raise RunError(f"the {ended[0].label} process ended: {log[-1] if log else 'no message'}")


class _Load:
    """Sends windows as the capture worker of a file does, and takes their encodings as the matcher does.

    Attributes:
        windows: number of windows that came back, in order.
    """

    def __init__(self, bus: Bus) -> None:
        self.windows = 0
        self._cages = bus.bind(zmq.PULL, "cages")
        self._acks = bus.bind(zmq.ROUTER, "acks", high_water=64)
        own = bus.connect(zmq.DEALER, "acks", identity=b"capture-0")
        self._sender = ReliableSender(connect_encoders(bus), own, 0)
        self._order = FileOrder()
        rows = tuple(WindowRow(track, 0, 1, 0, 1.0) for track in range(1, MAX_ROWS + 1))
        self._joints: FloatArray = _some_windows(len(rows))
        self._tick = Tick(0, 0, 0, shape=self._joints.shape, rows=rows)

    def pump(self) -> None:
        """Sends what fits, and takes what has come; waits shortly if nothing has."""
        while self._sender.has_room:
            self._sender.offer(self._tick, self._joints)
        self._sender.pump(0)
        timeout_ms = round(1000 * _POLL_S)
        while self._cages.poll(timeout_ms):
            timeout_ms = 0
            tick, cages = unpack(self._cages.recv_multipart())
            assert isinstance(tick, Tick)
            for each in self._order.take(tick, cages).ticks:
                self.windows += len(each.tick.rows)
                self._acks.send_multipart([b"capture-0", *pack(Ack(0, 0, each.tick.seq))])


def _some_windows(count: int) -> FloatArray:
    return np.float32(0.3) * np.random.default_rng(0).standard_normal((count, *_WINDOW), np.float32)
