"""Tests every source against the `Source` protocol: finite sources in `CASES`, live ones in `DEVICES`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from stream.body import Body, BodyFrame, SourceInfo
from stream.capture.recorder import record
from stream.capture.tracking import Tracker
from stream.errors import EndOfSource, SourceError
from stream.recording import RecordingWriter, read_recording
from stream.skeleton import LAYOUTS
from stream.sources import Source, open_source
from stream.windows.cutting import Window
from tests.stream.bodies import at_rate, walking
from tests.stream.sources.camera_streams import network_camera
from tests.stream.sources.fake_k4a import azure_kinect
from tests.stream.sources.fake_kinect import FIRST_ID, kinect_machine
from tests.stream.sources.sensors import TIMEOUT_S, Sensor, walkers
from tests.stream.sources.videos import video_pose_pipeline, write_video


def write_walk(path: Path, *, hz: float, seconds: float = 4.0) -> Path:
    """Writes a recording of one smooth walk, the same at any frame rate; a joint is not seen for 0.1 s."""
    info = SourceInfo("door", "kinect-v1", "kinect-v1", live=True, finite=False)
    times_ns = at_rate(hz, seconds)
    with RecordingWriter(path, info) as writer:
        for time_ns, joints in zip(times_ns, walking(times_ns), strict=True):
            t = time_ns / 1e9
            joints[:, 2] += 1 - 0.5 * t
            confidence = np.ones(20, np.float32)
            if 3.2 <= t < 3.3:
                joints[7], confidence[7] = np.nan, 0
            bodies = (Body(1, joints, confidence),) if t < seconds - 0.5 else ()
            writer.write(BodyFrame(int(time_ns), bodies))
    return path


@dataclass(frozen=True, slots=True)
class Case:
    """A finite source to test.

    Attributes:
        name: part of the test's name.
        spec: prepares the source's files in a folder and returns its `--source` string.
        live: its expected `info.live`.
    """

    name: str
    spec: Callable[[Path], str]
    live: bool


CASES = (
    Case("recording", lambda folder: str(write_walk(folder / "walk.mcap", hz=30)), live=False),
    Case("walkers", lambda _: "walkers:n=2,seed=3,live=0,seconds=4", live=False),
    Case("video", lambda folder: str(write_video(folder / "walk.avi")), live=False),
    Case("walkers-live", lambda _: "walkers:n=2,seed=3,live=1,seconds=4", live=True),
)


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    assert isinstance(request.param, Case)
    return request.param


@pytest.fixture
def spec(case: Case, tmp_path: Path) -> Iterator[str]:
    with video_pose_pipeline():
        yield case.spec(tmp_path)


class FakeClock:
    """A clock that only waiting advances; waiting takes no real time."""

    def __init__(self) -> None:
        self.time = 50.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The clock of all sources during the test."""
    fake = FakeClock()
    monkeypatch.setattr("stream.sources.playback.WALL_CLOCK", fake)
    return fake


def rest_of(source: Source, timeout: float = 60.0) -> list[BodyFrame]:
    """Returns all remaining frames and closes the source."""
    frames = []
    try:
        while True:
            frame = source.read(timeout)
            assert frame is not None, "no frame within the timeout"
            frames.append(frame)
    except EndOfSource:
        return frames
    finally:
        source.close()


def exact(frames: list[BodyFrame]) -> list[object]:
    return [
        (frame.time_ns, [(b.id, b.joints.tobytes(), b.confidence.tobytes()) for b in frame.bodies])
        for frame in frames
    ]


@dataclass(frozen=True, slots=True)
class Device:
    """A live device to test.

    Attributes:
        spec: its `--source` string, with the port of a network camera as `{port}`.
        layout: its expected layout.
        plugged: context of a machine with the device; yields the fake sensor.
        first_id: its first body id.
    """

    spec: str
    layout: str
    plugged: Callable[[], AbstractContextManager[Sensor]]
    first_id: int = 1


@contextmanager
def kinect() -> Iterator[Sensor]:
    with kinect_machine() as machine:
        yield machine.sensor


