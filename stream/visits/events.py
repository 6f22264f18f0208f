"""Events of visits, and their JSON. `gallery.visits` makes them.

A visit is one person's passage before one source, over short breaks of tracks. Its events come in this order:
`Arrived`, any number of `Identified` and `Doubted`, `Left`. A person's answer never changes without an event.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from stream.decision import ReasonCode

__all__ = [
    "EVENT_VERSION",
    "Arrived",
    "Doubted",
    "EventKind",
    "Identified",
    "Left",
    "Outcome",
    "VisitCandidate",
    "VisitEvent",
    "event_json",
    "event_of",
]

EVENT_VERSION = 1
"""Grows when a field changes its meaning or goes away; new fields do not change it."""

Outcome = Literal["person", "unknown", "undecided"]
"""`person`: identified; `unknown`: no enrolled person fits; `undecided`: too little walking to decide."""

EventKind = Literal["arrived", "identified", "doubted", "left"]
"""All kinds of events, as in the field `event`."""


class VisitCandidate(msgspec.Struct, frozen=True):
    """An enrolled person to whom a visit was compared.

    Attributes:
        name: of the person.
        score: evidence for the person; see `stream.decision.Decision`.
        threshold: lowest score at which the person is accepted; null as in `Decision`.
    """

    name: str
    score: float
    threshold: float | None = None


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """Fields of all events.

    Attributes:
        id: unique identifier of this event, the same whenever it is sent again.
        visit: unique identifier of the visit.
        source: the source's name, as in decisions.
        time: UTC time of the event, ISO 8601.
        t: seconds since the source started; null if the visit was interrupted.
        tracks: numbers of the visit's tracks so far, in order.
        arrived: UTC time of the first step seen, ISO 8601.
        version: of the schema of events, `EVENT_VERSION`.
    """

    id: str
    visit: str
    source: str
    time: str
    t: float | None
    tracks: tuple[int, ...]
    arrived: str
    version: int = EVENT_VERSION


class Arrived(_Event, frozen=True, kw_only=True, tag="arrived"):
    """Somebody walks before a source."""


class Identified(_Event, frozen=True, kw_only=True, tag="identified"):
    """The system says who it is, for the first time or because it changed its mind.

    Attributes:
        person: name of the identified person; null if the system no longer says that it is `previous`.
        previous: name said before in this visit; null for the first time.
        reason: explanation, for people; its words may change.
        reason_code: as in `Decision`.
        score: evidence for `person`, or for the candidate if it is null; null without a candidate.
        threshold: lowest score at which that person is accepted; null as in `Decision`.
        confidence: probability in percent that the answer is right; null as in `Decision`.
        walking_s: seconds of usable walking that the answer rests on.
        after_s: seconds since the first step.
    """

    person: str | None
    previous: str | None = None
    reason: str
    reason_code: ReasonCode
    score: float | None
    threshold: float | None
    confidence: int | None
    walking_s: float
    after_s: float


class Doubted(_Event, frozen=True, kw_only=True, tag="doubted"):
    """The same person is said to be at two far places at once: one of the answers is wrong.

    Attributes:
        person: name of the person.
        other_visit: the other visit.
        other_source: its source.
    """

    person: str
    other_visit: str
    other_source: str


class Left(_Event, frozen=True, kw_only=True, tag="left"):
    """The person has left; what was decided.

    Attributes:
        outcome: `person`, `unknown` or `undecided`.
        person: name of the identified person; null unless the outcome is `person`.
        visitor: id of a remembered stranger, such as `visitor 7`; null unless strangers are remembered and
            the outcome is `unknown`.
        left: UTC time at which the person was last seen, ISO 8601.
        duration_s: seconds from the first step to the last sight.
        walking_s: seconds of usable walking that the outcome rests on.
        quality: how well the walk would serve as an enrolment, 0..1; null if the visit was interrupted.
        reason: explanation, for people; its words may change.
        reason_code: as in `Decision`.
        confidence: probability in percent that the outcome is right; null as in `Decision`.
        candidates: at most three, best first.
        changes: number of times that the system changed its mind during the visit.
        interrupted: True if the visit was cut off, because a process of the system was restarted.
    """

    outcome: Outcome
    person: str | None
    visitor: str | None = None
    left: str
    duration_s: float
    walking_s: float
    quality: float | None
    reason: str
    reason_code: ReasonCode
    confidence: int | None
    candidates: tuple[VisitCandidate, ...] = ()
    changes: int = 0
    interrupted: bool = False


VisitEvent = Arrived | Identified | Doubted | Left
"""Any event of a visit; in JSON the field `event` tells which."""

_decoder: msgspec.json.Decoder[VisitEvent] = msgspec.json.Decoder(VisitEvent)


def event_json(event: VisitEvent) -> bytes:
    """Returns the event as one line of JSON in UTF-8, without a newline."""
    return msgspec.json.encode(event)


def event_of(line: bytes) -> VisitEvent:
    """Returns the event of a line of JSON.

    Raises:
        msgspec.DecodeError: the line is no event of a known kind.
    """
    return _decoder.decode(line)
