"""Who is present: a fold over the events of visits."""

from __future__ import annotations

from collections.abc import Iterable

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
        person: who was identified; null while nobody is.
        confidence: as in the event that said so.
        walking_s: likewise; 0 while nobody is identified.
    """

    visit: str
    source: str
    tracks: tuple[int, ...]
    arrived: str
    person: str | None = None
    confidence: int | None = None
    walking_s: float = 0.0


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
        self._visits: dict[str, OpenVisit] = {}
        self._present: tuple[Presence, ...] = ()

    @property
    def present(self) -> tuple[Presence, ...]:
        """Who is present now, who came first first."""
        return self._present

    @property
    def open_visits(self) -> tuple[OpenVisit, ...]:
        """The visits that have not ended, in order of arrival."""
        return tuple(self._visits.values())

    def update(self, event: VisitEvent) -> None:
        """Follows an event."""
        if isinstance(event, Left):
            self._visits.pop(event.visit, None)
        else:
            self._visits[event.visit] = _followed(self._visits.get(event.visit), event)
        self._present = _combined(self._visits.values())


def _followed(before: OpenVisit | None, event: Arrived | Identified | Doubted) -> OpenVisit:
    if isinstance(event, Identified):
        said = (event.person, event.confidence, event.walking_s)
    else:
        said = (before.person, before.confidence, before.walking_s) if before else (None, None, 0.0)
    return OpenVisit(event.visit, event.source, event.tracks, event.arrived, *said)


def _combined(visits: Iterable[OpenVisit]) -> tuple[Presence, ...]:
    """Joins the visits of each person."""
    of_person: dict[str, list[OpenVisit]] = {}
    for visit in visits:
        key = f"visit {visit.visit}" if visit.person is None else f"person {visit.person}"
        of_person.setdefault(key, []).append(visit)
    found = [
        Presence(
            same[0].person,
            min(each.arrived for each in same),
            max((each.confidence for each in same if each.confidence is not None), default=None),
            tuple(same),
        )
        for same in of_person.values()
    ]
    return tuple(sorted(found, key=lambda each: each.since))
