"""The contract that every source keeps; `tests/stream/sources/test_source_contract.py` tests each one."""

from __future__ import annotations

from typing import Protocol

from stream.body import BodyFrame, SourceInfo

__all__ = ["Source"]


class Source(Protocol):
    """A sensor, a file or a simulation that gives body frames in order of time."""

    @property
    def info(self) -> SourceInfo:
        """What is known of the source before its first frame."""
        ...

    @property
    def dropped(self) -> int:
        """How many frames were dropped so far because the reader came too late; 0 where `live` is False."""
        ...

    def read(self, timeout: float) -> BodyFrame | None:
        """Wait at most `timeout` seconds for the next frame; None where there is none yet.

        Raises:
            EndOfSource: the last frame was given; every later call raises it again.
            SourceError, DataError: the source cannot go on; the text says why and what to do.
        """
        ...

    def close(self) -> None:
        """Release what the source holds; calling it twice is harmless."""
        ...
