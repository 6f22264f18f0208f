"""Records of visits that the gallery takes and returns. No repr shows values of templates."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from gallery.store.records import NewEnrolment
from stream.body import FloatArray
from stream.decision import ReasonCode
from stream.visits.events import Outcome, VisitCandidate
from stream.walk_views import View

__all__ = [
    "DeniedVisit",
    "NewCandidate",
    "NewVisit",
    "RememberedVisitor",
    "StoredVisit",
    "Truth",
    "VisitWalk",
    "visitor_name",
]

Truth = Literal["confirmed", "denied"]
"""What somebody recorded about a visit: the outcome was right, or it was wrong."""


def visitor_name(number: int) -> str:
    """Returns the id of a remembered stranger, for people and events."""
    return f"visitor {number}"


@dataclass(frozen=True, slots=True, eq=False)
class VisitWalk:
    """What is kept of the walk of a visit, to compare it again.

    Attributes:
        contract_id: contract of the encoder.
        sensor: kind of sensor.
        windows: number of windows that the templates are means of.
        templates: (m, f, D) float32; stored with half precision.
        statistics: (S,) float32 of its segments; empty where there are none.
        pose_model: the model that estimated the poses; None for a sensor that measures joints.
        view: the views that the walk shows, see `stream.walk_views`; None if not known.
        seconds: duration of usable walking.
        quality: 0..1.
    """

    contract_id: str
    sensor: str
    windows: int
    templates: FloatArray = field(repr=False)
    statistics: FloatArray = field(repr=False)
    pose_model: str | None
    view: str | None
    seconds: float
    quality: float

    def as_enrolment(self) -> NewEnrolment:
        """Returns the walk as one that can be enrolled."""
        return NewEnrolment(
            self.contract_id,
            self.sensor,
            self.seconds,
            self.quality,
            self.templates,
            self.statistics,
            self.pose_model,
            self.view,
        )


@dataclass(frozen=True, slots=True)
class NewCandidate:
    """A person whom a visit was compared with.

    Attributes:
        person_id: id of the person.
        score: evidence for the person.
        threshold: lowest score at which the person is accepted; None where there is none.
    """

    person_id: int
    score: float
    threshold: float | None


@dataclass(frozen=True, slots=True, eq=False)
class NewVisit:
    """A visit that has ended, to be stored.

    Attributes:
        id: unique identifier of the visit.
        source: the source's name.
        sensor: kind of sensor.
        arrived_at: time of the first step (aware).
        left_at: time at which the person was last seen (aware).
        keep_until: when the visit is to be deleted (aware).
        walking_s: seconds of usable walking.
        windows: number of windows of evidence.
        quality: 0..1.
        outcome: what was decided.
        person_id: id of the identified person; None unless the outcome is `person`.
        reason_code: why.
        confidence: in percent; None where it is not known.
        changes: number of times that the answer changed.
        interrupted: whether the visit was cut off.
        view: the views that the walk shows, see `stream.walk_views`; empty if not known.
        comparison: what the scores belong to: the version of a back-end.
        people: number of people that it was compared with.
        fpir: the share of strangers that may be named; None where strangers are not rejected.
        candidates: best first.
        walk: None where nothing of the walk is kept.
    """

    id: str
    source: str
    sensor: str
    arrived_at: datetime
    left_at: datetime
    keep_until: datetime
    walking_s: float
    windows: int
    quality: float
    outcome: Outcome
    person_id: int | None
    reason_code: ReasonCode
    confidence: int | None
    changes: int
    interrupted: bool
    view: str
    comparison: str
    people: int
    fpir: float | None
    candidates: tuple[NewCandidate, ...] = ()
    walk: VisitWalk | None = None


@dataclass(frozen=True, slots=True)
class StoredVisit:
    """A stored visit, with the present names of people; see `NewVisit` for the other fields.

    Attributes:
        person: name of the identified person; where the outcome is `unknown`, of the stranger who was
            enrolled afterwards (`sge-stream people adopt`).
        visitor: such as `visitor 7`; None for anybody else than a remembered stranger.
        views: that the walk shows.
        candidates: best first; people who were removed are missing.
        truth: None while nobody recorded it.
        was: name of the person that it was, where the outcome was denied.
        kept: whether templates of the walk are stored.
    """

    id: str
    source: str
    sensor: str
    arrived_at: datetime
    left_at: datetime
    walking_s: float
    windows: int
    quality: float
    outcome: Outcome
    person: str | None
    visitor: str | None
    reason_code: ReasonCode
    confidence: int | None
    changes: int
    interrupted: bool
    views: tuple[View, ...]
    comparison: str
    people: int
    fpir: float | None
    candidates: tuple[VisitCandidate, ...]
    truth: Truth | None
    was: str | None
    kept: bool


@dataclass(frozen=True, slots=True)
class DeniedVisit:
    """A visit that was said to be a person's, and was somebody else's.

    Attributes:
        person_id: whose it was said to be.
        sensor: kind of sensor.
        score: evidence for that person.
        windows: number of windows of evidence.
        people: number of people that it was compared with.
        was_enrolled: whether it was somebody who is enrolled.
    """

    person_id: int
    sensor: str
    score: float
    windows: int
    people: int
    was_enrolled: bool


@dataclass(frozen=True, slots=True, eq=False)
class RememberedVisitor:
    """A stranger who is remembered.

    Attributes:
        number: as in `visitor 7`.
        walks: kept of the visits, oldest first; at least one.
    """

    number: int
    walks: tuple[VisitWalk, ...] = field(repr=False)
