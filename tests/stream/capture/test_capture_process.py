"""The capture worker on a device: its ticks go on while the device delivers nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
import zmq

from stream.body import Body, BodyFrame, SourceInfo
from stream.bus.messages import Ack, Tick, pack, unpack
from stream.bus.sockets import Bus, Wiring, create_wiring
from stream.capture import capture_process
from stream.capture.capture_process import CaptureSettings
from stream.errors import EndOfSource
from tests.stream.bodies import at_rate, walking

WAIT_MS = 20_000
CROWD = 300
LAST_NS = 766_666_667
"""End of the last window of 0.8 s."""


class SilentDevice:
    """Delivers one frame with one body, then nothing."""

    info = SourceInfo("door", "kinect-v1", "kinect-v1", live=True, finite=False)
    dropped = 0

    def __init__(self) -> None:
        joints = np.zeros((20, 3), np.float32)
        joints[:] = (0.5, 1.0, 3.0)
        self._frames = [BodyFrame(5_000_000_000, (Body(1, joints, np.ones(20, np.float32)),))]

    def read(self, timeout: float) -> BodyFrame | None:
        if self._frames:
            return self._frames.pop()
        time.sleep(min(timeout, 0.01))
        return None

    def close(self) -> None:
        pass


@pytest.fixture
def wiring(tmp_path_factory: pytest.TempPathFactory) -> Wiring:
    return create_wiring(tmp_path_factory.mktemp("bus"))


@pytest.fixture
def bus(wiring: Wiring) -> Iterator[Bus]:
    with Bus(wiring) as opened:
        yield opened


def test_a_device_that_delivers_nothing_still_tells_the_time(
    bus: Bus, wiring: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture_process, "open_source", lambda spec, *, speed: SilentDevice())
    windows, acks = bus.bind(zmq.PULL, "windows"), bus.bind(zmq.ROUTER, "acks")
    bus.bind(zmq.PULL, "status", high_water=1000)
    stop = threading.Event()
    settings = CaptureSettings(wiring, "door", 0, 1, 0, 0, 6, 1.0)
    worker = threading.Thread(target=capture_process.run, args=(settings, stop))
    worker.start()
    try:
        ticks: list[Tick] = []
        while len(ticks) < 4:
            assert windows.poll(WAIT_MS)
            tick, _ = unpack(windows.recv_multipart())
            assert isinstance(tick, Tick)
            ticks.append(tick)
            acks.send_multipart([b"capture-0", *pack(Ack(0, 0, tick.seq))])
    finally:
        stop.set()
        while worker.is_alive():  # its last tick wants an acknowledgement
            if windows.poll(50):
                tick, _ = unpack(windows.recv_multipart())
                assert isinstance(tick, Tick)
                acks.send_multipart([b"capture-0", *pack(Ack(0, 0, tick.seq))])
        worker.join()
    times = [tick.time_ns for tick in ticks]
    assert times == sorted(times)
    assert times[-1] >= 5_000_000_000 + 3 * 200_000_000, "the source's time goes on"
    assert [len(tick.places) for tick in ticks] == [1, 0, 0, 0]
    assert all(tick.open == ticks[0].open for tick in ticks), "its track is still in view"


class CrowdedDevice:
    """Delivers a second of many people at once, then nothing; ends once all their windows have arrived."""

    info = SourceInfo("hall", "kinect-v1", "kinect-v1", live=True, finite=False)
    dropped = 0

    def __init__(self) -> None:
        times, sure = at_rate(30, 0.8), np.ones(20, np.float32)
        self._frames = [
            BodyFrame(int(time_ns), tuple(Body(number, joints, sure) for number in range(CROWD)))
            for time_ns, joints in zip(times, walking(times), strict=True)
        ]
        self.long_waits = 0
        self.is_complete = threading.Event()

    def read(self, timeout: float) -> BodyFrame | None:
        if self._frames:
            return self._frames.pop(0)
        if self.is_complete.wait(timeout):
            raise EndOfSource
        self.long_waits += timeout > 0.05
        return None

    def rename(self, name: str) -> None:
        pass

    def close(self) -> None:
        pass


def test_windows_of_a_crowd_do_not_wait_for_the_next_frame(bus: Bus, wiring: Wiring) -> None:
    windows, acks = bus.bind(zmq.PULL, "windows"), bus.bind(zmq.ROUTER, "acks")
    bus.bind(zmq.PULL, "status", high_water=1000)
    device = CrowdedDevice()
    settings = CaptureSettings(wiring, "hall", 0, 1, 0, 0, 6, 1.0)
    worker = threading.Thread(
        target=capture_process.run, args=(settings, threading.Event(), device), daemon=True
    )
    worker.start()
    newest: dict[int, int] = {}
    patience = WAIT_MS // 50
    while worker.is_alive():
        if not windows.poll(50):
            patience -= 1
            assert patience, f"the newest windows of {len(newest)} tracks arrived"
            continue
        tick, _ = unpack(windows.recv_multipart())
        assert isinstance(tick, Tick)
        newest |= {row.track: row.end_ns for row in tick.rows}
        acks.send_multipart([b"capture-0", *pack(Ack(0, 0, tick.seq))])
        if list(newest.values()).count(LAST_NS) == CROWD:
            device.is_complete.set()
    assert device.long_waits <= 2, "each tick waited for the longest time that a frame may take"
