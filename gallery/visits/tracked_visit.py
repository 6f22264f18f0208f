"""A visit that has not ended, and what is known of the source before which it takes place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gallery.open_set_decision import Track, TrackDecision
from gallery.visits.passage_linking import Motion
from gallery.visits.ranked_candidates import RankedCandidate
from gallery.visits.visit_answer import VisitAnswer

__all__ = ["Candidates", "SourceVisits", "TrackedVisit"]

_TRACKS_LEFT = 256
"""Tracks of a source whose visits have ended that are remembered, the newest."""

Candidates = Callable[[Track], Sequence[RankedCandidate]]
"""Returns the candidates of a track, best first."""


@dataclass(slots=True, eq=False)
class TrackedVisit:
    """A visit that has not ended.

    Attributes:
        id: of the visit.
        source: number of the source.
        arrived_ns: source time of its first step.
        arrived: the same as UTC.
        seen_ns: when it was last in sight, source time.
        open_until_ns: source time before which it does not end, so that windows that come late belong to it.
        longest: the newest decision on the track with the most walking.
        tracks: numbers of its tracks, in order.
        answer: who it is.
        candidates: of the track of `longest` when that ended; empty before.
        events: number of events so far.
    """

    id: str
    source: int
    arrived_ns: int
    arrived: datetime
    seen_ns: int
    longest: TrackDecision
    tracks: list[int] = field(default_factory=list)
    answer: VisitAnswer = field(default_factory=VisitAnswer)
    candidates: tuple[RankedCandidate, ...] = ()
    events: int = 0
    open_until_ns: int = 0

    @property
    def duration_ns(self) -> int:
        """From the first step to the last sight."""
        return max(0, self.seen_ns - self.arrived_ns)

    @property
    def seen(self) -> datetime:
        """When it was last in sight, UTC."""
        return self.arrived + timedelta(microseconds=self.duration_ns / 1000)

    def keep(self, decision: TrackDecision, candidates: Candidates) -> None:
        """Notes that its track was in sight; keeps the decision if the track shows the most walking."""
        self.seen_ns = max(self.seen_ns, decision.time_ns)
        if decision.track is self.longest.track or decision.seconds > self.longest.seconds:
            self.longest = decision
            self.candidates = tuple(candidates(decision.track)) if decision.final else ()

    def complete(self, candidates: Candidates) -> None:
        """Fills in the candidates where the track has not ended."""
        if not self.candidates:
            self.candidates = tuple(candidates(self.longest.track))


@dataclass(slots=True)
class SourceVisits:
    """What is known of one source.

    Attributes:
        time_ns: the source's time.
        tick_ns: the same as its newest tick says.
        motions: of the tracks in sight and those of open visits, by track.
        visits: open visits, in order of arrival.
        of_track: the visit of each track of an open visit.
        unproven: tracks that belong to a visit by place and size alone, so far.
        split_from: for a track that split off another: that track, whose visit it does not continue.
        left_ns: for a track of a visit that has ended: the source's time at which that was told.
    """

    time_ns: int = 0
    tick_ns: int = 0
    motions: dict[int, Motion] = field(default_factory=dict)
    visits: list[TrackedVisit] = field(default_factory=list)
    of_track: dict[int, TrackedVisit] = field(default_factory=dict)
    unproven: set[int] = field(default_factory=set)
    split_from: dict[int, int] = field(default_factory=dict)
    left_ns: dict[int, int] = field(default_factory=dict)

    def join(self, visit: TrackedVisit, track: int) -> None:
        """Lets a track belong to a visit."""
        visit.tracks.append(track)
        self.of_track[track] = visit
        motion = self.motions.get(track)
        if motion is not None:
            visit.seen_ns = max(visit.seen_ns, motion.last.time_ns)

    def part(self, visit: TrackedVisit, track: int) -> None:
        """Takes the newest track from a visit, to which it does not belong."""
        visit.tracks.remove(track)
        del self.of_track[track]
        visit.seen_ns = max(self.motions[each].last.time_ns for each in visit.tracks)

    def remove(self, visit: TrackedVisit) -> None:
        """Forgets a visit that has ended, and of its tracks all but the time."""
        self.visits.remove(visit)
        for track in visit.tracks:
            self._forget(track)
            self.left_ns.pop(track, None)
            self.left_ns[track] = self.time_ns
        for track in list(self.left_ns)[:-_TRACKS_LEFT]:
            del self.left_ns[track]

    def is_late(self, decision: TrackDecision) -> bool:
        """Returns whether a decision is of a time at which the end of its track's visit was already told."""
        left_ns = self.left_ns.get(decision.track.number)
        return left_ns is not None and decision.time_ns <= left_ns

    def forget_tracks(self, before_ns: int) -> None:
        """Forgets tracks without a visit that were last in sight before a source time."""
        for track, motion in list(self.motions.items()):
            if track not in self.of_track and motion.last.time_ns < before_ns:
                self._forget(track)

    def _forget(self, track: int) -> None:
        self.of_track.pop(track, None)
        self.motions.pop(track, None)
        self.split_from.pop(track, None)
        self.unproven.discard(track)
