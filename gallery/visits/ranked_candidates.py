"""The best candidates of a track, as events of visits show them."""

from __future__ import annotations

from dataclasses import dataclass

from gallery.open_set_decision import DecisionRule, Track
from stream.visits.events import VisitCandidate

__all__ = ["RankedCandidate", "ranked_candidates"]

_CANDIDATES = 3


@dataclass(frozen=True, slots=True)
class RankedCandidate:
    """A candidate of a track.

    Attributes:
        person: id of the person.
        shown: as events show it.
    """

    person: int
    shown: VisitCandidate


def ranked_candidates(rule: DecisionRule, track: Track) -> list[RankedCandidate]:
    """Returns the best candidates of a track with their thresholds, best first."""
    found = []
    for each in rule.ranking(track)[:_CANDIDATES]:
        threshold = rule.threshold(track, each)
        limit = None if threshold is None else round(threshold, 4)
        shown = VisitCandidate(rule.index.names[each.person], round(each.score, 4), limit)
        found.append(RankedCandidate(each.person, shown))
    return found
