"""Test videos: real files whose pictures contain their numbers, and a fake pose pipeline for them."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.stream import VideoStream

import tools.trials.video_files
from stream.body import BodyFrame, Image
from stream.sources.camera.detected_bodies import DetectedBodies, PoseCost
from stream.sources.camera.quiet_opencv import cv2
from tests.stream.sources.camera_streams import body_of, number_of, numbered_picture
from tests.stream.sources.sensors import walkers
from tools.trials.video_files import VideoFormat

FPS = 10


def write_video(path: Path, *, frames: int = 40, codec: str = "MJPG") -> Path:
    """Writes a video of numbered pictures, ten per second."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), FPS, (640, 480))
    assert writer.isOpened()
    for number in range(frames):
        writer.write(numbered_picture(number))
    writer.release()
    return path


def write_timed_video(path: Path, times: Sequence[float], form: VideoFormat | None = None) -> Path:
    """Writes a video of numbered pictures at these times in seconds, as H.264 if no format is given."""
    return tools.trials.video_files.write_video(path, times, form, numbered_picture)


def write_growing_video(path: Path, sizes: Sequence[tuple[int, int]]) -> Path:
    """Writes a video (motion JPEG in Matroska, 30 a second) whose pictures have these sizes."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=30)
        assert isinstance(stream, VideoStream)
        (stream.width, stream.height), stream.pix_fmt = sizes[0], "yuvj420p"
        for number, size in enumerate(sizes):
            coded = cv2.imencode(".jpg", cv2.resize(numbered_picture(number), size))[1].tobytes()
            packet = av.Packet(coded)
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, 30), True
            packet.pts = packet.dts = number
            container.mux(packet)
    return path


def write_damaged_video(path: Path) -> Path:
    """Writes six pictures (motion JPEG in an .avi, 30 a second), and overwrites the third with zeros."""
    write_timed_video(path, [n / 30 for n in range(6)], VideoFormat("mjpeg", unit=Fraction(1, 30)))
    raw = path.read_bytes()
    starts = [match.start() for match in re.finditer(b"\xff\xd8\xff", raw)]
    assert len(starts) == 6
    size = starts[3] - 8 - starts[2]
    path.write_bytes(raw[: starts[2]] + bytes(size) + raw[starts[2] + size :])
    return path


def turn_video(path: Path, clockwise: str) -> None:
    """States in an .mp4 that its pictures are to be turned for display, as phones do."""
    one, turned = 1 << 16, {"90": (0, 1, -1, 0), "180": (-1, 0, 0, -1), "270": (0, -1, 1, 0)}[clockwise]
    a, b, c, d = (one * n for n in turned)
    raw = path.read_bytes()
    unturned = struct.pack(">9i", one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    start = raw.index(unturned, raw.index(b"tkhd"))
    matrix = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(raw[:start] + matrix + raw[start + len(matrix) :])


def shorten_times(path: Path) -> None:
    """Makes all times of a Matroska file a thousandth; the rate of its header remains."""
    scale = bytes.fromhex("2ad7b1 83")
    raw = path.read_bytes()
    assert raw.count(scale + (1_000_000).to_bytes(3)) == 1
    path.write_bytes(raw.replace(scale + (1_000_000).to_bytes(3), scale + (1000).to_bytes(3)))


class VideoPosePipeline:
    """A fake pose pipeline: two people in each picture, positioned by its number; none in every seventh."""

    processed: list[int]
    """Numbers of the pictures processed by all instances."""

    closed: int

    def process(self, image: Image, time_ns: int) -> DetectedBodies:
        number = number_of(image)
        VideoPosePipeline.processed.append(number)
        bodies = tuple(body_of(person) for person in walkers(number, "mediapipe")) if number % 7 else ()
        landmarks = np.full((33, 3), 20, np.float32)
        return DetectedBodies(BodyFrame(time_ns, bodies), {body.id: landmarks for body in bodies})

    def measure(self, image: Image) -> PoseCost:
        raise AssertionError("the model of a file does not depend on the machine")

    def close(self) -> None:
        VideoPosePipeline.closed += 1


@contextmanager
def video_pose_pipeline() -> Iterator[type[VideoPosePipeline]]:
    """Replaces the pose pipeline by the fake one."""
    VideoPosePipeline.processed, VideoPosePipeline.closed = [], 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "stream.sources.camera.pose_pipeline.open_pose_pipeline", lambda *_: VideoPosePipeline()
        )
        yield VideoPosePipeline
