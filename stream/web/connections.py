"""Limits on connections: they are few, and none stays silent, so that they leave the run its open files."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["MAX_CONNECTIONS", "REQUEST_S", "limited_protocol", "most_connections"]

MAX_CONNECTIONS = 512
"""Connections at a time; beyond, the oldest that has not asked for anything is closed."""

REQUEST_S = 10.0
"""Longest time that a client may take for the head of its first request."""

_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    b'{"error":"too-many-connections","message":"too many connections: close other pages"}'
)


def most_connections() -> int:
    """Returns how many connections a server accepts: at most a third of the files that it may open."""
    if sys.platform == "win32":
        return MAX_CONNECTIONS
    import resource  # noqa: PLC0415 - not on Windows

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else max(8, min(MAX_CONNECTIONS, soft // 3))


def limited_protocol(most: Callable[[], int], request_s: float = REQUEST_S) -> type[H11Protocol]:
    """Returns uvicorn's protocol with limits, for one server.

    Args:
        most: returns the number of connections that are accepted now.
        request_s: see `REQUEST_S`.
    """
    silent: dict[H11Protocol, None] = {}  # those that have not asked for anything, oldest first

    class LimitedProtocol(H11Protocol):
        _deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            """Takes a new connection, or refuses it where there is no room."""
            super().connection_made(transport)
            if len(self.connections) > most() and not _close_oldest():
                transport.write(_FULL)
                transport.close()
                return
            silent[self] = None
            self._deadline = self.loop.call_later(request_s, self._close_silent)

        def data_received(self, data: bytes) -> None:
            """Takes bytes; the connection is no longer silent once it has asked for something."""
            super().data_received(data)
            if self.cycle is not None:
                self._forget()

        def connection_lost(self, exc: Exception | None) -> None:
            """Forgets a connection that has ended."""
            self._forget()
            super().connection_lost(exc)

        def _close_silent(self) -> None:
            if self in silent:
                del silent[self]
                self.transport.abort()

        def _forget(self) -> None:
            silent.pop(self, None)
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

    def _close_oldest() -> bool:
        oldest = next(iter(silent), None)
        if oldest is None:
            return False
        del silent[oldest]
        oldest.connections.discard(oldest)
        oldest.transport.abort()
        return True

    return LimitedProtocol
