"""Figures of visits: events matched with the passages that really were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stream.visits.events import Arrived, Doubted, Identified, Left, VisitEvent
from tools.trials.visits.stage import Passage

__all__ = ["IDENTIFIED_WITHIN_S", "LEFT_WITHIN_S", "Figures", "VisitRecord", "collect_visits", "measure"]

LEFT_WITHIN_S = 3.0
IDENTIFIED_WITHIN_S = 5.0
"""What the figures count as soon enough, seconds."""


@dataclass(slots=True)
class VisitRecord:
    """What the events said about one visit.

    Attributes:
        tracks: of its last event.
        said: time (s of the source) and person of each `identified`.
        silent: number of answers that changed without an event that says so.
        left_t: time (s of the source) of `left`; None if it never came.
        person: name in `left`.
        outcome: of `left`; empty if it never came.
    """

    tracks: tuple[int, ...] = ()
    said: list[tuple[float, str | None]] = field(default_factory=list)
    silent: int = 0
    left_t: float | None = None
    person: str | None = None
    outcome: str = ""

    @property
    def answer(self) -> str | None:
        """The person said last."""
        return self.said[-1][1] if self.said else None


@dataclass(slots=True)
class Figures:
    """Counts over scenes.

    Attributes:
        passages: that really were.
        exact: passages that are exactly one visit, which shows nobody else.
        missed: passages without a visit.
        divided: passages with several visits.
        visits: all visits.
        two_people: visits that join passages of two people.
        two_passages: visits that join two passages of one person.
        silent: answers that changed without an event.
        changes: changes of mind after the first name.
        doubts: events `doubted`.
        known: passages of enrolled people.
        first_right, first_wrong: first names in those.
        left_right, left_wrong: names at the end of those.
        strangers: passages of strangers.
        strangers_ever: those that ever had a name.
        strangers_left: those that have one at the end.
        left_after: seconds from the last sight to `left`, of each passage all of whose visits have ended.
        identified_after: seconds from the first step to the first name, of enrolled people.
        walked: passages of enrolled people of at least `IDENTIFIED_WITHIN_S`.
        late: those of them without a name by then.
    """

    passages: int = 0
    exact: int = 0
    missed: int = 0
    divided: int = 0
    visits: int = 0
    two_people: int = 0
    two_passages: int = 0
    silent: int = 0
    changes: int = 0
    doubts: int = 0
    known: int = 0
    first_right: int = 0
    first_wrong: int = 0
    left_right: int = 0
    left_wrong: int = 0
    strangers: int = 0
    strangers_ever: int = 0
    strangers_left: int = 0
    left_after: list[float] = field(default_factory=list)
    identified_after: list[float] = field(default_factory=list)
    walked: int = 0
    late: int = 0

    def add(self, other: Figures) -> None:
        """Adds the counts of another scene."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def collect_visits(events: Iterable[VisitEvent]) -> dict[str, VisitRecord]:
    """Returns what the events of a run said, by the visit's id, in order of arrival."""
    visits: dict[str, VisitRecord] = {}
    for event in events:
        visit = visits.setdefault(event.visit, VisitRecord())
        visit.tracks = event.tracks
        match event:
            case Identified():
                visit.silent += event.previous != visit.answer
                visit.said.append((event.t or 0.0, event.person))
            case Left():
                visit.silent += event.person != visit.answer
                visit.left_t, visit.person, visit.outcome = event.t, event.person, event.outcome
            case Arrived() | Doubted():
                pass
    return visits


def measure(
    passages: Sequence[Passage],
    shown: Mapping[int, Counter[int]],
    events: Sequence[VisitEvent],
    enrolled: Iterable[str],
) -> Figures:
    """Compares the events of a run with the truth.

    Args:
        passages: that really were, before all sources.
        shown: how many frames of which passages (places in `passages`) each track shows.
        events: of the run.
        enrolled: names of the enrolled people.
    """
    visits = collect_visits(events)
    parts = {key: _shown_by(visit, shown) for key, visit in visits.items()}
    found = Figures(
        passages=len(passages),
        visits=len(visits),
        silent=sum(visit.silent for visit in visits.values()),
        changes=sum(max(0, len(visit.said) - 1) for visit in visits.values()),
        doubts=sum(isinstance(event, Doubted) for event in events),
    )
    for part in parts.values():
        people = {passages[place].person for place in part}
        found.two_people += len(people) > 1
        found.two_passages += len(part) > len(people)
    names = set(enrolled)
    for place, passage in enumerate(passages):
        own = [visits[key] for key, part in parts.items() if place in part]
        whole = len(own) == 1 and sum(place in part and len(part) == 1 for part in parts.values()) == 1
        found.missed += not own
        found.divided += len(own) > 1
        found.exact += whole
        _add_names(found, passage, own, known=passage.person in names)
        _add_times(found, passage, own, known=passage.person in names)
    return found


def _shown_by(visit: VisitRecord, shown: Mapping[int, Counter[int]]) -> Counter[int]:
    part: Counter[int] = Counter()
    for track in visit.tracks:
        part.update(shown.get(track, Counter()))
    return part


def _add_names(found: Figures, passage: Passage, visits: Sequence[VisitRecord], *, known: bool) -> None:
    said = sorted((t, person) for visit in visits for t, person in visit.said if person is not None)
    first = said[0][1] if said else None
    last = max(visits, key=lambda visit: visit.left_t or 0.0).person if visits else None
    if known:
        found.known += 1
        found.first_right += first == passage.person
        found.first_wrong += first not in (None, passage.person)
        found.left_right += last == passage.person
        found.left_wrong += last not in (None, passage.person)
    else:
        found.strangers += 1
        found.strangers_ever += first is not None
        found.strangers_left += last is not None


def _add_times(found: Figures, passage: Passage, visits: Sequence[VisitRecord], *, known: bool) -> None:
    left = [visit.left_t for visit in visits]
    times = [each for each in left if each is not None]
    if times and len(times) == len(left):
        found.left_after.append(max(times) - passage.end_ns / 1e9)
    if not known:
        return
    named = [t for visit in visits for t, person in visit.said if person is not None]
    after = min(named) - passage.start_ns / 1e9 if named else None
    if after is not None:
        found.identified_after.append(after)
    if passage.seconds >= IDENTIFIED_WITHIN_S:
        found.walked += 1
        found.late += after is None or after > IDENTIFIED_WITHIN_S
