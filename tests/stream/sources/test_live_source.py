"""Time-outs, outages and reconnection of live sources, with a fake clock that only waiting advances."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.body import Body, BodyFrame, SourceInfo
from stream.capture.tracking import Tracker
from stream.errors import EndOfSource, SourceError
from stream.skeleton import LAYOUTS
from stream.sources.latest_value import LatestValue
from stream.sources.live_source import LiveSource

INFO = SourceInfo("sensor 7", "kinect-v2", "kinect-v2", live=True, finite=False)
LOGGER = "stream.sources.live_source"
BODY = Body(1, np.ones((25, 3), np.float32), np.ones(25, np.float32))


class FakeClock:
    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        assert seconds >= 0
        self.time += seconds


@dataclass
class DeviceScript:
    """Behaviour of a fake device; times are seconds after connecting.

    Attributes:
        frames: times of its frames.
        fails: time of its failure; None for never.
        opens: time at which it is ready.
        clock_ns: start of its own clock.
        dropped: number of frames it dropped.
        refused: whether connecting fails.
    """

    frames: Sequence[float] = ()
    fails: float | None = None
    opens: float = 0.0
    clock_ns: int = 0
    dropped: int = 0
    refused: bool = False


class FakeDevice:
    def __init__(self, script: DeviceScript, clock: FakeClock) -> None:
        self._script = script
        self._clock = clock
        self._connected = clock.time
        self._frames = list(script.frames)
        self.dropped = script.dropped
        self.closed = 0
        self.description = f"clock {script.clock_ns}"

    @property
    def ready(self) -> bool:
        return self._clock.time - self._connected >= self._script.opens - 1e-9

    def read(self, timeout: float) -> BodyFrame | None:
        assert timeout >= 0 and not self.closed
        now = self._clock.time - self._connected
        fails = np.inf if self._script.fails is None else self._script.fails
        due = self._frames[0] if self._frames else np.inf
        next_event = min(due, fails)
        self._clock.time += min(timeout, max(0.0, next_event - now))
        if next_event - now > timeout + 1e-9:
            return None
        if fails < due:
            raise SourceError("it was unplugged")
        self._frames.pop(0)
        return BodyFrame(self._script.clock_ns + round(due * 1e9), (BODY,))

    def close(self) -> None:
        self.closed += 1


@dataclass
class Harness:
    """A live source over scripted devices, one script per connection; the last script repeats."""

    scripts: list[DeviceScript]
    clock: FakeClock = field(default_factory=FakeClock)
    connected: list[float] = field(default_factory=list)
    devices: list[FakeDevice] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.source = LiveSource(INFO, self._connect, hint="check its power", clock=self.clock)
        self.start = self.clock.time

    def _connect(self) -> FakeDevice:
        script = self.scripts[min(len(self.connected), len(self.scripts) - 1)]
        self.connected.append(round(self.clock.time - self.start, 6))
        if script.refused:
            raise SourceError("no sensor found")
        self.devices.append(FakeDevice(script, self.clock))
        return self.devices[-1]

    def run(
        self, seconds: float, on_frame: Callable[[BodyFrame], object] = lambda _: None
    ) -> list[BodyFrame]:
        """Reads with time-outs of 0.1 s, as the capture worker does."""
        frames = []
        while self.clock.time < self.start + seconds - 1e-9:
            frame = self.source.read(0.1)
            if frame is not None:
                on_frame(frame)
                frames.append(frame)
        return frames


def every(step: float, until: float) -> list[float]:
    return [round(number * step, 6) for number in range(1, round(until / step) + 1)]


def seconds(frames: Sequence[BodyFrame]) -> list[float]:
    return [round(frame.time_ns / 1e9, 4) for frame in frames]


def test_times_of_a_delivering_device_start_at_zero(caplog: pytest.LogCaptureFixture) -> None:
    harness = Harness([DeviceScript(every(0.5, 3), clock_ns=77_000_000_000_000)])
    assert harness.connected == [], "the first read opens the device"
    frames = harness.run(3.05)
    assert seconds(frames) == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    assert all([body.id for body in frame.bodies] == [1] for frame in frames)
    assert all((frame.bodies[0].joints == BODY.joints).all() for frame in frames)
    assert (harness.source.problem, caplog.messages) == ("", [])
    assert harness.source.description == "clock 77000000000000"


def test_read_respects_its_timeout() -> None:
    harness = Harness([DeviceScript([3.0])])
    for timeout in (0.0, 0.25, 1.0):
        before = harness.clock.time
        assert harness.source.read(timeout) is None
        assert harness.clock.time - before == pytest.approx(timeout)
    before = harness.clock.time
    assert harness.source.read(60) is not None
    assert harness.clock.time - before == pytest.approx(1.75)


def test_device_without_first_frame_fails_after_five_seconds() -> None:
    harness = Harness([DeviceScript()])
    with pytest.raises(
        SourceError, match=r"^sensor 7 delivered no frame within 5 s of opening: check its power$"
    ):
        harness.run(60)
    assert harness.clock.time - harness.start == pytest.approx(5.0)
    assert harness.devices[0].closed == 1


def test_first_frame_timeout_starts_when_the_device_is_open() -> None:
    harness = Harness([DeviceScript([12.5], opens=8.0)])
    assert seconds(harness.run(13)) == [0.0]
    late = Harness([DeviceScript([13.5], opens=8.0)])
    with pytest.raises(SourceError, match="within 5 s"):
        late.run(60)
    assert late.clock.time - late.start == pytest.approx(13.0, abs=0.2)


def test_device_that_does_not_open_in_time_fails() -> None:
    harness = Harness([DeviceScript(opens=1e9)])
    with pytest.raises(SourceError, match="did not open within 30 s: check its power"):
        harness.run(60)
    assert harness.clock.time - harness.start == pytest.approx(30.0, abs=0.2)


def test_a_device_that_is_off_at_the_start_is_retried_if_asked_to(caplog: pytest.LogCaptureFixture) -> None:
    silent, late = DeviceScript(), DeviceScript(opens=1e9)
    off = [DeviceScript(refused=True), DeviceScript(fails=0.0), silent, late]
    harness = Harness([*off, DeviceScript(every(0.5, 60))])
    harness.source.retry_from_start()
    frames = harness.run(1)
    assert harness.source.problem == "no sensor found"
    frames += harness.run(60)
    # Back-off of 1, 2, 4 and 8 s; 5 s without a frame, 30 s without being ready.
    assert harness.connected == pytest.approx([0, 1, 3, 12, 50], abs=0.2)
    assert harness.source.problem == ""
    assert frames[0].time_ns == 0 and all(frame.bodies for frame in frames), "it begins with its first frame"
    assert caplog.messages == [
        "sensor 7 is down: no sensor found; retrying until it is back",
        "sensor 7 is up after 50 s",
    ]
    assert all(device.closed for device in harness.devices[:-1])


@pytest.mark.parametrize("script", [DeviceScript(refused=True), DeviceScript(fails=0.0)])
def test_device_that_cannot_be_opened_fails_at_once(script: DeviceScript) -> None:
    harness = Harness([script])
    with pytest.raises(SourceError, match=r"^(no sensor found|it was unplugged)$"):
        harness.run(60)
    assert harness.clock.time == harness.start


def test_silence_is_detected_after_two_seconds_and_the_device_reopened(
    caplog: pytest.LogCaptureFixture,
) -> None:
    harness = Harness([DeviceScript(every(0.5, 2), clock_ns=9_000), DeviceScript(every(0.5, 2))])
    frames = harness.run(2.0 + 1.9)
    assert (len(frames), harness.source.problem) == (4, "")
    frames += harness.run(2.0 + 2.1)
    assert harness.source.problem == "sensor 7 has delivered no frame for 2 s"
    assert (len(frames), frames[-1].bodies, harness.devices[0].closed) == (5, (), 1)
    frames += harness.run(2.0 + 2.0 + 1.0 + 2.05)
    assert harness.connected == [0.0, 5.0]
    # The first frame is 0.5 s after the start; the device was silent from 2.0 to 5.5.
    assert seconds(frames) == [0.0, 0.5, 1.0, 1.5, 3.5, 5.0, 5.5, 6.0, 6.5]
    assert harness.source.problem == ""
    assert caplog.messages == [
        "sensor 7 is down: has delivered no frame for 2 s; retrying until it is back",
        "sensor 7 is up again after 4 s",
    ]


def test_pause_of_the_reader_is_not_taken_for_silence_of_the_device() -> None:
    harness = Harness([DeviceScript([0.1, 0.2, 6.0, 9.5])])
    harness.run(0.5)
    harness.clock.time += 5.0
    assert seconds(harness.run(7.5)) == [5.9]
    harness.clock.time += 5.0
    assert seconds(harness.run(14.1)) == [9.4]
    assert harness.connected == [0.0]
    assert harness.source.problem == ""
    harness.run(15.0)
    assert harness.source.problem, "silence during reads is an outage"


def test_retry_delay_doubles_to_half_a_minute_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    harness = Harness(
        [DeviceScript([0.1], fails=0.2), *[DeviceScript(refused=True)] * 7, DeviceScript(every(0.1, 60))]
    )
    frames = harness.run(150)
    gaps = [later - earlier for earlier, later in pairwise(harness.connected)]
    assert gaps[:8] == pytest.approx([1.2, 2, 4, 8, 16, 30, 30, 30])
    assert len(caplog.messages) == 2
    assert [len(frame.bodies) for frame in frames[:4]] == [1, 0, 1, 1]


def test_reopened_device_without_frames_is_closed_again() -> None:
    harness = Harness([DeviceScript([0.1], fails=0.2), DeviceScript(), DeviceScript([0.1])])
    harness.run(0.2 + 1 + 5 + 2 + 0.2)
    assert harness.connected == pytest.approx([0.0, 1.2, 8.2])
    assert harness.devices[1].closed == 1


def test_back_off_restarts_after_recovery(caplog: pytest.LogCaptureFixture) -> None:
    harness = Harness([DeviceScript([0.1], fails=0.2)])
    harness.run(5)
    assert harness.connected == pytest.approx([0.0, 1.2, 2.4, 3.6, 4.8])
    assert [message.split()[3] for message in caplog.messages[:4]] == ["down:", "up", "down:", "up"]


def test_tracks_end_during_an_outage_and_ids_are_not_carried_over() -> None:
    harness = Harness(
        [DeviceScript(every(0.1, 3), fails=3.05), DeviceScript(refused=True), DeviceScript(every(0.1, 20))]
    )
    tracker = Tracker(LAYOUTS["kinect-v2"])
    ended: list[tuple[float, int]] = []

    def follow(frame: BodyFrame) -> None:
        ended.extend((harness.clock.time - harness.start, number) for number in tracker.push(frame).ended)

    harness.run(12, follow)
    assert [number for _, number in ended] == [1]
    assert ended[0][0] == pytest.approx(3 + 2, abs=0.15), "after two seconds without a frame"
    assert tracker.opened == 2, "a later body with the same id is another track"


def test_short_outage_also_ends_tracks() -> None:
    harness = Harness([DeviceScript(every(0.1, 1), fails=1.0), DeviceScript(every(0.1, 1), fails=1.0)])
    tracker = Tracker(LAYOUTS["kinect-v2"])
    harness.run(4, tracker.push)
    assert tracker.opened == 2


def test_dropped_frames_are_counted_over_all_connections() -> None:
    harness = Harness([DeviceScript([0.1], fails=0.2, dropped=3), DeviceScript([0.1, 0.2], dropped=4)])
    harness.run(0.15)
    assert harness.source.dropped == 3
    harness.run(1)
    assert harness.source.dropped == 3
    harness.run(2)
    assert harness.source.dropped == 7
    harness.source.close()
    assert harness.source.dropped == 7


def test_frame_whose_clock_went_back_is_dropped() -> None:
    newest = [BodyFrame(time_ns, ()) for time_ns in (100, 200, 150, 200, 300)]

    class Stumbling(FakeDevice):
        def read(self, timeout: float) -> BodyFrame | None:
            self._clock.time += 0.1
            return newest.pop(0) if newest else None

    clock = FakeClock()
    source = LiveSource(INFO, lambda: Stumbling(DeviceScript(), clock), clock=clock)
    frames = [source.read(0.05) for _ in range(5)]
    assert [frame.time_ns for frame in frames if frame is not None] == [0, 100, 200]
    assert source.dropped == 2


def test_closed_source_raises_end_of_source() -> None:
    harness = Harness([DeviceScript(every(0.1, 9))])
    harness.run(1)
    for _ in range(2):
        harness.source.close()
        with pytest.raises(EndOfSource):
            harness.source.read(1)
    assert harness.devices[0].closed == 1
    assert harness.source.description == "clock 0"


@pytest.mark.slow
@settings(max_examples=30)
@given(
    st.lists(
        st.builds(
            DeviceScript,
            st.lists(st.integers(1, 80), max_size=8).map(lambda at: [n / 20 for n in sorted(set(at))]),
            st.none() | st.integers(0, 60).map(lambda at: at / 10),
            st.sampled_from([0.0, 0.3, 40.0]),
            st.integers(0, 2**60),
            st.integers(0, 3),
            st.booleans(),
        ),
        max_size=5,
    )
)
def test_times_increase_and_devices_are_closed_once_for_any_scripts(scripts: list[DeviceScript]) -> None:
    harness = Harness([DeviceScript([0.5]), *scripts, DeviceScript(every(0.5, 400))])
    frames = harness.run(300)
    assert all(earlier.time_ns < later.time_ns for earlier, later in pairwise(frames))
    assert frames[-1].time_ns <= 300e9
    assert harness.source.problem == "", "the last device was opened in the end"
    harness.source.close()
    assert all(device.closed == 1 for device in harness.devices)


def test_latest_value_keeps_the_newest_and_counts_replaced_ones() -> None:
    newest = LatestValue[BodyFrame]()
    assert newest.take(0) is None
    for time_ns in (1, 2, 3):
        newest.put(BodyFrame(time_ns, ()))
    newest.drop(4)
    frame = newest.take(0)
    assert frame is not None and frame.time_ns == 3
    assert (newest.take(0), newest.dropped) == (None, 6)


def test_latest_value_raises_the_first_failure_after_the_last_value() -> None:
    newest = LatestValue[BodyFrame]()
    newest.put(BodyFrame(1, ()))
    newest.fail(SourceError("first"))
    newest.fail(SourceError("second"))
    assert newest.take(0) is not None
    for _ in range(2):
        with pytest.raises(SourceError, match="first"):
            newest.take(60)


def test_latest_value_wakes_a_waiting_thread() -> None:
    newest = LatestValue[BodyFrame]()
    thread = threading.Thread(target=lambda: newest.put(BodyFrame(8, ())))
    thread.start()
    frame = newest.take(60)
    thread.join()
    assert frame is not None and frame.time_ns == 8


def test_a_joint_at_the_origin_is_unseen() -> None:
    joints = np.ones((25, 3), np.float32)
    joints[[0, 4]] = 0
    joints[7, 1] = np.nan
    frame = BodyFrame(5, (Body(1, joints, np.ones(25, np.float32)),))

    class OneFrame(FakeDevice):
        def read(self, timeout: float) -> BodyFrame | None:
            return frame

    clock = FakeClock()
    with contextlib.closing(LiveSource(INFO, lambda: OneFrame(DeviceScript(), clock), clock=clock)) as source:
        delivered = source.read(1)
    assert delivered is not None
    (body,) = delivered.bodies
    assert np.flatnonzero(body.confidence == 0).tolist() == [0, 4, 7]
    assert np.flatnonzero(np.isnan(body.joints).all(axis=1)).tolist() == [0, 4, 7]
