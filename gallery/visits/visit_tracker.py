"""Visits from tracks: links the tracks of one passage, follows their decisions, and tells of each visit.

It uses neither sockets nor clocks: the same ticks, decisions and times give the same events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gallery.matcher_settings import SourceCard
from gallery.open_set_decision import TrackDecision
from gallery.visits.finished_visit import FinishedVisit
from gallery.visits.passage_linking import LONGEST_BREAK_S, Motion
from gallery.visits.track_linking import TrackLinker
from gallery.visits.tracked_visit import Candidates, SourceVisits, TrackedVisit
from gallery.visits.visit_events import EventMaker
from gallery.visits.walk_likeness import Likeness
from stream.bus.messages import Tick, TrackPlace
from stream.visits.events import VisitEvent

__all__ = ["VisitNews", "VisitTracker"]

_STARTS_ANEW_NS = 1_000_000_000
"""A source whose time falls by more than this has started anew; between frames its time is estimated."""

_TOGETHER_NS = 1_000_000_000
"""Two visits are at the same time if both were in sight within this time."""

_BREAK_NS = round(LONGEST_BREAK_S * 1e9)


@dataclass(frozen=True, slots=True, eq=False)
class VisitNews:
    """An event of a visit.

    Attributes:
        event: for users.
        finished: the visit that has ended, with `Left`; else None.
    """

    event: VisitEvent
    finished: FinishedVisit | None = None


class VisitTracker:
    """Follows the visits before all sources of a run.

    Args:
        run: prefix of the visits' ids, unique among all runs.
        sources: one for each source number.
        contract: of the encoder.
        candidates: returns the candidates of a track, best first.
        places: the place of each source number; empty if nothing is known of places.
        likeness: returns how alike the walks of two tracks of one source are, see
            `gallery.visits.walk_likeness`; None if that is not known.

    Attributes:
        late: number of windows that came when the visit of their track had ended, so that it does not count
            them: of several encoders, theirs was slower than the one that brought the time.
    """

    def __init__(
        self,
        run: str,
        sources: Sequence[SourceCard],
        contract: str,
        candidates: Candidates,
        places: Sequence[str] = (),
        likeness: Likeness = lambda track, other: None,
    ) -> None:
        self._run = run
        self._candidates = candidates
        self._places = places
        self._linker = TrackLinker(likeness)
        self._make = EventMaker(sources, contract)
        self._sources = [SourceVisits() for _ in sources]
        self._opened = 0
        self.late = 0

    @property
    def in_view(self) -> int:
        """Number of open visits."""
        return sum(len(source.visits) for source in self._sources)

    def observe(self, tick: Tick, decisions: Iterable[TrackDecision], now: datetime) -> list[VisitNews]:
        """Follows the next tick of a source.

        Args:
            tick: of the source.
            decisions: the matcher's on the tracks of this tick, in order.
            now: the time of the tick, aware.
        """
        source = self._sources[tick.source]
        news: list[VisitNews] = []
        if tick.time_ns < source.tick_ns - _STARTS_ANEW_NS and not tick.last:
            news += self.end_source(tick.source, now)
            source = self._sources[tick.source] = SourceVisits(left_ns=source.left_ns)
        source.tick_ns = max(source.tick_ns, tick.time_ns)
        source.time_ns = max(source.time_ns, tick.time_ns, *(row.end_ns for row in tick.rows))
        source.split_from |= {split.successor: split.track for split in tick.splits}
        self._follow_places(source, tick.places)
        news += self.follow(tick.source, decisions, now)
        if tick.last:
            return news + self.end_source(tick.source, now)
        return news + self._end_lost(source, now)

    def follow(self, source: int, decisions: Iterable[TrackDecision], now: datetime) -> list[VisitNews]:
        """Follows decisions on the tracks of a source, in order."""
        state = self._sources[source]
        return [news for decision in decisions for news in self._follow(state, decision, now)]

    def follow_people(self, names: Mapping[int, str], now: datetime) -> list[VisitNews]:
        """Tells of people in view who were renamed or removed from the gallery.

        Args:
            names: of all enrolled people, by id.
            now: the present time, aware.
        """
        news = []
        for source in self._sources:
            for visit in source.visits:
                change = visit.answer.follow_people(names)
                if change is not None:
                    news.append(VisitNews(self._make.identified(source, visit, change, now)))
        return news

    def _end_lost(self, source: SourceVisits, now: datetime) -> list[VisitNews]:
        """Ends the visits of a source that have been out of sight for too long."""
        limit = source.time_ns - _BREAK_NS
        self._linker.link_lost(source)
        gone = [
            visit
            for visit in source.visits
            if visit.seen_ns < limit
            and visit.open_until_ns < source.time_ns
            and not self._linker.awaits(source, visit)
        ]
        news = [each for visit in gone for each in self._end(source, visit, now)]
        source.forget_tracks(limit)
        return news

    def end_source(self, source: int, now: datetime) -> list[VisitNews]:
        """Ends all visits of a source."""
        state = self._sources[source]
        news = [each for visit in list(state.visits) for each in self._end(state, visit, now)]
        self._sources[source] = SourceVisits(state.time_ns, state.tick_ns)
        return news

    def _follow_places(self, source: SourceVisits, places: Sequence[TrackPlace]) -> None:
        for place in places:
            motion = source.motions.get(place.track)
            if motion is None:
                source.motions[place.track] = motion = Motion.of(place)
            else:
                motion.add(place)
            visit = source.of_track.get(place.track) or self._linker.link_seen(source, place.track)
            if visit is not None:
                visit.seen_ns = max(visit.seen_ns, place.time_ns)

    def _follow(self, source: SourceVisits, decision: TrackDecision, now: datetime) -> list[VisitNews]:
        """Follows a decision; opens a visit where somebody walks who continues none.

        What was told of the end of a visit is final: windows of it that come later change nothing.
        """
        if source.is_late(decision):
            self.late += decision.window is not None
            return []
        number = decision.track.number
        news: list[VisitNews] = []
        if number not in source.of_track and not decision.track.scores.windows:
            return []
        visit = self._linker.link_walking(source, decision)
        if visit is None and self._linker.waits(source, decision):
            return []
        if visit is None:
            visit = self._open(source, decision, now)
            news.append(VisitNews(self._make.arrived(source, visit, now)))
        visit.keep(decision, self._candidates)
        change = visit.answer.follow(decision)
        if change is not None:
            news.append(VisitNews(self._make.identified(source, visit, change, now)))
            if change.person is not None:
                news += self._doubts(source, visit, change.person, now)
        return news

    def _open(self, source: SourceVisits, decision: TrackDecision, now: datetime) -> TrackedVisit:
        self._opened += 1
        track = decision.track
        if track.number not in source.motions:  # no joint of its body was seen in time
            source.motions[track.number] = Motion.of(
                TrackPlace(track.number, decision.time_ns, 0.0, 0.0, 0.0)
            )
        walked_ns = round(decision.seconds * 1e9)
        arrived_ns = max(decision.time_ns - walked_ns, source.motions[track.number].first.time_ns)
        name = f"{self._run}-v{self._opened}"
        arrived = now - timedelta(microseconds=(source.time_ns - arrived_ns) / 1000)
        visit = TrackedVisit(name, track.source, arrived_ns, arrived, decision.time_ns, decision)
        source.visits.append(visit)
        source.join(visit, track.number)
        if visit.seen_ns < source.time_ns - _BREAK_NS:  # all of it came late, and more may come
            visit.open_until_ns = source.time_ns + _BREAK_NS
        return visit

    def _doubts(
        self, source: SourceVisits, visit: TrackedVisit, person: str, now: datetime
    ) -> list[VisitNews]:
        """Tells if the same person is at a far place, or twice before one source, at the same time."""
        if source.time_ns - visit.seen_ns > _TOGETHER_NS:  # its windows came late
            return []
        return [
            VisitNews(self._make.doubted(source, visit, person, other, now))
            for number, others in enumerate(self._sources)
            if number == visit.source or self._far(number, visit.source)
            for other in others.visits
            if other is not visit
            and other.answer.person == person
            and others.time_ns - other.seen_ns <= _TOGETHER_NS
        ]

    def _far(self, source: int, other: int) -> bool:
        return bool(self._places) and self._places[source] != self._places[other]

    def _end(self, source: SourceVisits, visit: TrackedVisit, now: datetime) -> list[VisitNews]:
        change = visit.answer.settle(visit.longest)
        news = [] if change is None else [VisitNews(self._make.identified(source, visit, change, now))]
        visit.complete(self._candidates)
        left = self._make.left(source, visit, now)
        source.remove(visit)
        return [*news, VisitNews(left, self._make.finished(visit, left))]
