"""Links tracks that begin to the visits whose tracks broke: when, by what, and what a later look corrects."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gallery.open_set_decision import Track, TrackDecision
from gallery.visits.passage_linking import link_cost
from gallery.visits.tracked_visit import SourceVisits, TrackedVisit
from gallery.visits.walk_likeness import Likeness

__all__ = ["TrackLinker"]

_DECIDE_NS = 600_000_000
"""Longest wait for the walk of a new track, before place and size alone decide which visit it continues."""

_LOST_NS = 300_000_000
"""A track without a place for this time is out of sight."""

_WINDOWS = 3
"""Windows of a new track from which its walk is compared."""


@dataclass(frozen=True, slots=True)
class TrackLinker:
    """Decides which visit a new track continues.

    A new track waits until its walk can be compared. If that takes too long, place and size decide, and the
    walk is compared afterwards: a track that turns out to show somebody else leaves the visit again.

    Attributes:
        likeness: of the walks of two tracks; see `gallery.visits.walk_likeness`.
    """

    likeness: Likeness

    def link_seen(self, source: SourceVisits, number: int) -> TrackedVisit | None:
        """Links a track that was in sight for long enough without a walk; returns its visit."""
        return None if _is_young(source, number) else self._link(source, number)

    def link_lost(self, source: SourceVisits) -> None:
        """Links short tracks that are out of sight again, so that visits go on over them."""
        for number, motion in list(source.motions.items()):
            if number not in source.of_track and source.time_ns - motion.last.time_ns >= _LOST_NS:
                self._link(source, number)

    def link_walking(self, source: SourceVisits, decision: TrackDecision) -> TrackedVisit | None:
        """Returns the visit of a track that walks; links it, or takes back a link that its walk disproves."""
        number = decision.track.number
        visit = source.of_track.get(number)
        if visit is not None and number in source.unproven and decision.track.scores.windows >= _WINDOWS:
            source.unproven.remove(number)
            if number == visit.tracks[-1] and self._cost(source, visit, number, decision.track) is None:
                source.part(visit, number)
                visit = None
        if visit is None and not self.waits(source, decision):
            visit = self._link(source, number, decision.track)
        return visit

    def waits(self, source: SourceVisits, decision: TrackDecision) -> bool:
        """Returns whether the walk of a track that may continue a visit is still too short to be compared."""
        number = decision.track.number
        if decision.final or decision.track.scores.windows >= _WINDOWS or not _is_young(source, number):
            return False
        return any(_may_continue(source, visit, number) for visit in _broken_before(source, number))

    def awaits(self, source: SourceVisits, visit: TrackedVisit) -> bool:
        """Returns whether a new track may still turn out to continue a visit."""
        return any(
            number not in source.of_track
            and _is_young(source, number)
            and visit in _broken_before(source, number)
            and _may_continue(source, visit, number)
            for number in source.motions
        )

    def _link(self, source: SourceVisits, number: int, track: Track | None = None) -> TrackedVisit | None:
        """Lets a new track continue the visit that it fits best; returns it.

        Args:
            source: of the track.
            number: of the track.
            track: to compare its walk; None before it has one.
        """
        best: tuple[float, TrackedVisit] | None = None
        for visit in _broken_before(source, number):
            cost = self._cost(source, visit, number, track)
            if cost is not None and (best is None or cost < best[0]):
                best = (cost, visit)
        if best is None:
            return None
        source.join(best[1], number)
        if track is None:
            source.unproven.add(number)
        return best[1]

    def _cost(
        self, source: SourceVisits, visit: TrackedVisit, number: int, track: Track | None
    ) -> float | None:
        before = next(other for other in reversed(visit.tracks) if other != number)
        likeness = self.likeness(visit.longest.track, track) if track is not None else None
        return link_cost(source.motions[before], source.motions[number], likeness)


def _broken_before(source: SourceVisits, number: int) -> list[TrackedVisit]:
    """Returns the visits that were out of sight when a track began."""
    motion = source.motions.get(number)
    if motion is None:
        return []
    other = source.of_track.get(source.split_from.get(number, 0))
    first_ns = motion.first.time_ns
    return [visit for visit in source.visits if visit is not other and visit.seen_ns < first_ns]


def _may_continue(source: SourceVisits, visit: TrackedVisit, number: int) -> bool:
    """Returns whether a track would continue a visit if their walks were alike."""
    before, after = source.motions[visit.tracks[-1]], source.motions[number]
    return link_cost(before, after, math.inf) is not None


def _is_young(source: SourceVisits, number: int) -> bool:
    motion = source.motions.get(number)
    return motion is not None and source.time_ns - motion.first.time_ns < _DECIDE_NS
