"""Search for people beside the estimation of poses, in a thread: MediaPipe computes both at once.

What is found in a picture is used with the next picture, however long the search takes: so a file gives the
same bodies whatever the load of the machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from stream.body import Image
from stream.sources.camera.boxes import Box
from stream.sources.camera.person_search import PersonSearch

__all__ = ["BackgroundSearch"]


class BackgroundSearch:
    """Searches one picture at a time.

    Args:
        search: is used by the thread only.
    """

    def __init__(self, search: PersonSearch) -> None:
        self._search = search
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="people")
        self._running: tuple[int, Future[list[Box]]] | None = None

    def start(self, image: Image, time_ns: int, followed: Sequence[Box], *, in_tile: bool) -> None:
        """Starts the search in a picture, once the search before was finished.

        Args:
            image: the picture; not to be changed until the search is finished.
            time_ns: of the picture.
            followed: see `PersonSearch.boxes`.
            in_tile: likewise.
        """
        assert self._running is None
        found = self._thread.submit(self._search.boxes, image, followed, in_tile=in_tile)
        self._running = time_ns, found

    def finish(self) -> tuple[int, list[Box]] | None:
        """Waits for the search that was started; returns the picture's time and the boxes in it.

        Returns None if none was started.
        """
        running, self._running = self._running, None
        return None if running is None else (running[0], running[1].result())

    def close(self) -> None:
        """Waits for the thread to end."""
        self._thread.shutdown()
