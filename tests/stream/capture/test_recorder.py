"""Tests of recording a source into a file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stream.body import BodyFrame, SourceInfo
from stream.capture.recorder import record
from stream.errors import DataError, UserError
from stream.recording import TruncatedRecording, read_recording
from stream.sources import open_source
from stream.sources.playback import Playback

INFO = SourceInfo("walk", "kinect-v1", "kinect-v1", live=False, finite=True)


def frames(*seconds: float, error: Exception | None = None) -> Iterator[BodyFrame]:
    for second in seconds:
        yield BodyFrame(round(second * 1e9), ())
    if error is not None:
        raise error


def play(*seconds: float, error: Exception | None = None) -> Playback:
    return Playback(INFO, frames(*seconds, error=error), speed=0)


def recorded(path: Path) -> list[float]:
    with read_recording(path) as recording:
        return [frame.time_ns / 1e9 for frame in recording]


def test_a_source_is_recorded_to_its_end(tmp_path: Path) -> None:
    reported: list[BodyFrame] = []
    count = record(
        play(2, 3, 4),
        tmp_path / "a.mcap",
        seconds=None,
        stop=threading.Event(),
        on_frame=reported.append,
    )
    assert (count, len(reported)) == (3, 3)
    assert recorded(tmp_path / "a.mcap") == [2, 3, 4]
    with read_recording(tmp_path / "a.mcap") as recording:
        assert recording.info == replace(INFO, name="walk")


def test_the_duration_counts_from_the_first_frame(tmp_path: Path) -> None:
    assert record(play(2, 3, 3.9, 4, 5), tmp_path / "a.mcap", seconds=2, stop=threading.Event()) == 3
    assert recorded(tmp_path / "a.mcap") == [2, 3, 3.9]


def test_stop_finishes_the_recording(tmp_path: Path) -> None:
    stop = threading.Event()

    def stop_at_4(frame: BodyFrame) -> None:
        if frame.time_ns == 4e9:
            stop.set()

    assert record(play(2, 3, 4, 5), tmp_path / "a.mcap", seconds=None, stop=stop, on_frame=stop_at_4) == 3
    assert recorded(tmp_path / "a.mcap") == [2, 3, 4]


def test_the_recorder_waits_for_frames(tmp_path: Path) -> None:
    class Slow(Playback):
        def read(self, timeout: float) -> BodyFrame | None:
            self.waiting = not getattr(self, "waiting", False)
            return None if self.waiting else super().read(timeout)

    source = Slow(INFO, frames(1, 2), speed=0)
    assert record(source, tmp_path / "a.mcap", seconds=None, stop=threading.Event()) == 2


def test_a_failing_source_leaves_a_complete_recording(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="damaged"):
        record(
            play(1, 2, error=DataError("damaged")), tmp_path / "a.mcap", seconds=None, stop=threading.Event()
        )
    assert recorded(tmp_path / "a.mcap") == [1, 2]


def test_a_truncated_recording_is_copied_into_a_complete_one(tmp_path: Path) -> None:
    record(play(1, 2, 3), tmp_path / "whole.mcap", seconds=None, stop=threading.Event())
    cut = tmp_path / "cut.mcap"
    cut.write_bytes((tmp_path / "whole.mcap").read_bytes()[:-20])
    source = open_source(str(cut), speed=0)
    with pytest.raises(TruncatedRecording):
        record(source, tmp_path / "fixed.mcap", seconds=None, stop=threading.Event())
    source.close()
    assert recorded(tmp_path / "fixed.mcap") == [1, 2, 3]


def test_an_existing_target_is_refused_before_the_source_is_read(tmp_path: Path) -> None:
    source = play(1, 2)
    (tmp_path / "a.mcap").write_text("precious")
    with pytest.raises(UserError, match="exists already"):
        record(source, tmp_path / "a.mcap", seconds=None, stop=threading.Event())
    frame = source.read(0)
    assert frame is not None and frame.time_ns == 1e9


def test_an_empty_recording_leaves_no_file(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    assert record(play(1), tmp_path / "a.mcap", seconds=None, stop=stop) == 0
    assert not (tmp_path / "a.mcap").exists()
