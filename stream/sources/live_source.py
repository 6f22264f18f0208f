"""What makes a device a source: it has to begin, its silence is noticed, and what is lost is opened again.

A device is anything that gives frames until it fails: a sensor behind a driver, a camera behind a decoder.
It need not know of time-outs, of other connections than its own, or of the source's clock.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from stream.body import BodyFrame, SourceInfo
from stream.errors import EndOfSource, SourceError
from stream.sources.playback import WALL_CLOCK, Clock

__all__ = ["PATIENCE", "Device", "LiveSource", "Patience", "down"]

_log = logging.getLogger(__name__)

_NO_TIME_S = 1e-6
"""Less than this is left over by rounding, and not worth waiting for."""

_AWAY_S = 0.5
"""Who has not read for so long was away; that time is nobody's silence."""

_OPENING_S = 0.1
"""How often a device that opens in the background is asked whether it is open."""


class Device(Protocol):
    """One connection to a sensor; after it failed it is only closed."""

    @property
    def ready(self) -> bool:
        """Whether it is open by now, so that frames may be expected."""
        ...

    @property
    def dropped(self) -> int:
        """How many frames of this connection were dropped because newer ones came before the reader did."""
        ...

    @property
    def description(self) -> str:
        """What is known of it by now, for people: its make, its number, where it stands; may be empty."""
        ...

    def read(self, timeout: float) -> BodyFrame | None:
        """Wait at most `timeout` seconds for the newest frame; None where there is none yet.

        A frame that came while nobody read is given at once. Times are nanoseconds of any clock that does
        not run back within this connection.

        Raises:
            SourceError: it cannot be opened, or is lost.
        """
        ...

    def close(self) -> None:
        """Release it; calling it twice is harmless."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a device may take, seconds.

    Attributes:
        open: until it is open.
        first: from then until its first frame.
        silent: between two frames.
        retry: from its loss until it is opened again; doubles with each attempt in vain.
        longest_retry: where the doubling ends.
    """

    open: float = 30.0
    first: float = 5.0
    silent: float = 2.0
    retry: float = 1.0
    longest_retry: float = 30.0


PATIENCE = Patience()


def down(name: str, why: str) -> str:
    """How a source that gives nothing is spoken of; `why` may begin with its name."""
    return f"{name} is down: {why.removeprefix(name).lstrip()}"


