"""A video file as a source: every picture is processed, at its own time.

walk.mp4
walk.mp4:model=lite,fov=78,aspect=2
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stream.body import BodyFrame, Image, SourceInfo
from stream.errors import DataError
from stream.sources.camera.camera_options import CameraOptions, parse_camera_options
from stream.sources.camera.model_choice import FILE_MODEL
from stream.sources.camera.pixel_aspect import resized, square_pixels
from stream.sources.playback import Clip, Playback

if TYPE_CHECKING:
    from stream.sources.camera.detected_bodies import PosePipeline
    from stream.sources.camera.video_reader import DecodedPicture

__all__ = ["VIDEO_SUFFIXES", "open_video"]

VIDEO_SUFFIXES = (
    *("mp4", "m4v", "mov", "3gp", "avi", "mkv", "webm"),
    *("ts", "mts", "m2ts", "mpg", "mpeg", "wmv", "asf", "flv"),
)
"""Ends of the names of video files. Streams without a container, such as .h264, are not among them:
they have no times."""

SAME_SHAPE = 0.02
"""Relative difference of two ratios of width and height that still show the same scene."""

_log = logging.getLogger(__name__)


def open_video(
    path: Path, options: Mapping[str, str], *, speed: float = 1.0, clip: Clip | None = None, name: str = ""
) -> Playback:
    """Opens a video; poses are estimated as it is played, and only within the clip.

    If its times are a guess, a warning is logged. If the file ends before its stated end, `CutOffVideo`
    follows the last frame.

    Args:
        path: the file.
        options: see `stream.sources.camera.camera_options`.
        speed: 1 is real time, 0 is as fast as possible.
        clip: the part to play, seconds; the file is decoded from its start, so that times are exact.
        name: the display name; the path if not given.

    Raises:
        SourceError: an option is unknown or invalid.
        DataError: the file is not a readable video, contains no picture, or states no believable times.
    """
    camera_options = parse_camera_options("video", options)
    info = SourceInfo(
        name or str(path), "camera", "mediapipe", live=False, finite=True, pose_model=_model(camera_options)
    )
    return Playback(info, _VideoFrames(path, camera_options, clip), speed=speed, clip=clip)


def _model(options: CameraOptions) -> str:
    return options.model or FILE_MODEL


class _VideoFrames(Iterator[BodyFrame]):
    """The frames of a file, in order; outside the clip, frames are empty and poses are not estimated."""

    def __init__(self, path: Path, options: CameraOptions, clip: Clip | None) -> None:
        # PyAV loads slowly; only a process that opens a video needs it.
        from stream.sources.camera.video_reader import VideoReader  # noqa: PLC0415

        self._path = path
        self._options = options
        start, stop = clip or (0.0, None)
        self._start_ns = round(start * 1e9)
        self._stop_ns = math.inf if stop is None else round(stop * 1e9)
        self._pipeline: PosePipeline | None = None
        self._size: tuple[int, int] | None = None
        self._damaged = 0
        self._reader = VideoReader(path)
        self._pictures = self._reader.pictures()
        self._aspect = options.aspect or self._reader.aspect
        if self._reader.note:
            _log.warning("%s", self._reader.note)

    def __next__(self) -> BodyFrame:
        picture = next(self._pictures)
        if not self._start_ns <= picture.time_ns < self._stop_ns:
            return BodyFrame(picture.time_ns, ())
        image = self._square_image(picture)
        if image is None:
            self._damaged += 1
            return BodyFrame(picture.time_ns, ())
        if self._pipeline is None:
            self._pipeline = self._options.open_pipeline(_model(self._options))
        return self._pipeline.process(image, picture.time_ns).with_picture(image)

    @property
    def remark(self) -> str:
        """How many pictures could not be used so far; empty if all were."""
        unused = self._damaged + self._reader.unused
        if not unused:
            return ""
        return f"{self._path}: pictures that were damaged or not in order of time, and not used: {unused}"

    def close(self) -> None:
        """Closes the file and releases the models."""
        self._pictures.close()
        self._reader.close()
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.close()

    def _square_image(self, picture: DecodedPicture) -> Image | None:
        """Returns the picture with square pixels, all of one size; None if it is damaged.

        Raises:
            DataError: its shape differs from that of the pictures before.
        """
        stored = picture.image()
        if stored is None:
            return None
        image = square_pixels(stored, self._aspect)
        height, width = image.shape[:2]
        if self._size is None:
            self._size = width, height
        if self._size == (width, height):
            return image
        # Browsers change the size of the pictures while they record a call, but not what these show.
        ratio = width / height / (self._size[0] / self._size[1])
        if abs(ratio - 1) > SAME_SHAPE:
            seconds = picture.time_ns / 1e9
            raise DataError(
                f"the pictures of {self._path} change from {self._size[0]} x {self._size[1]} to {width} x "
                f"{height} at {seconds:.1f} s; give the parts one by one, first {self._path}#t=,{seconds:.1f}"
            )
        return resized(image, self._size)
