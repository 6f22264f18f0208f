"""Ends of strangers' visits that wait until it is known who the stranger is, for a bounded time."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from gallery.store.history_records import visitor_name
from stream.visits.events import Left

__all__ = ["LONGEST_WAIT_S", "HeldEvents"]

LONGEST_WAIT_S = 1.0
"""An event that waits longer is sent without the stranger's number; the gallery gets it all the same."""


@dataclass(frozen=True, slots=True)
class _Held:
    source: int
    left: Left
    until: float


class HeldEvents:
    """Events that wait. It uses no clock: times are the caller's, in monotonic seconds."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}

    def hold(self, source: int, left: Left, now: float) -> None:
        """Lets the end of a visit before a source wait for `release` or `overdue`."""
        self._held[left.visit] = _Held(source, left, now + LONGEST_WAIT_S)

    def release(self, visit: str, number: int | None) -> Left | None:
        """Returns the event of a visit with the stranger's number; None if it does not wait any more."""
        held = self._held.pop(visit, None)
        if held is None or number is None:
            return None if held is None else held.left
        return msgspec.structs.replace(held.left, visitor=visitor_name(number))

    def overdue(self, now: float) -> list[Left]:
        """Returns the events that have waited for too long, and forgets them."""
        late = [visit for visit, held in self._held.items() if held.until <= now]
        return [self._held.pop(visit).left for visit in late]

    def waits(self, source: int) -> bool:
        """Returns whether an event of a source waits."""
        return any(held.source == source for held in self._held.values())
