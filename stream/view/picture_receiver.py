"""The newest picture of each source, in the parent; kept in memory only."""

from __future__ import annotations

import threading

__all__ = ["PictureReceiver"]


class PictureReceiver:
    """Holds the newest picture of each source; any thread may read it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pictures: dict[int, tuple[int, bytes]] = {}

    def put(self, source: int, jpeg: bytes) -> None:
        """Replaces the picture of a source."""
        with self._lock:
            number, _ = self._pictures.get(source, (0, b""))
            self._pictures[source] = (number + 1, jpeg)

    def newer(self, source: int, number: int) -> tuple[int, bytes] | None:
        """Returns the picture of a source if it is newer than picture `number`, with its own number."""
        with self._lock:
            newest = self._pictures.get(source)
        return newest if newest is not None and newest[0] > number else None