DEVICES = (
    Device("kinect", "kinect-v2", kinect, FIRST_ID),
    Device("k4a", "azure-kinect", azure_kinect),
    Device("http://127.0.0.1:{port}/cam", "mediapipe", network_camera),
)


@pytest.fixture(params=DEVICES, ids=lambda device: device.spec)
def device(request: pytest.FixtureRequest) -> Device:
    assert isinstance(request.param, Device)
    return request.param


@pytest.fixture
def sensor(device: Device) -> Iterator[Sensor]:
    with device.plugged() as sensor:
        yield sensor


class DeviceScene:
    """Two people walking in front of a fake sensor, one step per frame."""

    def __init__(self, device: Device, sensor: Sensor) -> None:
        self._device = device
        self._sensor = sensor
        self.shown = 0

    def step(self) -> None:
        self._sensor.show(*walkers(self.shown, self._device.layout, self._device.first_id))
        self.shown += 1

    def frames(self, source: Source, count: int) -> list[BodyFrame]:
        """Shows and reads this many frames, then closes the source."""
        frames = []
        for _ in range(count):
            self.step()
            frame = source.read(TIMEOUT_S)
            assert frame is not None, "no frame within the timeout"
            frames.append(frame)
        source.close()
        return frames


@pytest.fixture
def device_spec(device: Device, sensor: Sensor) -> str:
    return device.spec.format(port=sensor.port)


@pytest.fixture
def stage(device: Device, sensor: Sensor) -> DeviceScene:
    return DeviceScene(device, sensor)


def check_times(frames: list[BodyFrame]) -> None:
    times = [frame.time_ns for frame in frames]
    assert len(times) >= 30
    assert times[0] >= 0
    assert all(isinstance(time_ns, int) for time_ns in times)
    assert all(earlier < later for earlier, later in pairwise(times))


def check_bodies(frames: list[BodyFrame], layout: str) -> None:
    count = len(LAYOUTS[layout].joints)
    bodies = [body for frame in frames for body in frame.bodies]
    assert len(bodies) > len(frames) / 2, "too few bodies for the checks"
    for body in bodies:
        assert body.joints.shape == (count, 3) and body.joints.dtype == np.float32
        assert body.confidence.shape == (count,) and body.confidence.dtype == np.float32
        assert ((body.confidence >= 0) & (body.confidence <= 1)).all()
        seen = body.confidence > 0
        assert np.isfinite(body.joints[seen]).all()
        assert np.isnan(body.joints[~seen]).all()
        assert np.abs(body.joints[seen]).max(initial=0) < 30, "joints are metres"
    for frame in frames:
        assert isinstance(frame.bodies, tuple)
        assert len({body.id for body in frame.bodies}) == len(frame.bodies)


def test_info_is_available_before_the_first_frame(case: Case, spec: str) -> None:
    source = open_source(spec)
    assert source.info.layout in LAYOUTS
    assert source.info.name and source.info.sensor
    assert source.info.live is case.live
    assert source.info.finite is True
    assert source.dropped == 0
    source.close()


def test_device_info_is_available_before_it_is_opened(
    device: Device, device_spec: str, sensor: Sensor
) -> None:
    source = open_source(device_spec)
    assert source.info.layout == device.layout
    assert source.info.name and source.info.sensor
    assert (source.info.live, source.info.finite, source.dropped) == (True, False, 0)
    source.close()
    source.close()
    assert sensor.connections == 0


def test_a_label_is_the_name_of_the_source(spec: str, device_spec: str) -> None:
    for labelled in (f"front={spec}", f"front={device_spec}"):
        source = open_source(labelled)
        assert source.info.name == "front"
        source.close()


def test_times_increase(spec: str) -> None:
    frames = rest_of(open_source(spec, speed=0))
    check_times(frames)
    assert frames[-1].time_ns - frames[0].time_ns < 10e9, "times are nanoseconds"


def test_device_times_increase(device_spec: str, stage: DeviceScene) -> None:
    check_times(stage.frames(open_source(device_spec), 30))


def test_bodies_are_valid(spec: str) -> None:
    source = open_source(spec, speed=0)
    layout = source.info.layout
    check_bodies(rest_of(source), layout)


