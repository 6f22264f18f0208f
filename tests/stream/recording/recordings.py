"""Test helpers for recordings: seeded bodies, writing, and exact reading."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from stream.body import Body, BodyFrame, SourceInfo
from stream.errors import DataError
from stream.recording import RecordingWriter, read_recording
from stream.skeleton import LAYOUTS

INFO = SourceInfo("front door", "kinect-v1", "kinect-v1", live=True, finite=False)
JOINTS = len(LAYOUTS["kinect-v1"].joints)
STARTED = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)

ExactFrame = tuple[int, tuple[tuple[int, bytes, bytes], ...]]


def body(seed: int, *, missing: tuple[int, ...] = (), number: int = 1) -> Body:
    rng = np.random.default_rng(seed)
    joints = rng.normal(0, 2, (JOINTS, 3)).astype(np.float32)
    confidence = rng.uniform(0.01, 1, JOINTS).astype(np.float32)
    joints[list(missing)] = np.nan
    confidence[list(missing)] = 0
    return Body(number, joints, confidence)


def walk(frames: int, *, hz: float = 30.0) -> list[BodyFrame]:
    return [
        BodyFrame(round(i * 1e9 / hz) + 5, (body(i, missing=(i % JOINTS,)),) if i % 4 else ())
        for i in range(frames)
    ]


def exact(frame: BodyFrame) -> ExactFrame:
    return frame.time_ns, tuple((b.id, b.joints.tobytes(), b.confidence.tobytes()) for b in frame.bodies)


def write(path: Path, frames: Iterable[BodyFrame], info: SourceInfo = INFO) -> Path:
    with RecordingWriter(path, info, started=STARTED) as writer:
        for frame in frames:
            writer.write(frame)
    return path


def read(path: Path) -> tuple[list[ExactFrame], DataError | None]:
    """Returns all frames of a file, and the error at its end."""
    frames: list[ExactFrame] = []
    try:
        with read_recording(path) as recording:
            for frame in recording:
                frames.append(exact(frame))
    except DataError as error:
        return frames, error
    return frames, None


def read_error(path: Path) -> str:
    """Returns the error of a file that gives no frames."""
    frames, error = read(path)
    assert error is not None
    assert not frames
    assert str(path) in str(error)
    return str(error)
