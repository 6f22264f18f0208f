"""Recordings to test with: made of seeded bodies, read back exactly."""

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

Exact = tuple[int, tuple[tuple[int, bytes, bytes], ...]]


def body(seed: int, *, unseen: tuple[int, ...] = (), number: int = 1) -> Body:
    rng = np.random.default_rng(seed)
    joints = rng.normal(0, 2, (JOINTS, 3)).astype(np.float32)
    confidence = rng.uniform(0.01, 1, JOINTS).astype(np.float32)
    joints[list(unseen)] = np.nan
    confidence[list(unseen)] = 0
    return Body(number, joints, confidence)


def walk(frames: int, *, hz: float = 30.0) -> list[BodyFrame]:
    return [
        BodyFrame(round(i * 1e9 / hz) + 5, (body(i, unseen=(i % JOINTS,)),) if i % 4 else ())
        for i in range(frames)
    ]


def exact(frame: BodyFrame) -> Exact:
    return frame.time_ns, tuple((b.id, b.joints.tobytes(), b.confidence.tobytes()) for b in frame.bodies)


def write(path: Path, frames: Iterable[BodyFrame], info: SourceInfo = INFO) -> Path:
    with RecordingWriter(path, info, started=STARTED) as writer:
        for frame in frames:
            writer.write(frame)
    return path


def read(path: Path) -> tuple[list[Exact], DataError | None]:
    """All frames that a file gives, and the error that it ends with."""
    frames: list[Exact] = []
    try:
        with read_recording(path) as recording:
            for frame in recording:
                frames.append(exact(frame))
    except DataError as error:
        return frames, error
    return frames, None


def refusal(path: Path) -> str:
    frames, error = read(path)
    assert error is not None
    assert not frames
    assert str(path) in str(error)
    return str(error)
