"""One place between the thread that makes something and the one that takes it: the newest wins."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

__all__ = ["Newest"]

T = TypeVar("T")


class Newest(Generic[T]):
    """Holds the newest frame until it is taken; one that was not taken by then is dropped, and counted.

    Any thread may put, any other may take.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: T | None = None
        self._error: Exception | None = None
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """How many frames were dropped so far because nobody came for them."""
        return self._dropped

    def put(self, frame: T) -> None:
        """Put the sensor's newest frame in the place of the last."""
        with self._changed:
            self._dropped += self._frame is not None
            self._frame = frame
            self._changed.notify()

    def drop(self, count: int = 1) -> None:
        """Count frames that were dropped before they were worth putting."""
        with self._changed:
            self._dropped += count

    def fail(self, error: Exception) -> None:
        """Say that no more will come, and why; the first reason is kept."""
        with self._changed:
            self._error = self._error or error
            self._changed.notify()

    def take(self, timeout: float) -> T | None:
        """Wait at most `timeout` seconds for a frame that was not taken yet; None where there is none.

        Raises:
            Exception: what `fail` was told, once the frame before it was taken.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._error, timeout)
            frame, self._frame = self._frame, None
            if frame is None and self._error is not None:
                raise self._error.with_traceback(None)
            return frame
