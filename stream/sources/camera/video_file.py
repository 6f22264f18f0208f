"""A video file as a source: every frame counts, at n / fps seconds.

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
from stream.sources.camera.camera_options import Seeing, parse_seeing
from stream.sources.playback import Clip, Playback

if TYPE_CHECKING:
    import cv2

    from stream.sources.camera.detected_bodies import Eyes

__all__ = ["open_video"]

HIGHEST_RATE = 1000
"""Frames a second; a file that claims more says nothing."""


def open_video(
    path: Path, options: Mapping[str, str], *, speed: float = 1.0, clip: Clip | None = None, name: str = ""
) -> Playback:
    """Play a video; people are looked for as it is played, and only within the clip.

    Args:
        path: the file.
        options: see `stream.sources.camera.camera_options`.
        speed: 1 is real time, 0 as fast as people are found.
        clip: the part to give, seconds; what lies before is read, so that it begins at exactly its time.
        name: how it is shown; its path if not given.

    Raises:
        SourceError: an option is unknown or wrong.
        DataError: it is no video that can be read, has no pictures, or does not say how many a second.
    """
    seeing = parse_seeing("video", options)
    info = SourceInfo(name or str(path), "camera", "mediapipe", live=False, finite=True)
    return Playback(info, _Frames(path, seeing, clip), speed=speed, clip=clip)


class _Frames(Iterator[BodyFrame]):
    """The frames of a file, in order; empty before and after the clip, where nobody is looked for."""

    def __init__(self, path: Path, seeing: Seeing, clip: Clip | None) -> None:
        self._seeing = seeing
        start, stop = clip or (0.0, None)
        self._start_ns = round(start * 1e9)
        self._stop_ns = math.inf if stop is None else round(stop * 1e9)
        self._number = 0
        self._eyes: Eyes | None = None
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
            return BodyFrame(time_ns, ())  # one damaged picture; the next may be whole
        image = np.asarray(decoded, np.uint8)
        if self._eyes is None:
            self._eyes = self._seeing.open_eyes()
        return self._eyes.see(image, time_ns).on(image)

    def close(self) -> None:
        """Close the file, and release the models."""
        self._video.release()
        eyes, self._eyes = self._eyes, None
        if eyes is not None:
            eyes.close()


def _open(path: Path) -> tuple[cv2.VideoCapture, float]:
    """The file at its first picture, and its frames a second."""
    from stream.sources.camera.quiet_opencv import cv2  # noqa: PLC0415

    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty; give a video with at least one picture")
    # By its whole path, as FFmpeg takes names such as data:... for addresses; no other reader is tried.
    video = cv2.VideoCapture(str(path.resolve()), cv2.CAP_FFMPEG)
    rate = video.get(cv2.CAP_PROP_FPS)
    if not (video.isOpened() and video.grab()):
        video.release()
        raise DataError(f"{path} is no video that can be read, or holds no pictures; {_MEND}")
    if not 0 < rate <= HIGHEST_RATE:
        video.release()
        raise DataError(f"{path} does not say how many pictures a second it has ({rate:g}); {_MEND}")
    return video, rate


_MEND = "convert it to an .mp4 with H.264, for example with FFmpeg"
