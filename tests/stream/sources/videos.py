"""Videos to test with: real files, whose pictures bear their numbers, and eyes that know who was in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from stream.body import BodyFrame, Image
from stream.sources.camera.detected_bodies import Outline, Sight
from stream.sources.camera.quiet_opencv import cv2
from tests.stream.sources.camera_streams import body_of, number_of, numbered_picture
from tests.stream.sources.sensors import walkers

FPS = 10


def write_video(path: Path, *, frames: int = 40, codec: str = "MJPG") -> Path:
    """Numbered pictures, ten a second."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), FPS, (640, 480))
    assert writer.isOpened()
    for number in range(frames):
        writer.write(numbered_picture(number))
    writer.release()
    return path


class VideoEyes:
    """Eyes that see two people in every picture, where its number says; nobody in every seventh."""

    looked: list[int]
    """Numbers of all pictures that were looked at, by any eyes."""

    closed: int

    def see(self, image: Image, time_ns: int) -> Sight:
        number = number_of(image)
        VideoEyes.looked.append(number)
        bodies = tuple(body_of(person) for person in walkers(number, "mediapipe")) if number % 7 else ()
        places = np.full((33, 3), 20, np.float32)
        outlines = tuple(Outline(body.id, places, (10, 10, 30, 30)) for body in bodies)
        return Sight(BodyFrame(time_ns, bodies), outlines)

    def close(self) -> None:
        VideoEyes.closed += 1


@contextmanager
def video_eyes() -> Iterator[type[VideoEyes]]:
    """Whoever looks at a video meanwhile has these eyes."""
    VideoEyes.looked, VideoEyes.closed = [], 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stream.sources.camera.pose_pipeline.open_eyes", lambda *_: VideoEyes())
        yield VideoEyes
