"""The supervision of devices, by a clock that only waiting moves."""

from __future__ import annotations

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
from stream.sources.latest_value import Newest
from stream.sources.live_source import LiveSource

INFO = SourceInfo("sensor 7", "kinect-v2", "kinect-v2", live=True, finite=False)
LOGGER = "stream.sources.live_source"
BODY = Body(1, np.zeros((25, 3), np.float32), np.ones(25, np.float32))


class FakeClock:
    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        assert seconds >= 0
        self.time += seconds


@dataclass
class Script:
    """What a device does: times are seconds after it was connected.

    Attributes:
        frames: when it gives one.
        fails: when it is lost; never, where None.
        opens: when it is ready.
        clock_ns: where its own clock begins.
        dropped: how many frames it dropped.
        refused: it cannot even be connected.
    """

    frames: Sequence[float] = ()
    fails: float | None = None
    opens: float = 0.0
    clock_ns: int = 0
    dropped: int = 0
    refused: bool = False


class FakeDevice:
    def __init__(self, script: Script, clock: FakeClock) -> None:
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
        next_thing = min(due, fails)
        self._clock.time += min(timeout, max(0.0, next_thing - now))
        if next_thing - now > timeout + 1e-9:
            return None
        if fails < due:
            raise SourceError("it was unplugged")
        self._frames.pop(0)
        return BodyFrame(self._script.clock_ns + round(due * 1e9), (BODY,))

    def close(self) -> None:
        self.closed += 1


@dataclass
class Bench:
    """A live source over devices that follow scripts, one a connection; the last script repeats."""

    scripts: list[Script]
    clock: FakeClock = field(default_factory=FakeClock)
    connected: list[float] = field(default_factory=list)
    devices: list[FakeDevice] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.source = LiveSource(INFO, self._connect, hint="give it power", clock=self.clock)
        self.began = self.clock.time

    def _connect(self) -> FakeDevice:
        script = self.scripts[min(len(self.connected), len(self.scripts) - 1)]
        self.connected.append(round(self.clock.time - self.began, 6))
        if script.refused:
            raise SourceError("there is none")
        self.devices.append(FakeDevice(script, self.clock))
        return self.devices[-1]

    def run(
        self, seconds: float, on_frame: Callable[[BodyFrame], object] = lambda _: None
    ) -> list[BodyFrame]:
        """Read by tenths of a second, as the capture worker does."""
        frames = []
        while self.clock.time < self.began + seconds - 1e-9:
            frame = self.source.read(0.1)
            if frame is not None:
                on_frame(frame)
                frames.append(frame)
        return frames


def every(step: float, until: float) -> list[float]:
    return [round(number * step, 6) for number in range(1, round(until / step) + 1)]


def seconds(frames: Sequence[BodyFrame]) -> list[float]:
    return [round(frame.time_ns / 1e9, 4) for frame in frames]


