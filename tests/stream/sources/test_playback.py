from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.body import BodyFrame, SourceInfo
from stream.errors import DataError, EndOfSource, SourceError
from stream.sources.playback import Clip, Playback

FILE = SourceInfo("walk.mcap", "kinect-v1", "kinect-v1", live=False, finite=True)
LIVE = replace(FILE, live=True)


class FakeClock:
    """A clock that only waiting advances; records each wait."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        assert seconds > 0
        self.waits.append(seconds)
        self.time += seconds


class Frames(Iterator[BodyFrame]):
    """Frames at given seconds, then optionally an error; tracks what was read and whether it was closed."""

    def __init__(self, *seconds: float, error: Exception | None = None) -> None:
        self.left = [BodyFrame(round(s * 1e9), ()) for s in seconds]
        self.error = error
        self.closed = 0
        self.remark = ""

    def __next__(self) -> BodyFrame:
        if self.left:
            return self.left.pop(0)
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        raise StopIteration

    def close(self) -> None:
        self.closed += 1


def play(
    *seconds: float,
    info: SourceInfo = FILE,
    speed: float = 1.0,
    clip: Clip | None = None,
    error: Exception | None = None,
) -> tuple[Playback, FakeClock]:
    clock = FakeClock()
    return Playback(info, Frames(*seconds, error=error), speed=speed, clip=clip, clock=clock), clock


def seconds(frame: BodyFrame | None) -> float | None:
    return None if frame is None else frame.time_ns / 1e9


def rest(playback: Playback, timeout: float = 1e6) -> list[float]:
    """Returns the times of all remaining frames."""
    times: list[float] = []
    while True:
        try:
            frame = playback.read(timeout)
        except EndOfSource:
            return times
        assert frame is not None
        times.append(frame.time_ns / 1e9)


@pytest.mark.parametrize(("speed", "waits"), [(1.0, [0.5, 1.5]), (2.0, [0.25, 0.75]), (0.5, [1.0, 3.0])])
def test_waits_follow_the_speed(speed: float, waits: list[float]) -> None:
    playback, clock = play(7, 7.5, 9, speed=speed)
    assert rest(playback) == [7, 7.5, 9]
    assert clock.waits == pytest.approx(waits)


def test_speed_0_never_waits_and_never_drops() -> None:
    for info in (FILE, LIVE):
        playback, clock = play(7, 7.5, 9, info=info, speed=0)
        clock.time += 100
        assert [seconds(playback.read(0)) for _ in range(3)] == [7, 7.5, 9]
        assert (clock.waits, playback.dropped) == ([], 0)


def test_frame_not_due_within_the_timeout_is_returned_by_a_later_read() -> None:
    playback, clock = play(0, 1)
    assert seconds(playback.read(0.4)) == 0
    assert playback.read(0.4) is None
    assert playback.read(0.4) is None
    assert seconds(playback.read(0.4)) == 1
    assert clock.waits == pytest.approx([0.4, 0.4, 0.2])


def test_timeout_of_zero_never_waits() -> None:
    playback, clock = play(0, 1)
    assert seconds(playback.read(0)) == 0
    assert playback.read(0) is None
    assert clock.waits == []
    clock.time += 1
    assert seconds(playback.read(0)) == 1


@given(
    times=st.lists(st.integers(0, 10_000), min_size=1, max_size=20, unique=True).map(sorted),
    timeouts=st.lists(st.floats(0, 2), min_size=1, max_size=10),
    speed=st.floats(0.1, 10),
    live=st.booleans(),
)
def test_no_wait_is_longer_than_its_timeout_and_no_frame_comes_early(
    times: list[int], timeouts: list[float], speed: float, live: bool
) -> None:
    playback, clock = play(*(t / 100 for t in times), info=replace(FILE, live=live), speed=speed)
    start = clock.time
    read_times: list[int] = []
    while True:
        for timeout in timeouts:
            before = clock.time
            try:
                frame = playback.read(timeout)
            except EndOfSource:
                assert len(read_times) + playback.dropped == len(times)
                assert live or playback.dropped == 0
                return
            assert clock.time - before <= timeout + 1e-9
            if frame is not None:
                read_times.append(frame.time_ns)
                due = start + (frame.time_ns / 1e9 - times[0] / 100) / speed
                assert clock.time >= due - 1e-6
        clock.time += 0.01  # so that a reader with time-outs of 0 only also advances


def test_late_reads_of_a_file_return_every_frame() -> None:
    playback, clock = play(0, 1, 2, 3)
    assert seconds(playback.read(0)) == 0
    clock.time += 2.5
    assert [seconds(playback.read(0)) for _ in range(3)] == [1, 2, None]
    assert playback.dropped == 0


def test_late_reads_of_a_live_source_return_the_newest_frame_and_count_the_others() -> None:
    playback, clock = play(0, 1, 2, 3, 4, info=LIVE)
    assert seconds(playback.read(0)) == 0
    clock.time += 3.5
    assert seconds(playback.read(0)) == 3
    assert playback.dropped == 2
    assert playback.read(0) is None
    clock.time += 10
    assert seconds(playback.read(0)) == 4
    assert playback.dropped == 2
    with pytest.raises(EndOfSource):
        playback.read(0)


def test_error_after_late_frames_is_raised_after_the_newest_of_them() -> None:
    playback, clock = play(0, 1, 2, info=LIVE, error=DataError("cut off"))
    playback.read(0)
    clock.time += 9
    assert seconds(playback.read(0)) == 2
    for _ in range(2):
        with pytest.raises(DataError, match="cut off"):
            playback.read(0)


def test_end_and_errors_are_raised_again_by_later_reads() -> None:
    playback, _ = play(1)
    playback.read(0)
    for _ in range(3):
        with pytest.raises(EndOfSource):
            playback.read(0)
    playback, _ = play(1, error=DataError("cut off"))
    assert seconds(playback.read(0)) == 1
    for _ in range(3):
        with pytest.raises(DataError, match="cut off"):
            playback.read(0)


@pytest.mark.parametrize(
    ("clip", "times"),
    [
        ((1, 3), [1, 2]),
        ((1, 3.1), [1, 2, 3]),
        ((0.5, None), [1, 2, 3]),
        ((0, 2), [0, 1]),
        ((2.5, 9), [3]),
        ((0.3, 0.30000001), [0.3]),
    ],
)
def test_clip_contains_the_frames_from_start_to_before_stop_with_their_own_times(
    clip: Clip, times: list[float]
) -> None:
    playback, clock = play(*([0.3] if clip[0] == 0.3 else [0, 1, 2, 3]), clip=clip)
    start = clock.time
    assert rest(playback) == times
    assert clock.time - start == pytest.approx(times[-1] - times[0])


def test_clip_does_not_read_beyond_its_stop() -> None:
    frames = Frames(0, 1, 2, 3, error=DataError("damaged"))
    playback = Playback(FILE, frames, speed=0, clip=(0, 2))
    assert rest(playback) == [0, 1]
    assert len(frames.left) == 1


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        ((20, None), "walk.mcap has no frame from 20 s to the end: the last frame before that is at 3.0 s"),
        ((1.2, 1.8), "walk.mcap has no frame from 1.2 s to 1.8 s: the last frame before that is at 1.0 s"),
        ((0, 0.1), "walk.mcap has no frame from 0 s to 0.1 s: it starts later"),
    ],
)
def test_clip_without_frames_is_an_error(clip: Clip, message: str) -> None:
    playback, _ = play(1, 2, 3, clip=clip)
    with pytest.raises(SourceError, match=message):
        playback.read(0)


@pytest.mark.parametrize("clip", [None, (1.0, 2.0)])
def test_closing_closes_the_frames_and_ends_the_playback(clip: Clip | None) -> None:
    frames = Frames(0, 1, 2)
    playback = Playback(FILE, frames, speed=0, clip=clip)
    playback.read(0)
    playback.close()
    playback.close()
    assert frames.closed
    with pytest.raises(EndOfSource):
        playback.read(0)


def test_iterator_without_close_can_be_played() -> None:
    playback = Playback(FILE, iter([BodyFrame(1, ())]), speed=0)
    playback.close()
    assert playback.info is FILE


def test_wall_clock_is_the_default() -> None:
    playback = Playback(FILE, Frames(0, 0.02, 3600), speed=1)
    assert [seconds(playback.read(60)) for _ in range(2)] == [0, 0.02]
    assert playback.read(0.001) is None
    playback.close()


def test_a_remark_on_the_frames_is_logged_once_when_the_source_is_closed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    frames = Frames(0)
    source = Playback(FILE, frames, speed=0, clip=(0, 1))
    assert source.remark == ""
    frames.remark = "walk.mcap has holes"
    assert source.remark == "walk.mcap has holes"
    source.close()
    source.close()
    assert caplog.messages == ["walk.mcap has holes"]