class LiveSource:
    """A `Source` over a device: live, without an end, and as patient as it should be.

    It is opened at the first `read`, not before. What cannot be opened then, or gives no frame in time,
    fails. What gave frames and stops is closed and opened again, for as long as it takes; that is logged
    once, and once more when frames come again. While it is away, one frame without bodies says that nobody is
    seen, so that tracks end and no body id is carried over to whoever stands there later.

    Times count from the first frame on, by the device's clock within a connection, by ours between two.
    """

    def __init__(
        self,
        info: SourceInfo,
        connect: Callable[[], Device],
        *,
        hint: str = "",
        clock: Clock | None = None,
        patience: Patience = PATIENCE,
    ) -> None:
        """Watch a device.

        Args:
            info: what the frames come from.
            connect: opens the device, or begins to; raises `SourceError` where that cannot be.
            hint: what to do where it never gives a frame, as in `check that it is plugged in`.
            clock: what to wait by.
            patience: how long it may take.
        """
        self._info = info
        self._connect = connect
        self._hint = hint
        self._clock = clock or WALL_CLOCK
        self._patience = patience
        self._device: Device | None = None
        self._closed = False
        self._dropped = 0
        self._description = ""
        self._since = 0.0  # when the device was connected, was ready, or gave its last frame
        self._looked = 0.0
        self._ready = False
        self._offset_ns: int | None = None  # from the device's clock to ours; None before its first frame
        self._last: tuple[int, float] | None = None  # our time of the last frame, the clock at its arrival
        self._told_absence = True
        self._pending: BodyFrame | None = None
        self._retry_at = 0.0
        self._failures = 0
        self._down_since = 0.0
        self._trouble = ""

    @property
    def info(self) -> SourceInfo:
        """What is known of the source before its first frame."""
        return self._info

    @property
    def dropped(self) -> int:
        """How many frames were dropped so far because the reader came too late, over all connections."""
        return self._dropped + (self._device.dropped if self._device is not None else 0)

    @property
    def trouble(self) -> str:
        """Why nothing comes at present; empty while it delivers, and before it has delivered at all."""
        return self._trouble

    @property
    def description(self) -> str:
        """What the device says of itself, as far as it is known by now."""
        if self._device is not None:
            self._description = self._device.description or self._description
        return self._description

    def read(self, timeout: float) -> BodyFrame | None:
        """Wait at most `timeout` seconds for the newest frame; None where there is none yet.

        Opening a device may take longer, where its driver does not open it in the background.

        Raises:
            EndOfSource: it was closed.
            SourceError: it cannot be opened, or gave no frame at all in time.
        """
        deadline = self._clock.now() + timeout
        while True:
            if self._closed:
                raise EndOfSource
            frame = self._step(max(0.0, deadline - self._clock.now()))
            if frame is not None or deadline - self._clock.now() < _NO_TIME_S:
                return frame

    def close(self) -> None:
        """Close the device; a source that is closed is at its end."""
        self._closed = True
        self._pending = None
        self._disconnect()

    def _step(self, timeout: float) -> BodyFrame | None:
        """Wait for the next thing that happens, be it a frame or not."""
        frame, self._pending = self._pending, None
        if frame is None:
            try:
                frame = self._wait(timeout)
            except SourceError as error:
                if self._last is None:
                    self._disconnect()
                    raise
                self._lose(str(error))
        return self._absence() if frame is None else frame

    def _wait(self, timeout: float) -> BodyFrame | None:
        device = self._device
        if device is None:
            wait = self._retry_at - self._clock.now()
            if wait > _NO_TIME_S:
                self._clock.wait(min(timeout, wait))
                return None
            device = self._device = self._connect()
            self._since, self._ready, self._offset_ns = self._clock.now(), False, None
        elif (away := self._clock.now() - self._looked) > _AWAY_S:
            self._since += away
        if not self._ready and device.ready:
            self._ready, self._since = True, self._clock.now()
        left = max(0.0, self._since + self._may_take - self._clock.now())
        frame = device.read(min(timeout, left if self._ready else min(left, _OPENING_S)))
        now = self._looked = self._clock.now()
        if frame is not None:
            return self._accept(frame, now)
        if now - self._since > self._may_take - _NO_TIME_S and (self._ready or not device.ready):
            raise SourceError(f"{self._info.name} {self._overdue}")
        return None

    @property
    def _may_take(self) -> float:
        """How long may pass from `_since` until the next thing happens."""
        if not self._ready:
            return self._patience.open
        return self._patience.first if self._offset_ns is None else self._patience.silent

    @property
    def _overdue(self) -> str:
        hint = f": {self._hint}" if self._hint else ""
        if not self._ready:
            return f"was not open within {self._patience.open:g} s{hint}"
        if self._offset_ns is None:
            return f"gave no frame within {self._patience.first:g} s of being opened{hint}"
        return f"has given no frame for {self._patience.silent:g} s"

    def _accept(self, frame: BodyFrame, now: float) -> BodyFrame | None:
        """The frame in our time; None where its clock ran back."""
        time_ns, arrival = self._last or (0, now)
        if self._offset_ns is None:
            self._offset_ns = time_ns + round((now - arrival) * 1e9) - frame.time_ns
            if self._last is not None:
                self._offset_ns += 1  # later than the last, also where no time has passed
        shifted = frame.time_ns + self._offset_ns
        if self._last is not None and shifted <= time_ns:
            self._dropped += 1
            return None
        gap = BodyFrame(shifted - 1, ()) if self._trouble and not self._told_absence else None
        self._last, self._since, self._ready, self._told_absence = (shifted, now), now, True, False
        self._recover(now)
        frame = replace(frame, time_ns=shifted)
        if gap is None or gap.time_ns <= time_ns:
            return frame
        self._pending = frame
        return gap

    def _absence(self) -> BodyFrame | None:
        """A frame without bodies, once an outage, when it has lasted."""
        if self._told_absence or self._last is None or not self._trouble:
            return None
        time_ns, arrival = self._last
        now = self._clock.now()
        if now - arrival < self._patience.silent:
            return None
        self._told_absence = True
        time_ns += round((now - arrival) * 1e9)
        self._last = (time_ns, now)
        return BodyFrame(time_ns, ())

    def _lose(self, why: str) -> None:
        self._disconnect()
        now = self._clock.now()
        wait = min(self._patience.longest_retry, self._patience.retry * 2.0**self._failures)
        self._failures = min(self._failures + 1, 32)
        self._retry_at = now + wait
        if self._last is not None and not self._trouble:
            self._down_since = self._last[1]
            _log.warning("%s; it is tried again until it is back", down(self._info.name, why))
        self._trouble = why

    def _recover(self, now: float) -> None:
        self._failures = 0
        if self._trouble:
            self._trouble = ""
            _log.warning("%s is up again after %.0f s", self._info.name, now - self._down_since)

    def _disconnect(self) -> None:
        device, self._device = self._device, None
        if device is not None:
            self._description = device.description or self._description
            device.close()
            self._dropped += device.dropped
