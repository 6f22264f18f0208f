"""Hand-over of the newest value from one thread to another."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

__all__ = ["LatestValue"]

T = TypeVar("T")


class LatestValue(Generic[T]):
    """Holds the newest value until it is taken; counts values that were replaced before that.

    Thread-safe: any thread may put, any thread may take.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._value: T | None = None
        self._error: Exception | None = None
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Number of values dropped so far."""
        return self._dropped

    def put(self, value: T) -> None:
        """Stores a value; replaces and counts one that was not taken."""
        with self._changed:
            self._dropped += self._value is not None
            self._value = value
            self._changed.notify()

    def drop(self, count: int = 1) -> None:
        """Counts values that were dropped before they could be put."""
        with self._changed:
            self._dropped += count

    def fail(self, error: Exception) -> None:
        """Stores the error that ends the sequence; the first one is kept."""
        with self._changed:
            self._error = self._error or error
            self._changed.notify()

    def take(self, timeout: float) -> T | None:
        """Waits up to `timeout` seconds for a new value; returns None if there is none.

        Raises:
            Exception: the error given to `fail`, after the last value was taken.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._value is not None or self._error, timeout)
            value, self._value = self._value, None
            if value is None and self._error is not None:
                raise self._error.with_traceback(None)
            return value