def test_a_device_that_delivers_is_a_source_in_our_time(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench([Script(every(0.5, 3), clock_ns=77_000_000_000_000)])
    assert bench.connected == [], "nothing is opened before it is read"
    frames = bench.run(3.05)
    assert seconds(frames) == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    assert all(frame.bodies == (BODY,) for frame in frames)
    assert (bench.source.trouble, caplog.messages) == ("", [])
    assert bench.source.description == "clock 77000000000000"


def test_a_read_takes_no_longer_than_asked_for() -> None:
    bench = Bench([Script([3.0])])
    for timeout in (0.0, 0.25, 1.0):
        before = bench.clock.time
        assert bench.source.read(timeout) is None
        assert bench.clock.time - before == pytest.approx(timeout)
    before = bench.clock.time
    assert bench.source.read(60) is not None
    assert bench.clock.time - before == pytest.approx(1.75)


def test_what_never_delivers_fails_within_five_seconds() -> None:
    bench = Bench([Script()])
    with pytest.raises(
        SourceError, match=r"^sensor 7 gave no frame within 5 s of being opened: give it power$"
    ):
        bench.run(60)
    assert bench.clock.time - bench.began == pytest.approx(5.0)
    assert bench.devices[0].closed == 1


def test_the_five_seconds_begin_when_it_is_open() -> None:
    bench = Bench([Script([12.5], opens=8.0)])
    assert seconds(bench.run(13)) == [0.0]
    late = Bench([Script([13.5], opens=8.0)])
    with pytest.raises(SourceError, match="within 5 s"):
        late.run(60)
    assert late.clock.time - late.began == pytest.approx(13.0, abs=0.2)


def test_what_does_not_open_in_time_fails() -> None:
    bench = Bench([Script(opens=1e9)])
    with pytest.raises(SourceError, match="was not open within 30 s: give it power"):
        bench.run(60)
    assert bench.clock.time - bench.began == pytest.approx(30.0, abs=0.2)


@pytest.mark.parametrize("script", [Script(refused=True), Script(fails=0.0)])
def test_what_cannot_be_opened_fails_at_once(script: Script) -> None:
    bench = Bench([script])
    with pytest.raises(SourceError, match=r"^(there is none|it was unplugged)$"):
        bench.run(60)
    assert bench.clock.time == bench.began


def test_silence_is_noticed_after_two_seconds_and_mended(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench([Script(every(0.5, 2), clock_ns=9_000), Script(every(0.5, 2))])
    frames = bench.run(2.0 + 1.9)
    assert (len(frames), bench.source.trouble) == (4, "")
    frames += bench.run(2.0 + 2.1)
    assert bench.source.trouble == "sensor 7 has given no frame for 2 s"
    assert (len(frames), frames[-1].bodies, bench.devices[0].closed) == (5, (), 1)
    frames += bench.run(2.0 + 2.0 + 1.0 + 2.05)
    assert bench.connected == [0.0, 5.0]
    # The first frame is 0.5 s after the beginning; the device was silent from 2.0 to 5.5.
    assert seconds(frames) == [0.0, 0.5, 1.0, 1.5, 3.5, 5.0, 5.5, 6.0, 6.5]
    assert bench.source.trouble == ""
    assert caplog.messages == [
        "sensor 7 is down: has given no frame for 2 s; it is tried again until it is back",
        "sensor 7 is up again after 4 s",
    ]


def test_who_reads_late_does_not_take_his_own_silence_for_the_devices() -> None:
    bench = Bench([Script([0.1, 0.2, 6.0, 9.5])])
    bench.run(0.5)
    bench.clock.time += 5.0
    assert seconds(bench.run(7.5)) == [5.9]
    bench.clock.time += 5.0
    assert seconds(bench.run(14.1)) == [9.4]
    assert bench.connected == [0.0]
    assert bench.source.trouble == ""
    bench.run(15.0)
    assert bench.source.trouble, "silence while it was read is one"


def test_attempts_in_vain_double_to_half_a_minute_and_are_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench([Script([0.1], fails=0.2), *[Script(refused=True)] * 7, Script(every(0.1, 60))])
    frames = bench.run(150)
    gaps = [later - earlier for earlier, later in pairwise(bench.connected)]
    assert gaps[:8] == pytest.approx([1.2, 2, 4, 8, 16, 30, 30, 30])
    assert len(caplog.messages) == 2
    assert [len(frame.bodies) for frame in frames[:4]] == [1, 0, 1, 1]


def test_a_device_that_opens_again_but_stays_dark_is_given_up_again() -> None:
    bench = Bench([Script([0.1], fails=0.2), Script(), Script([0.1])])
    bench.run(0.2 + 1 + 5 + 2 + 0.2)
    assert bench.connected == pytest.approx([0.0, 1.2, 8.2])
    assert bench.devices[1].closed == 1


def test_after_it_is_back_the_next_loss_is_a_first_one(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench([Script([0.1], fails=0.2)])
    bench.run(5)
    assert bench.connected == pytest.approx([0.0, 1.2, 2.4, 3.6, 4.8])
    assert [message.split()[3] for message in caplog.messages[:4]] == ["down:", "up", "down:", "up"]


def test_tracks_end_while_it_is_away_and_ids_are_not_carried_over() -> None:
    bench = Bench([Script(every(0.1, 3), fails=3.05), Script(refused=True), Script(every(0.1, 20))])
    tracker = Tracker(LAYOUTS["kinect-v2"])
    ended: list[tuple[float, int]] = []

    def follow(frame: BodyFrame) -> None:
        ended.extend((bench.clock.time - bench.began, number) for number in tracker.push(frame).ended)

    bench.run(12, follow)
    assert [number for _, number in ended] == [1]
    assert ended[0][0] == pytest.approx(3 + 2, abs=0.15), "once two seconds without a frame have passed"
    assert tracker.opened == 2, "the body that comes later with the same id is another track"


def test_a_short_outage_ends_tracks_too() -> None:
    bench = Bench([Script(every(0.1, 1), fails=1.0), Script(every(0.1, 1), fails=1.0)])
    tracker = Tracker(LAYOUTS["kinect-v2"])
    bench.run(4, tracker.push)
    assert tracker.opened == 2


def test_dropped_frames_are_counted_over_all_connections() -> None:
    bench = Bench([Script([0.1], fails=0.2, dropped=3), Script([0.1, 0.2], dropped=4)])
    bench.run(0.15)
    assert bench.source.dropped == 3
    bench.run(1)
    assert bench.source.dropped == 3
    bench.run(2)
    assert bench.source.dropped == 7
    bench.source.close()
    assert bench.source.dropped == 7


def test_a_frame_whose_clock_ran_back_is_dropped() -> None:
    newest = [BodyFrame(time_ns, ()) for time_ns in (100, 200, 150, 200, 300)]

    class Stumbling(FakeDevice):
        def read(self, timeout: float) -> BodyFrame | None:
            self._clock.time += 0.1
            return newest.pop(0) if newest else None

    clock = FakeClock()
    source = LiveSource(INFO, lambda: Stumbling(Script(), clock), clock=clock)
    frames = [source.read(0.05) for _ in range(5)]
    assert [frame.time_ns for frame in frames if frame is not None] == [0, 100, 200]
    assert source.dropped == 2


def test_a_closed_source_is_at_its_end() -> None:
    bench = Bench([Script(every(0.1, 9))])
    bench.run(1)
    for _ in range(2):
        bench.source.close()
        with pytest.raises(EndOfSource):
            bench.source.read(1)
    assert bench.devices[0].closed == 1
    assert bench.source.description == "clock 0"


@settings(max_examples=30)
@given(
    st.lists(
        st.builds(
            Script,
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
def test_whatever_devices_do_time_goes_on_and_each_is_closed_once(scripts: list[Script]) -> None:
    bench = Bench([Script([0.5]), *scripts, Script(every(0.5, 400))])
    frames = bench.run(300)
    assert all(earlier.time_ns < later.time_ns for earlier, later in pairwise(frames))
    assert frames[-1].time_ns <= 300e9
    assert bench.source.trouble == "", "whatever happened, the last device is found"
    bench.source.close()
    assert all(device.closed == 1 for device in bench.devices)


def test_the_newest_frame_waits_and_older_ones_are_counted() -> None:
    newest = Newest[BodyFrame]()
    assert newest.take(0) is None
    for time_ns in (1, 2, 3):
        newest.put(BodyFrame(time_ns, ()))
    newest.drop(4)
    frame = newest.take(0)
    assert frame is not None and frame.time_ns == 3
    assert (newest.take(0), newest.dropped) == (None, 6)


def test_a_failure_comes_after_the_last_frame_and_stays() -> None:
    newest = Newest[BodyFrame]()
    newest.put(BodyFrame(1, ()))
    newest.fail(SourceError("first"))
    newest.fail(SourceError("second"))
    assert newest.take(0) is not None
    for _ in range(2):
        with pytest.raises(SourceError, match="first"):
            newest.take(60)


def test_who_waits_is_woken_by_another_thread() -> None:
    newest = Newest[BodyFrame]()
    thread = threading.Thread(target=lambda: newest.put(BodyFrame(8, ())))
    thread.start()
    frame = newest.take(60)
    thread.join()
    assert frame is not None and frame.time_ns == 8