def test_device_bodies_are_valid(device: Device, device_spec: str, stage: DeviceScene) -> None:
    frames = stage.frames(open_source(device_spec), 5)
    check_bodies(frames, device.layout)
    # Ids are kept, and joints equal those shown to the sensor.
    for number, frame in enumerate(frames):
        for body, person in zip(frame.bodies, walkers(number, device.layout, device.first_id), strict=True):
            assert body.id == person.id
            assert body.joints[2:] == pytest.approx(person.joints[2:], abs=1e-6)


def test_device_returns_the_newest_frame_and_each_once(
    device: Device, device_spec: str, sensor: Sensor, stage: DeviceScene
) -> None:
    source = open_source(device_spec)
    stage.step()
    assert source.read(TIMEOUT_S) is not None
    for _ in range(5):
        stage.step()
    sensor.settle()
    newest = source.read(0)
    assert newest is not None
    assert newest.bodies[0].joints == pytest.approx(walkers(5, device.layout)[0].joints, abs=1e-6), (
        "the last frame shown"
    )
    assert source.dropped == 4
    assert source.read(0) is None, "each frame is returned once"
    source.close()


def test_closed_device_raises_end_of_source(device_spec: str, stage: DeviceScene) -> None:
    source = open_source(device_spec)
    stage.frames(source, 1)
    for _ in range(3):
        with pytest.raises(EndOfSource):
            source.read(0)
    source.close()


def test_clip_of_a_device_is_rejected(device_spec: str, sensor: Sensor) -> None:
    with pytest.raises(SourceError, match="is endless, but #t= needs a finite source"):
        open_source(f"{device_spec}#t=1,2")
    assert sensor.connections == 0


def test_device_can_be_recorded_and_replayed(
    device: Device, device_spec: str, stage: DeviceScene, tmp_path: Path
) -> None:
    source = open_source(device_spec)
    stop = threading.Event()
    seen: list[BodyFrame] = []

    def next_step(frame: BodyFrame) -> None:
        seen.append(frame)
        if len(seen) == 10:
            stop.set()
        else:
            stage.step()

    stage.step()
    target = tmp_path / "again.mcap"
    assert record(source, target, seconds=None, stop=stop, on_frame=next_step) == 10
    source.close()
    assert [body.id for body in seen[0].bodies] == [device.first_id, device.first_id + 1]
    assert exact(rest_of(open_source(str(target), speed=0))) == exact(seen)


def test_read_with_timeout_0_never_blocks(spec: str, clock: FakeClock) -> None:
    source = open_source(spec)
    assert source.read(0) is not None
    assert source.read(0) is None
    assert clock.waits == []
    source.close()


def test_frame_not_due_is_returned_by_a_later_read(spec: str, clock: FakeClock) -> None:
    source = open_source(spec, speed=0.01)
    first = source.read(0)
    assert source.read(0.25) is None
    assert clock.waits == [0.25]
    later = source.read(60)
    assert first is not None and later is not None
    assert later.time_ns > first.time_ns
    source.close()


@pytest.mark.parametrize("speed", [0.5, 1, 4])
def test_pace_follows_the_speed(speed: float, spec: str, clock: FakeClock) -> None:
    start = clock.time
    frames = rest_of(open_source(spec, speed=speed))
    assert clock.time - start == pytest.approx((frames[-1].time_ns - frames[0].time_ns) / 1e9 / speed)


def test_speed_0_never_waits_and_never_drops(spec: str, clock: FakeClock) -> None:
    paced = exact(rest_of(open_source(spec)))
    clock.waits.clear()
    source = open_source(spec, speed=0)
    assert exact(rest_of(source, timeout=0)) == paced
    assert (clock.waits, source.dropped) == ([], 0)


def test_end_is_raised_again_by_later_reads(spec: str) -> None:
    source = open_source(spec, speed=0)
    rest_of(source)
    for _ in range(3):
        with pytest.raises(EndOfSource):
            source.read(0)


def test_closing_twice_is_harmless(spec: str) -> None:
    unread = open_source(spec)
    unread.close()
    unread.close()
    started = open_source(spec)
    started.read(0)
    started.close()
    started.close()


