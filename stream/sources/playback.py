"""What makes a finite series of frames a source: pace, clip and end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Protocol

from stream.body import BodyFrame, SourceInfo
from stream.errors import EndOfSource, SourceError

__all__ = ["WALL_CLOCK", "Clip", "Clock", "Playback"]

Clip = tuple[float, float | None]
"""Start (included) and stop (left out; None: the end), seconds in the source's own time."""


class Clock(Protocol):
    """What a playback waits by."""

    def now(self) -> float:
        """Seconds since any moment; never goes back."""
        ...

    def wait(self, seconds: float) -> None:
        """Come back that much later."""
        ...


class _WallClock:
    def now(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)


WALL_CLOCK: Clock = _WallClock()
"""The clock of every playback that is given no other."""


class Playback:
    """A `Source` over frames that are there already, given at the pace of their times.

    At speed 0 nothing is waited for and nothing is ever late. Where `info.live` is True, the newest frame
    that is due is given and older ones that nobody came for are dropped; where it is False every frame is
    given, however late the reader comes.
    """

    def __init__(
        self,
        info: SourceInfo,
        frames: Iterator[BodyFrame],
        *,
        speed: float,
        clip: Clip | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Play frames.

        Args:
            info: what the frames come from.
            frames: in order of time; closed with the playback, where it can be closed.
            speed: 1 is real time, 2 twice as quick, 0 as fast as it is read; finite, not negative.
            clip: give only the frames within it, with the times they have.
            clock: what to wait by; `WALL_CLOCK` where none is given.
        """
        self._info = info
        self._source = frames
        self._frames = frames if clip is None else _clipped(frames, clip, info.name)
        self._speed = speed
        self._clock = clock or WALL_CLOCK
        self._pending: BodyFrame | None = None
        self._end: Exception | None = None
        self._began: tuple[float, int] | None = None
        self._dropped = 0

    @property
    def info(self) -> SourceInfo:
        """What is known of the source before its first frame."""
        return self._info

    @property
    def dropped(self) -> int:
        """How many frames were dropped so far; 0 where `info.live` is False."""
        return self._dropped

    def read(self, timeout: float) -> BodyFrame | None:
        """Wait at most `timeout` seconds for the next frame; None where it is not due by then.

        Raises:
            EndOfSource: the last frame was given; every later call raises it again.
            SourceError: no frame lies in the clip.
            DataError: the frames' file is cut off or damaged; every later call raises it again.
        """
        frame = self._next()
        if frame is None:
            assert self._end is not None
            raise self._end.with_traceback(None)
        wait = self._due(frame) - self._clock.now()
        if wait > timeout:
            if timeout > 0:
                self._clock.wait(timeout)
            return None
        if wait > 0:
            self._clock.wait(wait)
        self._pending = None
        return self._newest(frame) if self._info.live and self._speed > 0 else frame

    def close(self) -> None:
        """Close the frames' iterator; a playback that is closed is at its end."""
        self._pending = None
        self._end = EndOfSource()
        close = getattr(self._source, "close", None)
        if close is not None:
            close()

    def _next(self) -> BodyFrame | None:
        """The frame to be given next, or None where `_end` says why there is none."""
        if self._pending is None and self._end is None:
            try:
                self._pending = next(self._frames)
            except StopIteration:
                self._end = EndOfSource()
            except Exception as error:  # kept, so that the frames before are given and no end is made of it
                self._end = error
        return self._pending

    def _due(self, frame: BodyFrame) -> float:
        """The clock's time at which a frame is to be given."""
        if self._speed == 0:
            return self._clock.now()
        if self._began is None:
            self._began = (self._clock.now(), frame.time_ns)
        began, first_ns = self._began
        return began + (frame.time_ns - first_ns) / 1e9 / self._speed

    def _newest(self, frame: BodyFrame) -> BodyFrame:
        """The newest frame that is due, from `frame` on."""
        now = self._clock.now()
        while (later := self._next()) is not None and self._due(later) <= now:
            self._pending = None
            self._dropped += 1
            frame = later
        return frame


def _clipped(frames: Iterator[BodyFrame], clip: Clip, name: str) -> Iterator[BodyFrame]:
    start, stop = clip
    start_ns = round(start * 1e9)
    stop_ns = None if stop is None else round(stop * 1e9)
    last_ns: int | None = None
    given = False
    for frame in frames:
        if stop_ns is not None and frame.time_ns >= stop_ns:
            break
        if frame.time_ns >= start_ns:
            given = True
            yield frame
        last_ns = frame.time_ns
    if not given:
        until = "the end" if stop is None else f"{stop:g} s"
        last = "it begins later" if last_ns is None else f"its last frame before is at {last_ns / 1e9:.1f} s"
        raise SourceError(
            f"{name} has no frame from {start:g} s to {until}: {last}; give another #t=start,stop"
        )
