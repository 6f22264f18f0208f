"""The answer of a visit: who it is, said once the decisions agree, and changed only after lasting evidence.

The decision rule may name and unname a track ten times a second. A visit says a name when `FIRST_DECISIONS`
decisions in a row name the same person, and changes or withdraws it after `CHANGE_S` seconds of walking in
which all decisions say otherwise: name another, or hold it for more likely than not that it is somebody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gallery.open_set_decision import TrackDecision
from stream.visits.events import Outcome

__all__ = ["CHANGE_S", "FIRST_DECISIONS", "AnswerChange", "VisitAnswer"]

FIRST_DECISIONS = 3
"""Decisions in a row that name a person before it is said."""

CHANGE_S = 1.5
"""Seconds of walking in which all decisions must contradict what was said."""

_WITHDRAWN = 50
"""Confidence in percent that it is somebody else, from which a decision contradicts a name: a name is said
where it is nearly certain, and walks near that limit would lose it again and again."""

_ENOUGH_S = 3.0
"""Walking from which a decision may contradict an answer that rests on more."""


@dataclass(frozen=True, slots=True)
class AnswerChange:
    """What a visit says from now on.

    Attributes:
        person: name; None if the answer before is withdrawn.
        previous: what was said before.
        decision: the decision that led to it; None if the gallery did.
    """

    person: str | None
    previous: str | None
    decision: TrackDecision | None


@dataclass(slots=True)
class VisitAnswer:
    """Follows the decisions on the tracks of one visit.

    Attributes:
        person: name of who is said to be there; None while nobody is.
        person_id: id of the same.
        changes: number of changes after the first name.
        support: the newest decision that says the same; None while there is none.
    """

    person: str | None = None
    person_id: int | None = None
    changes: int = 0
    support: TrackDecision | None = None
    _seconds: float = 0.0
    """Walking that the answer rests on."""
    _named: bool = False
    """Whether a name was ever said."""
    _claim: str | None = None
    """Whom the latest decisions name."""
    _track: int = 0
    _agreeing: int = 0
    """Decisions in a row with this claim."""
    _since_s: float = 0.0
    """Walking at the first of them."""

    def follow(self, decision: TrackDecision) -> AnswerChange | None:
        """Follows a decision on a track of the visit; returns what changes by it."""
        if decision.state == "collecting":
            return None
        claim = decision.candidate if decision.state == "person" else None
        if claim is None and self._still_likely(decision):
            claim = self.person
        track = decision.track.number
        if claim != self._claim or track != self._track:
            self._claim, self._track = claim, track
            self._agreeing, self._since_s = 0, decision.seconds
        self._agreeing += 1
        if claim == self.person:
            if claim is None or decision.state == "person":
                self._seconds = max(self._seconds, decision.seconds)
                self.support = decision
            return None
        if not self._convinces(decision):
            return None
        change = AnswerChange(claim, self.person, decision)
        self.changes += self._named
        self._named = True
        self.person, self._seconds, self.support = claim, decision.seconds, decision
        self.person_id = None if claim is None else decision.candidate_id
        return change

    def settle(self, longest: TrackDecision) -> AnswerChange | None:
        """Returns what changes when the visit ends: the last decision may name a visit that nobody named."""
        if self._named or longest.state != "person":
            return None
        return self.follow(replace(longest, final=True))

    def follow_people(self, names: Mapping[int, str]) -> AnswerChange | None:
        """Returns what changes when the person was renamed or removed.

        Args:
            names: of all enrolled people, by id.
        """
        if self.person is None or self.person_id is None:
            return None
        name = names.get(self.person_id)
        if name == self.person:
            return None
        change = AnswerChange(name, self.person, None)
        self.person, self._claim, self._agreeing = name, name, 0
        if name is None:
            self.person_id = self.support = None
        return change

    def _still_likely(self, decision: TrackDecision) -> bool:
        """Returns whether it is more likely than not the person who was named, though not surely enough."""
        confidence = decision.confidence
        return decision.candidate == self.person and confidence is not None and confidence < _WITHDRAWN

    def _convinces(self, decision: TrackDecision) -> bool:
        """Returns whether the decisions so far suffice to change the answer."""
        if not self._named:
            return self._agreeing >= FIRST_DECISIONS or decision.final
        if decision.seconds < min(self._seconds, _ENOUGH_S):
            return False
        return decision.seconds - self._since_s >= CHANGE_S

    def outcome(self, longest: TrackDecision) -> Outcome:
        """Returns the outcome of a visit that ends.

        Args:
            longest: the last decision on the track with the most walking.
        """
        if self.person is not None:
            return "person"
        return "undecided" if longest.state == "collecting" else "unknown"
