"""Reading of a video file: every picture with its own time, upright, and whether the file is whole.

PyAV (FFmpeg's libraries) reads the file. Everything that it raises becomes a `DataError` here.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from stream.body import Image
from stream.errors import CutOffError, DataError, SgeError
from stream.sources.camera.pixel_aspect import believable_aspect
from stream.sources.camera.video_times import PictureTimes, believable_times

__all__ = ["CutOffVideo", "DecodedPicture", "VideoReader"]

CUT_OFF_S = 0.25
"""A file that ends this much before its stated end is cut off; `tools.trials.video_files` has the figures."""

MAX_PIXELS = 1 << 26
"""Largest picture: 8192 x 8192."""

FIRST_PACKETS = 64
"""Number of pictures whose times are looked at before they are believed."""

_OPTIONS = {"protocol_whitelist": "file"}  # a playlist in a file must not open an address
_CONVERT = "convert it to an .mp4 with H.264, for example with FFmpeg"


class CutOffVideo(CutOffError):  # noqa: N818 - names the state of the file
    """The file ends before the end that its header states; all pictures before were delivered."""


@dataclass(frozen=True, slots=True, eq=False)
class DecodedPicture:
    """One decoded picture.

    Attributes:
        time_ns: nanoseconds in the file's own time.
        frame: PyAV's frame.
    """

    time_ns: int
    frame: VideoFrame

    def image(self) -> Image | None:
        """Returns the picture upright, its pixels as stored; None if it is damaged."""
        if self.frame.is_corrupt:
            return None
        try:
            image = np.asarray(self.frame.to_ndarray(format="bgr24"), np.uint8)
        except Exception:  # whatever PyAV raises for this picture; the next may be intact
            return None
        turns, rest = divmod(self.frame.rotation, 90)
        return image if rest or not turns % 4 else np.ascontiguousarray(np.rot90(image, turns))


class VideoReader:
    """The pictures of a video file in order of time.

    Attributes:
        aspect: width of a pixel, as displayed, divided by its height; 1 if the file states none.
        note: for the user, if the times of the pictures are a guess; else empty.
        unused: number of pictures so far that could not be decoded, or were not later than the one before.

    Args:
        path: the file.

    Raises:
        DataError: the file is not a readable video, contains no picture, or states no believable times.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.unused = 0
        if not _head(path):
            raise DataError(f"{path} is empty; give a video with at least one picture")
        with contextlib.ExitStack() as opened:
            self._container = opened.enter_context(_open(path))
            with _as_data_error(_unreadable(path)):
                self._stream = _best_stream(self._container, path)
                self._end = _End(self._container, self._stream)
                self._packets = self._demux()
                first = list(itertools.islice(self._packets, FIRST_PACKETS))
                self._times = self._believable_times(first)
                frames = self._decode(itertools.chain(first, self._packets))
                self._first = next(frames, None)
            if self._first is None:
                raise _unreadable(path)
            self._frames = itertools.chain([self._first], frames)
            self.note = self._times.note and f"{path}: {self._times.note}"
            self.aspect = self._displayed_aspect(self._first)
            opened.pop_all()

    def pictures(self) -> Generator[DecodedPicture]:
        """Yields every picture once.

        Raises:
            CutOffVideo: after the last picture, if the file ends before its stated end.
            DataError: the file cannot be read on.
        """
        last_ns = -1
        with _as_data_error(DataError(f"{self._path} is damaged and cannot be read to its end; {_CONVERT}")):
            for frame in self._frames:
                time_ns = self._times.next_ns(frame)
                if time_ns <= last_ns:
                    self.unused += 1
                    continue
                last_ns = time_ns
                yield DecodedPicture(time_ns, frame)
            if (stated := self._end.cut_off_from) is not None:
                raise self._cut_off(last_ns, stated)

    def close(self) -> None:
        """Closes the file; may be called more than once."""
        self._container.close()

    def _demux(self) -> Iterator[Packet[VideoStream]]:
        """Yields the packets of the pictures; those of sound count only for the end of the file."""
        try:
            for packet in self._container.demux():
                self._end.add(packet)
                if packet.stream.index == self._stream.index:
                    yield cast("Packet[VideoStream]", packet)
        except Exception:  # whatever PyAV raises; what was read before is used
            self._end.broken = True

    def _decode(self, packets: Iterator[Packet[VideoStream]]) -> Iterator[VideoFrame]:
        for packet in packets:
            try:
                frames = packet.decode()
            except Exception:  # whatever PyAV raises for this picture; the next may be intact
                self.unused += 1
                continue
            yield from (frame for frame in frames if isinstance(frame, VideoFrame))

    def _believable_times(self, packets: list[Packet[VideoStream]]) -> PictureTimes:
        """Raises `DataError` if neither the pictures' times nor the file's rate can be believed."""
        by_dts = self._container.format.name == "avi"
        stamps = [packet.dts if by_dts else packet.pts for packet in packets if packet.size]
        rate = self._stream.average_rate or self._stream.guessed_rate
        times = believable_times(stamps, self._stream.time_base, rate, by_dts=by_dts)
        if isinstance(times, str):
            raise DataError(f"{self._path} {times}; {_CONVERT}, with the rate at which it was recorded")
        return times

    def _displayed_aspect(self, frame: VideoFrame) -> float:
        aspect = believable_aspect(float(self._stream.sample_aspect_ratio or math.nan))
        on_its_side = frame.rotation % 180 == 90
        return 1 / aspect if on_its_side else aspect

    def _cut_off(self, last_ns: int, stated: float) -> CutOffVideo:
        until = math.floor(max(0, last_ns) / 1e8) / 10  # not after the last picture, so that `#t=` ends there
        length = f"its header states {stated:.1f} s" if stated > until else "its last picture is incomplete"
        part = f"; {self._path}#t=,{until:g} is the part that is there" if until else ""
        return CutOffVideo(
            f"{self._path} is cut off after {until:g} s ({length}): take a whole copy of it{part}"
        )


