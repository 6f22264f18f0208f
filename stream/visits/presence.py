"""Who is present: a fold over the events of visits."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from stream.visits.events import Arrived, Doubted, Identified, Left, VisitEvent

__all__ = ["OpenVisit", "Presence", "PresenceLog"]


class OpenVisit(msgspec.Struct, frozen=True):
    """A visit that has not ended.

    Attributes:
        visit: its id.
        source: the source's name.
        tracks: its tracks so far.
        arrived: UTC time of its first step, ISO 8601.
    """

    visit: str
    source: str
    tracks: tuple[int, ...]
    arrived: str


class Presence(msgspec.Struct, frozen=True):
    """Somebody who is present, before one source or several at once.

    Attributes:
        person: name; null for somebody who is not identified, or not yet.
        since: UTC time of the first step of the earliest visit, ISO 8601.
        confidence: probability in percent that it is this person; null as in `Decision`.
        visits: at least one; exactly one without a name.
    """

    person: str | None
    since: str
    confidence: int | None
    visits: tuple[OpenVisit, ...]


class PresenceLog:
    """Follows the events of a run; any thread may read `present` while another updates."""

    def __init__(self) -> None:
        self._visits: dict[str, tuple[OpenVisit, str | None, int | None]] = {}
        self._present: tuple[Presence, ...] = ()

    @property
    def present(self) -> tuple[Presence, ...]:
        """Who is present now, who came first first."""
        return self._present

    def update(self, event: VisitEvent) -> None:
        """Follows an event."""
        person, confidence = None, None
        if event.visit in self._visits:
            _, person, confidence = self._visits[event.visit]
        if isinstance(event, Identified):
            person, confidence = event.person, event.confidence
        if isinstance(event, Left):
            self._visits.pop(event.visit, None)
        elif isinstance(event, Arrived | Identified | Doubted):
            opened = OpenVisit(event.visit, event.source, event.tracks, event.arrived)
            self._visits[event.visit] = (opened, person, confidence)
        self._present = self._combined()

    def open_visits(self, sources: Sequence[str]) -> list[OpenVisit]:
        """Returns the visits before some sources that have not ended."""
        return [visit for visit, _, _ in self._visits.values() if visit.source in sources]

    def _combined(self) -> tuple[Presence, ...]:
        """Joins the visits of each person."""
        found: dict[str, Presence] = {}
        for visit, person, confidence in self._visits.values():
            key = visit.visit if person is None else f"person {person}"
            before = found.get(key)
            if before is None:
                found[key] = Presence(person, visit.arrived, confidence, (visit,))
                continue
            levels = [each for each in (before.confidence, confidence) if each is not None]
            found[key] = Presence(
                person, min(before.since, visit.arrived), max(levels, default=None), (*before.visits, visit)
            )
        return tuple(sorted(found.values(), key=lambda each: each.since))
