"""Tests of units and axes: what cannot be metres, nanoseconds or Y up is refused with its likely cause."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stream.body import Body, BodyFrame, FloatArray, SourceInfo
from stream.errors import DataError
from stream.recording import RecordingWriter, read_recording
from stream.sources.simulated import parse_simulated, simulated_frames

INFO = SourceInfo("s", "simulated", "kinect-v1", live=False, finite=True)


def person() -> list[BodyFrame]:
    return list(simulated_frames(parse_simulated({"n": "1", "seed": "7", "seconds": "5", "live": "0"})))


def rewrite(
    path: Path, *, joints: Callable[[FloatArray], FloatArray] = lambda j: j, times: float = 1
) -> Path:
    with RecordingWriter(path, INFO) as writer:
        for frame in person():
            bodies = tuple(
                Body(b.id, joints(b.joints).astype(np.float32), b.confidence) for b in frame.bodies
            )
            writer.write(BodyFrame(round(frame.time_ns * times), bodies))
    return path


@pytest.mark.parametrize(
    ("scale", "cause"),
    [(1000, "its coordinates look like millimetres"), (100, "its coordinates look like centimetres")],
)
def test_coordinates_that_are_not_metres_are_refused(scale: float, cause: str, tmp_path: Path) -> None:
    path = rewrite(tmp_path / "w.mcap", joints=lambda j: j * np.float32(scale))
    with read_recording(path) as recording, pytest.raises(DataError, match=cause) as error:
        next(recording)
    assert "those of a recording are metres" in str(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("scale", "cause"),
    [(1e-6, "milliseconds"), (1e-3, "microseconds"), (1e-2, "steps of 100 ns")],
)
def test_times_that_are_not_nanoseconds_are_refused(scale: float, cause: str, tmp_path: Path) -> None:
    path = rewrite(tmp_path / "w.mcap", times=scale)
    with (
        read_recording(path) as recording,
        pytest.raises(DataError, match=f"look like {cause}; the log times"),
    ):
        next(recording)


def test_a_y_axis_that_points_down_is_refused(tmp_path: Path) -> None:
    path = rewrite(tmp_path / "w.mcap", joints=lambda j: j * np.array([-1, -1, 1], np.float32))
    with read_recording(path) as recording, pytest.raises(DataError, match="heads are below the feet"):
        next(recording)


def centred(joints: FloatArray) -> FloatArray:
    return joints - joints[:1]


@pytest.mark.parametrize("change", [lambda j: j, centred, lambda j: j * np.float32(0.5), lambda j: j + 40])
def test_other_recordings_are_read(change: Callable[[FloatArray], FloatArray], tmp_path: Path) -> None:
    with read_recording(rewrite(tmp_path / "w.mcap", joints=change)) as recording:
        assert len(list(recording)) == len(person())


def test_a_few_wild_joints_do_not_refuse_a_recording(tmp_path: Path) -> None:
    def wild(joints: FloatArray) -> FloatArray:
        return np.where(np.arange(20)[:, None] % 4 == 1, np.float32(5000), joints)

    with read_recording(rewrite(tmp_path / "w.mcap", joints=wild)) as recording:
        assert len(list(recording)) == len(person())
