"""Runs staged sources through the live path's functions, from body frames to events of visits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.calibration.gallery_calibration import calibrate_index
from gallery.calibration.stranger_visits import enrolled_visits
from gallery.matcher import Matcher
from gallery.matcher_settings import SourceCard
from gallery.open_set_decision import TrackDecision
from gallery.scoring.backend import Backend, load_backend
from gallery.scoring.template_index import TemplateIndex
from gallery.store.records import PersonTemplates
from gallery.visits.ranked_candidates import ranked_candidates
from gallery.visits.visit_tracker import VisitTracker
from gallery.visits.walk_likeness import walk_likeness
from stream.body import FloatArray
from stream.bus.messages import Tick
from stream.capture.body_places import BodyPlaces
from stream.capture.levelling import Levelling
from stream.capture.tracking import make_tick, source_tracker
from stream.skeleton import get_layout
from stream.visits.events import VisitEvent
from tools.trials.visits.stage import Passage, StagedSource

__all__ = ["LivePath", "Replayed", "decided", "visit_events"]

FPIR = 0.05
_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Replayed:
    """What the matcher receives of some sources, and the truth about it.

    Attributes:
        cards: one for each source.
        ticks: of all sources in order of time, each with the CAGEs of its windows (n, f, D).
        passages: before all sources.
        shown: how many frames of which passages (places in `passages`) each track shows.
    """

    cards: tuple[SourceCard, ...]
    ticks: Sequence[tuple[Tick, FloatArray]] = field(repr=False)
    passages: tuple[Passage, ...]
    shown: Mapping[int, Counter[int]] = field(repr=False)


class LivePath:
    """An encoder and its back-end, and the functions of the live path around them.

    Args:
        weights: files or folders of the encoder's weights; none: those that ship, with their back-end.
    """

    def __init__(self, *weights: Path) -> None:
        loaded = load_encoder(*weights)
        self.encoder = Encoder(loaded, "cpu")
        self.contract = loaded.contract.id
        self.backend: Backend = load_backend(self.contract, weights)

    def replay(self, sources: Sequence[StagedSource]) -> Replayed:
        """Tracks the bodies of sources, cuts windows and encodes them."""
        timed: list[tuple[int, int, Tick, FloatArray]] = []
        shown: dict[int, Counter[int]] = {}
        before = 0
        for number, source in enumerate(sources):
            for time_ns, tick, block in self._ticks(number, len(sources), source, shown, before):
                timed.append((time_ns, number, tick, block))
            before += len(source.passages)
        timed.sort(key=lambda each: each[:2])
        blocks = [block for _, _, tick, block in timed if tick.rows]
        cages = self.encoder.encode(np.concatenate(blocks)) if blocks else self.encoder.empty
        ends = np.cumsum([len(tick.rows) for _, _, tick, _ in timed])[:-1]
        ticks = [
            (msgspec.structs.replace(tick, contract=self.contract), own)
            for (_, _, tick, _), own in zip(timed, np.split(cages, ends), strict=True)
        ]
        cards = tuple(SourceCard(source.info.name, source.info.sensor, live=False) for source in sources)
        passages = tuple(passage for source in sources for passage in source.passages)
        return Replayed(cards, ticks, passages, shown)

    def matcher(self, cards: Sequence[SourceCard], enrolled: Iterable[PersonTemplates]) -> Matcher:
        """Returns a matcher with a gallery, as the running system calibrates it by itself."""
        sensor = cards[0].sensor
        index = TemplateIndex(list(enrolled), self.backend, [sensor])
        calibrations = calibrate_index(index, enrolled_visits(index, sensor), [])
        return Matcher(cards, self.encoder.contract.f, FPIR, index, calibrations=calibrations)

    def _ticks(
        self, number: int, count: int, source: StagedSource, shown: dict[int, Counter[int]], before: int
    ) -> list[tuple[int, Tick, FloatArray]]:
        tracker = source_tracker(
            source.info, Levelling(), f=self.encoder.contract.f, index=number, sources=count
        )
        places = BodyPlaces(get_layout(source.info.layout))
        found = []
        for frame in source.frames:
            update = tracker.push(frame)
            tracks = tracker.numbers
            places.add(frame, tracks)
            for body in frame.bodies:
                passages = shown.setdefault(tracks[body.id], Counter())
                passages[before + source.owners[body.id]] += 1
            last = frame is source.frames[-1]
            if update or last or places.due(frame.time_ns):
                tick, block = make_tick(
                    update,
                    number,
                    0,
                    time_ns=frame.time_ns,
                    arrival_ns=0,
                    in_view=tracker.open,
                    last=last,
                    places=places.take(frame.time_ns),
                )
                found.append((frame.time_ns, tick, block))
        return found


def decided(replayed: Replayed, matcher: Matcher) -> Iterator[tuple[Tick, list[TrackDecision]]]:
    """Yields each tick with the decisions on it; the last of a source has the final ones too."""
    for tick, cages in replayed.ticks:
        decisions = matcher.observe(tick, cages)
        if tick.last:
            decisions += matcher.end_source(tick.source)
        yield tick, decisions


def visit_events(replayed: Replayed, matcher: Matcher, contract: str) -> list[VisitEvent]:
    """Returns the events of visits, as the matcher process makes them."""
    visits = VisitTracker(
        "trial",
        replayed.cards,
        contract,
        lambda track: ranked_candidates(matcher.decision_rule, track),
        ["hall"] * len(replayed.cards),
        lambda track, other: walk_likeness(matcher.decision_rule, track, other),
    )
    events: list[VisitEvent] = []
    for tick, decisions in decided(replayed, matcher):
        now = _START + timedelta(microseconds=tick.time_ns / 1000)
        events += [news.event for news in visits.observe(tick, decisions, now)]
    return events