class _End:
    """The end that a file states, and the one that was reached."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._stated = (container.duration or 0) / av.time_base
        name = container.format.name
        if "mp4" in name:  # others state the time of the end, not the length from the first picture
            self._stated += (container.start_time or 0) / av.time_base
        elif name == "avi" and stream.average_rate:
            # FFmpeg corrects the length of an AVI by the size of the file; the number of pictures is stated.
            self._stated = max(self._stated, float(stream.frames / stream.average_rate))
        elif name in ("mpegts", "mpeg"):
            self._stated = 0.0  # these state no length; FFmpeg guesses one
        self._reached = 0.0
        self._latest = math.inf
        self._longest = 0.0
        self._incomplete = False
        self.broken = False

    def add(self, packet: Packet[Any]) -> None:
        """Considers the next packet of any stream."""
        if packet.size == 0 or packet.pts is None or packet.time_base is None:
            return
        self._incomplete = packet.is_corrupt
        start = float(packet.pts * packet.time_base)
        self._longest = max(self._longest, start - self._latest)
        self._latest = start
        # A packet without a length, as in Matroska files, counts as the longest.
        length = float(packet.duration * packet.time_base) if packet.duration else self._longest
        self._reached = max(self._reached, start + length)

    @property
    def cut_off_from(self) -> float | None:
        """The stated end in seconds, if it was not reached; otherwise None."""
        short = self._stated - self._reached > CUT_OFF_S
        return self._stated if short or self._incomplete or self.broken else None


def _open(path: Path) -> InputContainer:
    try:
        # The absolute path, because FFmpeg takes names such as data:... for addresses.
        return av.open(str(path.resolve()), metadata_errors="replace", options=_OPTIONS)
    except Exception as error:  # whatever PyAV raises
        raise _unreadable(path) from error


def _best_stream(container: InputContainer, path: Path) -> VideoStream:
    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream):
        raise _unreadable(path)
    if stream.width * stream.height > MAX_PIXELS:
        raise DataError(
            f"{path} has pictures of {stream.width} x {stream.height}, more than {MAX_PIXELS} pixels; "
            "convert it to smaller ones, about 1280 x 720"
        )
    return stream


def _unreadable(path: Path) -> DataError:
    reason = "is not a readable video, or contains no pictures"
    if _head(path)[4:8] == b"ftyp":
        reason += " (a recording or copy that was cut off has no index, and cannot be read)"
    return DataError(f"{path} {reason}; {_CONVERT}")


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(12)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); give a video that you may read") from None


@contextlib.contextmanager
def _as_data_error(error: DataError) -> Iterator[None]:
    """Raises `error` for whatever PyAV raises: of a dozen classes, `MemoryError` among them."""
    try:
        yield
    except SgeError:
        raise
    except Exception as cause:
        raise error from cause
