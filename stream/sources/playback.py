"""Playback of a sequence of frames as a source: pace, clip and end."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from stream.body import BodyFrame, SourceInfo
from stream.errors import EndOfSource, SourceError

__all__ = ["WALL_CLOCK", "Clip", "Clock", "Playback"]

_log = logging.getLogger(__name__)

Clip = tuple[float, float | None]
"""Start (inclusive) and stop (exclusive; None: the end), seconds in the source's own time."""


class Clock(Protocol):
    """A monotonic clock; tests replace it."""

    def now(self) -> float:
        """Returns monotonic time, seconds since an arbitrary moment."""
        ...

    def wait(self, seconds: float) -> None:
        """Blocks for this long."""
        ...


class _WallClock:
    def now(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)


WALL_CLOCK: Clock = _WallClock()
"""Default clock of sources."""


class Playback:
    """A `Source` that plays an iterator of frames at the pace of their timestamps.

    If `info.live` is True, `read` returns the newest frame that is due and drops older unread ones; if False,
    it returns every frame. At speed 0 it never waits and never drops.
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
        """Initialises the playback.

        Args:
            info: description of the source.
            frames: in order of time; closed with the playback if it has a `close` method.
            speed: 1 is real time, 2 is twice as fast, 0 is as fast as possible; finite, not negative.
            clip: the part to play; timestamps are kept.
            clock: `WALL_CLOCK` if not given.
        """
        self._info = info
        self._unclipped = frames
        self._frames = frames if clip is None else _clipped(frames, clip, info.name)
        self._speed = speed
        self._clock = clock or WALL_CLOCK
        self._pending: BodyFrame | None = None
        self._end: Exception | None = None
        self._start: tuple[float, int] | None = None  # the clock at the first frame, and that frame's time_ns
        self._dropped = 0
        self._closed = False

    @property
    def info(self) -> SourceInfo:
        """Description of the source."""
        return self._info

    @property
    def dropped(self) -> int:
        """Number of frames dropped so far; always 0 if `info.live` is False."""
        return self._dropped

    @property
    def remark(self) -> str:
        """What users should know of the frames so far, such as damaged pictures; may be empty.

        It is the attribute `remark` of the frames, if they have it.
        """
        return str(getattr(self._unclipped, "remark", ""))

    def read(self, timeout: float) -> BodyFrame | None:
        """Waits up to `timeout` seconds for the next frame; returns None if it is not due by then.

        Raises:
            EndOfSource: there are no more frames; every later call raises it again.
            SourceError: the clip contains no frame.
            DataError: the file is truncated or damaged; every later call raises it again.
        """
        frame = self._peek()
        if frame is None:
            assert self._end is not None
            raise self._end.with_traceback(None)
        wait = self._due_time(frame) - self._clock.now()
        if wait > timeout:
            if timeout > 0:
                self._clock.wait(timeout)
            return None
        if wait > 0:
            self._clock.wait(wait)
        self._pending = None
        return self._newest_due(frame) if self._info.live and self._speed > 0 else frame

    def rename(self, name: str) -> None:
        """See `Source.rename`."""
        self._info = replace(self._info, name=name)

    def close(self) -> None:
        """Closes the iterator of frames and logs the remark; later reads raise `EndOfSource`."""
        if self.remark and not self._closed:
            _log.warning("%s", self.remark)
        self._closed = True
        self._pending = None
        self._end = EndOfSource()
        close = getattr(self._unclipped, "close", None)
        if close is not None:
            close()

    def _peek(self) -> BodyFrame | None:
        """Returns the next frame without consuming it; None at the end; `_end` then holds the reason."""
        if self._pending is None and self._end is None:
            try:
                self._pending = next(self._frames)
            except StopIteration:
                self._end = EndOfSource()
            except Exception as error:  # raised after the frames before it, and again by every later read
                self._end = error
        return self._pending

    def _due_time(self, frame: BodyFrame) -> float:
        """Returns the clock time at which a frame is due."""
        if self._speed == 0:
            return self._clock.now()
        if self._start is None:
            self._start = (self._clock.now(), frame.time_ns)
        start, first_ns = self._start
        return start + (frame.time_ns - first_ns) / 1e9 / self._speed

    def _newest_due(self, frame: BodyFrame) -> BodyFrame:
        """Returns the newest frame that is due, at least `frame`; counts those it skips."""
        now = self._clock.now()
        while (later := self._peek()) is not None and self._due_time(later) <= now:
            self._pending = None
            self._dropped += 1
            frame = later
        return frame


def _clipped(frames: Iterator[BodyFrame], clip: Clip, name: str) -> Iterator[BodyFrame]:
    start, stop = clip
    start_ns = round(start * 1e9)
    stop_ns = None if stop is None else round(stop * 1e9)
    last_ns: int | None = None
    later_s = ""
    found = False
    for frame in frames:
        if stop_ns is not None and frame.time_ns >= stop_ns:
            later_s = f", at {frame.time_ns / 1e9:.1f} s"  # a recording of a robot counts from 1970
            break
        if frame.time_ns >= start_ns:
            found = True
            yield frame
        last_ns = frame.time_ns
    if not found:
        until = "the end" if stop is None else f"{stop:g} s"
        hint = (
            f"it starts later{later_s}"
            if last_ns is None
            else f"the last frame before that is at {last_ns / 1e9:.1f} s"
        )
        raise SourceError(f"{name} has no frame from {start:g} s to {until}: {hint}; change #t=start,stop")
