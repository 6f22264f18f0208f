"""Live devices as sources: time-outs, outage detection and reconnection.

A `Device` is one connection that delivers frames until it fails: a sensor behind a driver, a camera behind a
decoder. `LiveSource` handles time-outs, reconnection and the conversion of times.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from stream.body import BodyFrame, SourceInfo
from stream.errors import EndOfSource, SourceError
from stream.sources.playback import WALL_CLOCK, Clock
from stream.unseen_joints import mark_unseen_in_frame

__all__ = ["TIMEOUTS", "Device", "LiveSource", "Timeouts", "outage_text"]

_log = logging.getLogger(__name__)

_TOLERANCE_S = 1e-6
"""Shorter waits are rounding errors."""

_READER_PAUSE_S = 0.5
"""A longer interval between reads is not counted as silence of the device."""

_OPEN_POLL_S = 0.1
"""Interval at which `ready` of a device that opens in the background is checked."""


class Device(Protocol):
    """One connection to a sensor; after a failure, only `close` is called."""

    @property
    def ready(self) -> bool:
        """Whether the device is open and frames can be expected."""
        ...

    @property
    def dropped(self) -> int:
        """Number of frames of this connection that were replaced by newer ones before they were read."""
        ...

    @property
    def description(self) -> str:
        """Description of the device for display: model, serial number, height; may be empty."""
        ...

    def read(self, timeout: float) -> BodyFrame | None:
        """Waits up to `timeout` seconds for the newest frame; returns None if there is none yet.

        A frame that arrived between reads is returned at once. Times are nanoseconds of any clock that is
        monotonic within this connection.

        Raises:
            SourceError: the device cannot be opened, or the connection is lost.
            UserError: the same, and it is not to be opened again.
        """
        ...

    def close(self) -> None:
        """Releases the device; may be called more than once."""
        ...


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Time-outs and retry delays of a device, seconds.

    Attributes:
        open: time to open.
        first_frame: time from then to the first frame.
        silence: time between two frames.
        retry: delay before the first attempt to reopen a lost device; doubles with each failed attempt.
        max_retry: upper limit of that delay.
    """

    open: float = 30.0
    first_frame: float = 5.0
    silence: float = 2.0
    retry: float = 1.0
    max_retry: float = 30.0


TIMEOUTS = Timeouts()


def outage_text(name: str, reason: str) -> str:
    """Returns the message that a source is down; a source name at the start of `reason` is removed."""
    return f"{name} is down: {reason.removeprefix(name).lstrip()}"


