"""A video file as a source: every frame is processed, frame n at n / fps seconds.

walk.mp4
walk.mp4:model=full,fov=78
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stream.body import BodyFrame, SourceInfo
from stream.errors import DataError
from stream.sources.camera.camera_options import CameraOptions, parse_camera_options
from stream.sources.playback import Clip, Playback

if TYPE_CHECKING:
    import cv2

    from stream.sources.camera.detected_bodies import PosePipeline

__all__ = ["open_video"]

HIGHEST_RATE = 1000
"""Frames per second; a higher value in a file is considered invalid."""


def open_video(
    path: Path, options: Mapping[str, str], *, speed: float = 1.0, clip: Clip | None = None, name: str = ""
) -> Playback:
    """Opens a video; poses are estimated as it is played, and only within the clip.

    Args:
        path: the file.
        options: see `stream.sources.camera.camera_options`.
        speed: 1 is real time, 0 is as fast as possible.
        clip: the part to play, seconds; the file is decoded from its start, so that times are exact.
        name: the display name; the path if not given.

    Raises:
        SourceError: an option is unknown or invalid.
        DataError: the file is not a readable video, contains no picture, or does not state its frame rate.
    """
    camera_options = parse_camera_options("video", options)
    info = SourceInfo(name or str(path), "camera", "mediapipe", live=False, finite=True)
    return Playback(info, _VideoFrames(path, camera_options, clip), speed=speed, clip=clip)


class _VideoFrames(Iterator[BodyFrame]):
    """The frames of a file, in order; outside the clip, frames are empty and poses are not estimated."""

    def __init__(self, path: Path, options: CameraOptions, clip: Clip | None) -> None:
        self._options = options
        start, stop = clip or (0.0, None)
        self._start_ns = round(start * 1e9)
        self._stop_ns = math.inf if stop is None else round(stop * 1e9)
        self._number = 0
        self._pipeline: PosePipeline | None = None
        self._video, self._rate = _open(path)

    def __next__(self) -> BodyFrame:
        # The first picture was grabbed when the file was opened.
        if self._number and not self._video.grab():
            raise StopIteration
        time_ns = round(self._number * 1_000_000_000 / self._rate)
        self._number += 1
        if not self._start_ns <= time_ns < self._stop_ns:
            return BodyFrame(time_ns, ())
        good, decoded = self._video.retrieve()
        if not good:
            return BodyFrame(time_ns, ())  # one damaged picture; the next may be intact
        image = np.asarray(decoded, np.uint8)
        if self._pipeline is None:
            self._pipeline = self._options.open_pipeline()
        return self._pipeline.process(image, time_ns).with_picture(image)

    def close(self) -> None:
        """Closes the file and releases the models."""
        self._video.release()
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.close()


def _open(path: Path) -> tuple[cv2.VideoCapture, float]:
    """Returns the video at its first picture, and its frames per second."""
    from stream.sources.camera.quiet_opencv import cv2  # noqa: PLC0415

    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty; give a video with at least one picture")
    # The absolute path, because FFmpeg takes names such as data:... for addresses; no other reader is tried.
    video = cv2.VideoCapture(str(path.resolve()), cv2.CAP_FFMPEG)
    rate = video.get(cv2.CAP_PROP_FPS)
    if not (video.isOpened() and video.grab()):
        video.release()
        raise DataError(f"{path} is not a readable video, or contains no pictures; {_FIX}")
    if not 0 < rate <= HIGHEST_RATE:
        video.release()
        raise DataError(f"{path} has no valid frame rate ({rate:g}); {_FIX}")
    return video, rate


_FIX = "convert it to an .mp4 with H.264, for example with FFmpeg"
