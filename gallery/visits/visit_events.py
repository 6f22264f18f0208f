"""The events of a visit, made from its state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from gallery.matcher_settings import SourceCard
from gallery.visits.finished_visit import FinishedVisit
from gallery.visits.tracked_visit import SourceVisits, TrackedVisit
from gallery.visits.visit_answer import AnswerChange
from stream.visits.events import Arrived, Doubted, Identified, Left
from stream.walk_views import format_views

__all__ = ["EventMaker"]

_REMOVED = "the person was removed from the gallery"


@dataclass(frozen=True, slots=True)
class EventMaker:
    """Makes the events of visits.

    Attributes:
        cards: one for each source number.
        contract: of the encoder.
    """

    cards: Sequence[SourceCard]
    contract: str

    def arrived(self, source: SourceVisits, visit: TrackedVisit, now: datetime) -> Arrived:
        """Returns the event that begins a visit."""
        return Arrived(**self._common(source, visit, now))

    def identified(
        self, source: SourceVisits, visit: TrackedVisit, change: AnswerChange, now: datetime
    ) -> Identified:
        """Returns the event of a change of the answer."""
        decision = change.decision
        if decision is None:
            return self._followed_gallery(source, visit, change, now)
        return Identified(
            **self._common(source, visit, now),
            person=change.person,
            previous=change.previous,
            reason=decision.reason,
            reason_code=decision.reason_code,
            score=_rounded(decision.score),
            threshold=_rounded(decision.threshold),
            confidence=decision.confidence,
            walking_s=round(decision.seconds, 1),
            after_s=round(max(0, source.time_ns - visit.arrived_ns) / 1e9, 2),
        )

    def _followed_gallery(
        self, source: SourceVisits, visit: TrackedVisit, change: AnswerChange, now: datetime
    ) -> Identified:
        """Returns the event of a person who was renamed or removed."""
        support = visit.answer.support
        return Identified(
            **self._common(source, visit, now),
            person=change.person,
            previous=change.previous,
            reason=_REMOVED if change.person is None else "the person was renamed in the gallery",
            reason_code="gallery-changed",
            score=_rounded(support.score) if support else None,
            threshold=_rounded(support.threshold) if support else None,
            confidence=support.confidence if support else None,
            walking_s=round(visit.longest.seconds, 1),
            after_s=round(max(0, source.time_ns - visit.arrived_ns) / 1e9, 2),
        )

    def doubted(
        self, source: SourceVisits, visit: TrackedVisit, person: str, other: TrackedVisit, now: datetime
    ) -> Doubted:
        """Returns the event of two visits of one person that cannot both be right."""
        return Doubted(
            **self._common(source, visit, now),
            person=person,
            other_visit=other.id,
            other_source=self.cards[other.source].name,
        )

    def left(self, source: SourceVisits, visit: TrackedVisit, now: datetime) -> Left:
        """Returns the event that ends a visit."""
        said = visit.longest.candidate if visit.longest.state == "person" else None
        agrees = said == visit.answer.person
        reasoned = visit.longest if agrees else visit.answer.support
        return Left(
            **self._common(source, visit, now),
            outcome=visit.answer.outcome(visit.longest),
            person=visit.answer.person,
            left=_text(visit.seen),
            duration_s=round(visit.duration_ns / 1e9, 2),
            walking_s=round(visit.longest.seconds, 1),
            quality=round(visit.longest.quality, 3),
            reason=reasoned.reason if reasoned else _REMOVED,
            reason_code=reasoned.reason_code if reasoned else "gallery-changed",
            confidence=reasoned.confidence if reasoned else None,
            candidates=tuple(each.shown for each in visit.candidates),
            changes=visit.answer.changes,
        )

    def finished(self, visit: TrackedVisit, left: Left) -> FinishedVisit:
        """Returns what later comparisons need of a visit that has ended."""
        scores = visit.longest.track.scores
        rows = scores.templates.rows
        return FinishedVisit(
            left,
            self.cards[visit.source].sensor,
            self.contract,
            scores.pose_model,
            format_views(scores.seen_views),
            scores.windows,
            np.stack(rows) if rows else np.zeros((0, 0, 0), np.float32),
            scores.statistics.segments.mean,
            tuple(each.person for each in visit.candidates),
            visit.answer.person_id,
        )

    def _common(self, source: SourceVisits, visit: TrackedVisit, now: datetime) -> dict[str, Any]:
        """Returns the fields of every event, for the visit's next one."""
        visit.events += 1
        return {
            "id": f"{visit.id}-{visit.events}",
            "visit": visit.id,
            "source": self.cards[visit.source].name,
            "time": _text(now),
            "t": round(source.time_ns / 1e9, 3),
            "tracks": tuple(visit.tracks),
            "arrived": _text(visit.arrived),
        }


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)


def _text(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds")