def test_opening_twice_returns_the_same_frames(spec: str) -> None:
    assert exact(rest_of(open_source(spec, speed=0))) == exact(rest_of(open_source(spec, speed=0)))


@pytest.mark.parametrize(("clip", "start", "stop"), [("1,2.5", 1, 2.5), ("2", 2, 1e9), (",1.5", 0, 1.5)])
def test_clip_contains_the_frames_of_its_time(clip: str, start: float, stop: float, spec: str) -> None:
    complete = rest_of(open_source(spec, speed=0))
    expected = [frame for frame in complete if start <= frame.time_ns / 1e9 < stop]
    assert 0 < len(expected) < len(complete)
    assert exact(rest_of(open_source(f"{spec}#t={clip}", speed=0))) == exact(expected)


def test_clip_starts_without_waiting(spec: str, clock: FakeClock) -> None:
    source = open_source(f"{spec}#t=2")
    assert source.read(0) is not None
    source.close()


@pytest.mark.parametrize("speed", [1, 8])
def test_late_reads_of_a_file_drop_nothing_and_of_a_live_source_all_but_the_newest(
    speed: float, case: Case, spec: str, clock: FakeClock
) -> None:
    complete = rest_of(open_source(spec, speed=0))
    source = open_source(spec, speed=speed)
    frames = []
    while True:
        try:
            frame = source.read(1 / speed)
        except EndOfSource:
            break
        clock.time += 0.3 / speed  # processing time of the reader
        if frame is not None:
            frames.append(frame)
    source.close()
    if case.live:
        assert source.dropped > 0
        assert len(frames) + source.dropped == len(complete)
        assert all(b.time_ns - a.time_ns >= 0.25e9 for a, b in pairwise(frames[:-1]))
    else:
        assert source.dropped == 0
        assert exact(frames) == exact(complete)


def test_source_can_be_recorded_and_replayed(spec: str, tmp_path: Path) -> None:
    expected = rest_of(open_source(spec, speed=0))
    source = open_source(spec, speed=0)
    target = tmp_path / "again.mcap"
    assert record(source, target, seconds=None, stop=threading.Event()) == len(expected)
    source.close()
    with read_recording(target) as recording:
        assert recording.info == replace(source.info, live=False)
        assert exact(list(recording)) == exact(expected)


def windows_of(spec: str) -> list[Window]:
    source = open_source(spec, speed=0)
    tracker = Tracker(LAYOUTS[source.info.layout])
    return [window for frame in rest_of(source) for _, window in tracker.push(frame).windows]


@pytest.mark.parametrize("rate", [10, 30, 60])
def test_windows_span_the_same_time_at_every_rate(rate: int, tmp_path: Path) -> None:
    for spec in (
        str(write_walk(tmp_path / "walk.mcap", hz=rate)),
        f"walkers:n=1,seed=3,live=0,seconds=4,fps={rate}",
    ):
        windows = windows_of(spec)
        assert len(windows) > 15
        for window in windows:
            assert window.joints.shape == (6, 20, 3)
            assert window.end_ns - window.start_ns == pytest.approx(5e9 / 30, abs=2e6)


@pytest.mark.parametrize("rate", [10, 60])
def test_windows_of_one_walk_agree_at_every_rate(rate: int, tmp_path: Path) -> None:
    windows, reference = (
        {
            round(w.start_ns / 1e8): w.joints
            for w in windows_of(str(write_walk(tmp_path / f"{hz}.mcap", hz=hz)))
        }
        for hz in (rate, 30)
    )
    common = windows.keys() & reference.keys()
    assert len(reference) > 15
    assert len(common) >= 0.8 * len(reference)
    # Error bound of linear interpolation: feet swing by 0.36 m, 0.9 times per second.
    bound = 0.36 * (np.pi * 0.9 / min(rate, 30)) ** 2 / 2 * 1.1 + 2e-3
    for start in common:
        if 30 <= start <= 34:
            continue  # around the missing joint, where the interpolated gap depends on the rate
        assert np.abs(windows[start] - reference[start]).max() < bound
