"""Test videos: real files whose pictures contain their numbers, and a fake pose pipeline for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from stream.body import BodyFrame, Image
from stream.sources.camera.detected_bodies import DetectedBodies
from stream.sources.camera.quiet_opencv import cv2
from tests.stream.sources.camera_streams import body_of, number_of, numbered_picture
from tests.stream.sources.sensors import walkers

FPS = 10


def write_video(path: Path, *, frames: int = 40, codec: str = "MJPG") -> Path:
    """Writes a video of numbered pictures, ten per second."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), FPS, (640, 480))
    assert writer.isOpened()
    for number in range(frames):
        writer.write(numbered_picture(number))
    writer.release()
    return path


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
