"""Publishes visits: their events to the parent and to observers, visits that have ended to the gallery."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from gallery.matcher_settings import SourceCard
from gallery.open_set_decision import TrackDecision
from gallery.scoring.template_index import TemplateIndex
from gallery.visits.held_events import HeldEvents
from gallery.visits.visit_keeper import KnownVisitor
from gallery.visits.visit_records import KeepRule, VisitToKeep
from gallery.visits.visit_tracker import VisitNews, VisitTracker
from stream.bus.messages import Tick
from stream.track_numbers import source_of
from stream.visits.events import Left, VisitEvent

__all__ = ["VisitPublisher", "VisitSink"]


class VisitSink(Protocol):
    """Receives what is published of visits."""

    @property
    def index(self) -> TemplateIndex:
        """The present templates of the gallery."""

    def send(self, event: VisitEvent) -> None:
        """Sends an event to the parent and to observers."""

    def send_end(self, source: int) -> None:
        """Tells the parent that a source has ended, after all its events."""

    def keep(self, kept: VisitToKeep) -> None:
        """Stores a visit; who a stranger is that is to be remembered, goes to `VisitPublisher.release`."""


class VisitPublisher:
    """Publishes the visits of all sources.

    Args:
        sources: one for each source number.
        tracker: makes visits of tracks.
        rule: which visits are stored.
        sink: receives all.
    """

    def __init__(
        self, sources: Sequence[SourceCard], tracker: VisitTracker, rule: KeepRule, sink: VisitSink
    ) -> None:
        self._sources = sources
        self._tracker = tracker
        self._rule = rule
        self._sink = sink
        self._held = HeldEvents()
        self._ended: list[int] = []
        """Sources that have ended, whose end is sent after the events that wait."""

    @property
    def in_view(self) -> int:
        """Number of open visits."""
        return self._tracker.in_view

    @property
    def late(self) -> int:
        """Number of windows that came after the end of their visit was told."""
        return self._tracker.late

    def observe(self, tick: Tick, decisions: Sequence[TrackDecision]) -> None:
        """Follows the next tick of a source and the decisions on its tracks."""
        self._publish(self._tracker.observe(tick, decisions, datetime.now(UTC)))
        if tick.last:
            self._ended.append(tick.source)
            self.follow_time()

    def end_source(self, source: int, decisions: Sequence[TrackDecision]) -> None:
        """Follows the last decisions on the tracks of a source that starts anew, and ends its visits."""
        now = datetime.now(UTC)
        self._publish(self._tracker.follow(source, decisions, now))
        self._publish(self._tracker.end_source(source, now))

    def follow_people(self) -> None:
        """Tells of people in view who were renamed or removed from the gallery."""
        self._publish(self._tracker.follow_people(self._sink.index.names, datetime.now(UTC)))

    def release(self, known: KnownVisitor) -> None:
        """Sends the end of a stranger's visit that waited for this answer."""
        event = self._held.release(known.visit, known.number)
        if event is not None:
            self._sink.send(event)

    def follow_time(self) -> None:
        """Sends what has waited for too long, and the ends of sources that nothing waits for any more."""
        for event in self._held.overdue(time.monotonic()):
            self._sink.send(event)
        for source in [source for source in self._ended if not self._held.waits(source)]:
            self._ended.remove(source)
            self._sink.send_end(source)

    def _publish(self, news: Sequence[VisitNews]) -> None:
        for each in news:
            kept = None
            if each.finished is not None:
                kept = self._rule.record(each.finished, self._sink.index)
            if kept is not None:
                self._sink.keep(kept)
            if kept is not None and kept.stranger is not None and isinstance(each.event, Left):
                self._held.hold(self._source_of(each.event), each.event, time.monotonic())
            else:
                self._sink.send(each.event)

    def _source_of(self, event: VisitEvent) -> int:
        return source_of(event.tracks[0], len(self._sources))
