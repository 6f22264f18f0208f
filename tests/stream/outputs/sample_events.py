"""Events of visits as a run gives them, and the running system as outputs see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import cast

from stream.bus.messages import Verdict
from stream.errors import GalleryError
from stream.system.live import Live
from stream.system.notices import Notice, Notifier
from stream.view.skeleton_receiver import SkeletonReceiver
from stream.visits.events import Arrived, Doubted, Identified, Left, VisitCandidate, VisitEvent
from stream.visits.presence import Presence, PresenceLog

__all__ = ["SampleRun", "arrived", "doubted", "identified", "left", "visit"]

_ARRIVED = "2026-01-12T09:30:12.000+00:00"


def arrived(visit: str, source: str = "door") -> Arrived:
    return Arrived(
        id=f"{visit}-1",
        visit=visit,
        source=source,
        time="2026-01-12T09:30:12.500+00:00",
        t=1.5,
        tracks=(1,),
        arrived=_ARRIVED,
    )


def identified(
    visit: str, person: str | None, source: str = "door", previous: str | None = None
) -> Identified:
    return Identified(
        id=f"{visit}-2-{person}",
        visit=visit,
        source=source,
        time="2026-01-12T09:30:15.000+00:00",
        t=4.0,
        tracks=(1, 3),
        arrived=_ARRIVED,
        person=person,
        previous=previous,
        reason="score reaches the threshold",
        reason_code="accepted",
        score=3.5,
        threshold=0.5,
        confidence=97,
        walking_s=2.5,
        after_s=3.0,
    )


def doubted(visit: str, person: str) -> Doubted:
    return Doubted(
        id=f"{visit}-3",
        visit=visit,
        source="door",
        time="2026-01-12T09:30:16.000+00:00",
        t=5.0,
        tracks=(1, 3),
        arrived=_ARRIVED,
        person=person,
        other_visit="v9",
        other_source="yard",
    )


def left(visit: str, person: str | None = None, source: str = "door") -> Left:
    return Left(
        id=f"{visit}-4",
        visit=visit,
        source=source,
        time="2026-01-12T09:30:22.000+00:00",
        t=11.0,
        tracks=(1, 3),
        arrived=_ARRIVED,
        outcome="person" if person else "unknown",
        person=person,
        left="2026-01-12T09:30:21.000+00:00",
        duration_s=9.0,
        walking_s=7.5,
        quality=0.75,
        reason="score reaches the threshold" if person else "score is below the threshold",
        reason_code="accepted" if person else "stranger",
        confidence=97,
        candidates=(VisitCandidate("Ada", 3.5, 0.5), VisitCandidate("Ben / [b]+#", -1.0)),
    )


def visit(name: str, person: str | None = "Ada") -> list[VisitEvent]:
    """Returns the events of one visit."""
    named: list[VisitEvent] = [] if person is None else [identified(name, person)]
    return [arrived(name), *named, left(name, person)]


class SampleRun:
    """The running system as outputs see it.

    Args:
        people: names of the enrolled people.
        results: what `results` yields before it raises `error`, if that is given.
        drained: what `drain` yields.
        error: see there.

    Attributes:
        notices: all notices so far.
        enrolled: names of the enrolled people; None while the gallery cannot be read.
        begin: called before the first result.
        skeletons: those of the run.
    """

    def __init__(
        self,
        people: Sequence[str] = (),
        results: Sequence[Verdict | VisitEvent] = (),
        drained: Sequence[Verdict | VisitEvent] = (),
        error: BaseException | None = None,
    ) -> None:
        self.notices: list[Notice] = []
        self.enrolled: Sequence[str] | None = people
        self.begin: Callable[[], object] = lambda: None
        self.skeletons = SkeletonReceiver()
        self._log = PresenceLog()
        self.live = cast(
            "Live",
            SimpleNamespace(
                notifier=Notifier(lambda text: None, self.notices.append),
                people=self._people,
                presence=self._presence,
                skeletons=self.skeletons,
                infos=[SimpleNamespace(name="door"), SimpleNamespace(name="yard")],
                results=lambda: self._yield(results, error),
                drain=lambda: self._yield(drained, None),
            ),
        )

    def _people(self) -> tuple[str, ...]:
        if self.enrolled is None:
            msg = "the gallery is locked"
            raise GalleryError(msg)
        return tuple(self.enrolled)

    def _presence(self) -> tuple[Presence, ...]:
        return self._log.present

    def _yield(
        self, results: Sequence[Verdict | VisitEvent], error: BaseException | None
    ) -> Iterator[Verdict | VisitEvent]:
        self.begin()
        for result in results:
            yield result if isinstance(result, Verdict) else self.happens(result)
        if error is not None:
            raise error

    def happens(self, event: VisitEvent) -> VisitEvent:
        """Returns the event, as `Live` does: presence follows it first."""
        self._log.update(event)
        return event

    def told(self, kind: str) -> list[str]:
        """Returns the texts of all notices of a kind."""
        return [notice.text for notice in list(self.notices) if notice.kind == kind]
