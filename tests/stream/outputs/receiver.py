"""A receiver of a delivery that behaves as told."""

from __future__ import annotations

from collections.abc import Callable

from stream.visits.events import VisitEvent

__all__ = ["Peer"]


class Peer:
    """A receiver that behaves as told."""

    def __init__(self, fail: Callable[[int], Exception | None] = lambda attempt: None) -> None:
        self.received: list[VisitEvent] = []
        self.attempts = 0
        self.maintained = 0
        self.closed = 0
        self.fail = fail

    def deliver(self, event: VisitEvent) -> None:
        self.attempts += 1
        error = self.fail(self.attempts)
        if error is not None:
            raise error
        self.received.append(event)

    def maintain(self) -> None:
        self.maintained += 1
        error = self.fail(0)
        if error is not None:
            raise error

    def close(self) -> None:
        self.closed += 1
