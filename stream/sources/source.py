"""The `Source` protocol, and how to add a source.

To add a sensor:

1. Write a module in `stream.sources` with a function that checks the options of the source string and
   returns a `Source`. Import drivers and heavy libraries inside that function, so that other sources work
   without them.
   - Live device: implement `stream.sources.live_source.Device` (one connection) and wrap it in `LiveSource`,
     which adds time-outs, reconnection, outage reports and the conversion of times. A driver that calls back
     from its own thread hands frames over with `stream.sources.latest_value.LatestValue`.
   - Finite frames (a file): yield `BodyFrame`s from an iterator and wrap it in
     `stream.sources.playback.Playback`, which adds pace, clips and the end.
2. Convert joints to the axes and units of `stream.body.Body`. If the joint order is new, add a layout to
   `stream.skeleton.LAYOUTS`. Give the kind of sensor its own `SourceInfo.sensor`, because projections and
   thresholds are fitted per kind of sensor.
3. Add one entry to `stream.sources.source_registry.SOURCE_KINDS`, which maps source strings to modules.
4. Add one entry to `CASES` (finite) or `DEVICES` (live) in `tests/stream/sources/test_source_contract.py`,
   which tests every source against this protocol.
"""

from __future__ import annotations

from typing import Protocol

from stream.body import BodyFrame, SourceInfo

__all__ = ["Source"]


class Source(Protocol):
    """A sensor, a file or a simulation that gives body frames in order of time; used by one thread."""

    @property
    def info(self) -> SourceInfo:
        """Description of the source, available before its first frame."""
        ...

    @property
    def dropped(self) -> int:
        """Number of frames dropped because they were not read in time; always 0 if `info.live` is False."""
        ...

    def read(self, timeout: float) -> BodyFrame | None:
        """Waits up to `timeout` seconds for the next frame; returns None if there is none yet.

        A live source returns the newest frame and drops older unread ones; others return every frame. Times
        increase strictly from frame to frame. A frame without people is a frame with no bodies.

        Raises:
            EndOfSource: the source has ended; every later call raises it again.
            SourceError, DataError: the source cannot continue; the message says why and what to do.
        """
        ...

    def rename(self, name: str) -> None:
        """Gives the source another display name."""
        ...

    def close(self) -> None:
        """Releases all resources; may be called more than once."""
        ...