class LiveSource:
    """A `Source` over a `Device`: live, endless, and reconnecting.

    The first `read` opens the device. If it cannot be opened or delivers no first frame in time, the source
    fails, or `retry_from_start` was called and this is an outage too. A device that delivered frames and
    then stops is closed and reopened until it is back, with exponential back-off; the outage and its end are
    logged once each. During an outage, the source returns one frame without bodies, so that tracks end and a
    body id that reappears starts a new track.

    Times start at 0 with the first frame. Within a connection they follow the device's clock; from one
    connection to the next, the host's clock.
    """

    def __init__(
        self,
        info: SourceInfo,
        connect: Callable[[], Device],
        *,
        hint: str = "",
        clock: Clock | None = None,
        timeouts: Timeouts = TIMEOUTS,
    ) -> None:
        """Initialises the source; the device is not opened yet.

        Args:
            info: description of the source.
            connect: opens the device, or starts to; raises `SourceError` on failure.
            hint: advice if no frame ever arrives, such as `check that it is plugged in`.
            clock: `WALL_CLOCK` if not given.
            timeouts: of the device.
        """
        self._info = info
        self._connect = connect
        self._hint = hint
        self._clock = clock or WALL_CLOCK
        self._timeouts = timeouts
        self._device: Device | None = None
        self._closed = False
        self._retries_from_start = False
        self._dropped = 0
        self._description = ""
        self._pose_model = ""
        self._since = 0.0  # when the device was connected, became ready, or delivered its last frame
        self._last_read = 0.0
        self._ready = False
        self._offset_ns: int | None = None  # source time minus device time; None before its first frame
        self._last: tuple[int, float] | None = (
            None  # source time of the last frame, host clock at its arrival
        )
        self._absence_reported = True
        self._pending: BodyFrame | None = None
        self._retry_at = 0.0
        self._failures = 0
        self._down_since = 0.0
        self._problem = ""

    @property
    def info(self) -> SourceInfo:
        """Description of the source, available before its first frame; the pose model from then on."""
        return replace(self._info, pose_model=self._pose_model) if self._pose_model else self._info

    @property
    def dropped(self) -> int:
        """Number of frames dropped because they were not read in time, over all connections."""
        return self._dropped + (self._device.dropped if self._device is not None else 0)

    @property
    def problem(self) -> str:
        """Reason of the current outage; empty while frames arrive and before the first attempt has failed."""
        return self._problem

    @property
    def description(self) -> str:
        """The device's description of itself; empty if not known yet."""
        if self._device is not None:
            self._description = self._device.description or self._description
        return self._description

    def retry_from_start(self) -> None:
        """Makes a device that cannot be opened at first an outage, after which it is opened again."""
        self._retries_from_start = True

    def read(self, timeout: float) -> BodyFrame | None:
        """Waits up to `timeout` seconds for the newest frame; returns None if there is none yet.

        Takes longer if the device's driver blocks while it opens the device.

        Raises:
            EndOfSource: the source was closed.
            SourceError: the device cannot be opened, or its first frame did not arrive in time; not after
                `retry_from_start`.
            UserError: the device cannot be opened, and opening it again cannot succeed.
        """
        deadline = self._clock.now() + timeout
        while True:
            if self._closed:
                raise EndOfSource
            frame = self._step(max(0.0, deadline - self._clock.now()))
            if frame is not None or deadline - self._clock.now() < _TOLERANCE_S:
                return frame

    def rename(self, name: str) -> None:
        """See `Source.rename`."""
        self._info = replace(self._info, name=name)

    def close(self) -> None:
        """Closes the device; later reads raise `EndOfSource`."""
        self._closed = True
        self._pending = None
        self._disconnect()

    def _step(self, timeout: float) -> BodyFrame | None:
        """Waits for the next event: a frame, or a change of the connection (returns None)."""
        frame, self._pending = self._pending, None
        if frame is None:
            try:
                frame = self._wait(timeout)
            except SourceError as error:
                if self._last is None and not self._retries_from_start:
                    self._disconnect()
                    raise
                self._start_outage(str(error))
        return self._absence_frame() if frame is None else frame

    def _wait(self, timeout: float) -> BodyFrame | None:
        device = self._device
        if device is None:
            wait = self._retry_at - self._clock.now()
            if wait > _TOLERANCE_S:
                self._clock.wait(min(timeout, wait))
                return None
            device = self._device = self._connect()
            self._since, self._ready, self._offset_ns = self._clock.now(), False, None
        elif (pause := self._clock.now() - self._last_read) > _READER_PAUSE_S:
            self._since += pause
        if not self._ready and device.ready:
            self._ready, self._since = True, self._clock.now()
        left = max(0.0, self._since + self._current_timeout - self._clock.now())
        frame = device.read(min(timeout, left if self._ready else min(left, _OPEN_POLL_S)))
        now = self._last_read = self._clock.now()
        if frame is not None:
            return self._accept(frame, now)
        if now - self._since > self._current_timeout - _TOLERANCE_S and (self._ready or not device.ready):
            raise SourceError(f"{self._info.name} {self._timeout_reason}")
        return None

    @property
    def _current_timeout(self) -> float:
        """Time allowed from `_since` to the next event."""
        if not self._ready:
            return self._timeouts.open
        return self._timeouts.first_frame if self._offset_ns is None else self._timeouts.silence

    @property
    def _timeout_reason(self) -> str:
        hint = f": {self._hint}" if self._hint else ""
        if not self._ready:
            return f"did not open within {self._timeouts.open:g} s{hint}"
        if self._offset_ns is None:
            return f"delivered no frame within {self._timeouts.first_frame:g} s of opening{hint}"
        return f"has delivered no frame for {self._timeouts.silence:g} s"

    def _accept(self, frame: BodyFrame, now: float) -> BodyFrame | None:
        """Returns the frame in source time; None (and counts it as dropped) if the device clock went back."""
        time_ns, arrival = self._last or (0, now)
        if self._offset_ns is None:
            self._offset_ns = time_ns + round((now - arrival) * 1e9) - frame.time_ns
            if self._last is not None:
                self._offset_ns += 1  # strictly later than the last frame, even if no time has passed
        again = self._last is not None
        shifted = frame.time_ns + self._offset_ns
        if self._last is not None and shifted <= time_ns:
            self._dropped += 1
            return None
        absence = BodyFrame(shifted - 1, ()) if self._problem and not self._absence_reported else None
        self._last, self._since, self._ready, self._absence_reported = (shifted, now), now, True, False
        self._end_outage(now, again=again)
        self._pose_model = getattr(self._device, "pose_model", "")
        frame = replace(mark_unseen_in_frame(frame), time_ns=shifted)
        if absence is None or absence.time_ns <= time_ns:
            return frame
        self._pending = frame
        return absence

    def _absence_frame(self) -> BodyFrame | None:
        """Returns a frame without bodies once per outage, after `Timeouts.silence`; otherwise None."""
        if self._absence_reported or self._last is None or not self._problem:
            return None
        time_ns, arrival = self._last
        now = self._clock.now()
        if now - arrival < self._timeouts.silence:
            return None
        self._absence_reported = True
        time_ns += round((now - arrival) * 1e9)
        self._last = (time_ns, now)
        return BodyFrame(time_ns, ())

    def _start_outage(self, reason: str) -> None:
        self._disconnect()
        now = self._clock.now()
        wait = min(self._timeouts.max_retry, self._timeouts.retry * 2.0**self._failures)
        self._failures = min(self._failures + 1, 32)
        self._retry_at = now + wait
        if not self._problem:
            self._down_since = self._last[1] if self._last is not None else now
            _log.warning("%s; retrying until it is back", outage_text(self._info.name, reason))
        self._problem = reason

    def _end_outage(self, now: float, *, again: bool) -> None:
        self._failures = 0
        if self._problem:
            self._problem = ""
            up = "is up again" if again else "is up"
            _log.warning("%s %s after %.0f s", self._info.name, up, now - self._down_since)

    def _disconnect(self) -> None:
        device, self._device = self._device, None
        if device is not None:
            self._description = device.description or self._description
            device.close()
            self._dropped += device.dropped
