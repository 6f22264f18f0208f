"""Who is each track: averages the windows' predictions, and decides `person`, `unknown` or `collecting`.

Knows nothing of sockets and clocks: ticks go in, decisions come out, the same ones for the same ticks.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from gallery.matcher_settings import SourceCard
from gallery.recognition.reranking import Predictor, Reranking
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.track_evidence import AveragePrediction, Evidence, Standing
from stream.body import FloatArray
from stream.bus.messages import Tick
from stream.decision import State

__all__ = ["FIRST_DECISION_S", "Finding", "Matcher", "Track"]

FIRST_DECISION_S = 1.0
"""Usable walking before the first decision: about one stride."""

MAX_ENDED = 32
"""Tracks that left and can still be enrolled; with many sources, two of each."""


@dataclass(slots=True)
class Track:
    """One person's passage before one source."""

    number: int
    source: int
    evidence: Evidence
    last_ns: int
    """The source's time of what was last heard of it."""
    trouble: str | None = None
    """Why it gives no windows just now."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is decided of a track at one moment; see `stream.decision.Decision` for the fields."""

    track: Track
    time_ns: int
    state: State
    candidate: str | None
    score: float | None
    threshold: float | None
    margin: float | None
    reason: str
    final: bool = False
    arrival_ns: int | None = None
    seconds: float = 0.0
    quality: float = 0.0


@dataclass(slots=True)
class Matcher:
    """Follows the tracks of all sources against one gallery.

    Args:
        sources: one for each source number.
        f: skeletons a window.
        fpir: the rate of strangers that may be named; None accepts the best candidate always.
        index: the gallery's templates, and the back-end that compares them; `replace_index` brings a newer
            one.
        reranking: chooses among several accepted people; None names the one with the best score.
    """

    sources: Sequence[SourceCard]
    f: int
    fpir: float | None
    index: TemplateIndex
    reranking: Reranking | None = None
    tracks: dict[int, Track] = field(default_factory=dict)
    ended: OrderedDict[int, Track] = field(default_factory=OrderedDict)

    def observe(self, tick: Tick, cages: FloatArray) -> list[Finding]:
        """Take a source's next tick, `cages` (n, f, D), and decide on every track it speaks of."""
        findings: list[Finding] = []
        for note in tick.notes:
            track = self._track(tick.source, note.track, note.time_ns)
            track.last_ns, track.trouble = note.time_ns, note.reason
            if note.reason is not None or track.evidence.seconds < FIRST_DECISION_S:
                findings.append(self._decide(track))
        if tick.rows:
            findings += self._compare(tick, cages)
        for number in tick.ended:
            findings += self.end(number)
        return findings

    def _compare(self, tick: Tick, cages: FloatArray) -> list[Finding]:
        """Take the windows of a tick, all at once, and decide on their tracks."""
        sensor = self.sources[tick.source].sensor
        people = self.index.people_of(sensor)
        scores = self.index.scores(self.index.describe(cages, sensor), sensor)
        predictor = self.reranking.predictor if self.reranking else None
        predictions = predictor.predict(cages, sensor) if predictor else None
        findings: list[Finding] = []
        for n, (row, window) in enumerate(zip(tick.rows, cages, strict=True)):
            track = self._track(tick.source, row.track, row.start_ns)
            track.last_ns, track.trouble = row.end_ns, None
            track.evidence.add(row, window, people, scores[n])
            if predictor is not None and predictions is not None:
                track.evidence.predicted.add(predictor.people, predictions[n])
            findings.append(self._decide(track, arrival_ns=row.arrival_ns))
        return findings

    def end(self, number: int) -> list[Finding]:
        """End a track: its last decision, or none where there is no such track."""
        track = self.tracks.pop(number, None)
        if track is None:
            return []
        self.ended[number] = track
        self.ended.move_to_end(number)
        while len(self.ended) > max(MAX_ENDED, 2 * len(self.sources)):
            self.ended.popitem(last=False)
        return [self._decide(track, final=True)]

    def end_source(self, source: int) -> list[Finding]:
        """End every track of a source."""
        return [finding for number in self._tracks_of(source) for finding in self.end(number)]

    def end_unheard(self, tick: Tick) -> list[Finding]:
        """End the tracks of a device whose end was lost on the way: they are no longer in view."""
        there = {*tick.open, *(row.track for row in tick.rows)}
        gone = [number for number in self._tracks_of(tick.source) if number not in there]
        return [finding for number in gone for finding in self.end(number)]

    def replace_index(self, index: TemplateIndex) -> None:
        """Use a changed gallery: who is gone is no candidate, who is new is compared from now on.

        The recognition network of the gallery as it was is used no more, nor what it predicted.
        """
        self.index = index
        if self.reranking is not None:
            self.reranking.predictor = None
        for track in (*self.tracks.values(), *self.ended.values()):
            track.evidence.predicted = AveragePrediction()

    def use_predictor(self, predictor: Predictor) -> None:
        """Re-rank by a recognition network from now on.

        Args:
            predictor: trained on the gallery of `index`.

        Raises:
            ValueError: this matcher re-ranks nothing, or the network knows other people.
        """
        if self.reranking is None or predictor.people != self.index.people:
            raise ValueError("expected a network of the people of this gallery, for a matcher that re-ranks")
        self.reranking.predictor = predictor

    def _tracks_of(self, source: int) -> list[int]:
        return [number for number, track in self.tracks.items() if track.source == source]

    def _track(self, source: int, number: int, time_ns: int) -> Track:
        if number not in self.tracks:
            trail = self.index.trail(self.sources[source].sensor)
            self.tracks[number] = Track(number, source, Evidence(self.f, trail), last_ns=time_ns)
        return self.tracks[number]

    def _decide(self, track: Track, *, final: bool = False, arrival_ns: int | None = None) -> Finding:
        ranking = self._ranking(track)
        best = ranking[0] if ranking else None
        threshold = self._threshold(track, best)
        state, reason = self._verdict(track, best, threshold)
        if state == "person" and len(ranking) > 1 and ranking[0].score <= ranking[1].score:
            state, reason = "unknown", "two people fit equally well"
        elif state == "person" and self.reranking is not None:
            accepted = self._accepted(track, ranking)
            best, how = self.reranking.choose(accepted, track.evidence.predicted, self._enough(track))
            threshold = self._threshold(track, best)
            reason = f"{reason}; {how}" if how else reason
        if track.trouble and state != "collecting" and not final:
            reason = f"{reason}; no new windows: {track.trouble}"
        other = next((standing for standing in ranking if standing != best), None)
        margin = best.score - other.score if best and other else None
        return Finding(
            track,
            track.last_ns,
            state,
            candidate=self.index.names[best.person] if best else None,
            score=best.score if best else None,
            threshold=threshold,
            margin=margin,
            reason=reason,
            final=final,
            arrival_ns=arrival_ns,
            seconds=track.evidence.seconds,
            quality=track.evidence.quality,
        )

    def _ranking(self, track: Track) -> list[Standing]:
        """Best first; who was enrolled during the track stands back until compared for long enough."""
        sensor = self.sources[track.source].sensor
        added = self.index.added(track.evidence.trail, sensor)
        return track.evidence.ranking(self.index.people_of(sensor), self._enough(track), added)

    def _enough(self, track: Track) -> int:
        """Windows from which a comparison counts: a first decision's, or all of a shorter track."""
        first = math.ceil(FIRST_DECISION_S / track.evidence.seconds_per_window - 1e-9)
        return min(first, track.evidence.windows)

    def _accepted(self, track: Track, ranking: list[Standing]) -> list[Standing]:
        """Those of the ranking whose own score reaches their threshold; all where none is asked for."""
        thresholds: dict[int, float | None] = {}
        for standing in ranking:
            if standing.windows not in thresholds:  # it depends on nothing else of the person
                thresholds[standing.windows] = self._threshold(track, standing)
        limits = [thresholds[standing.windows] for standing in ranking]
        return [s for s, limit in zip(ranking, limits, strict=True) if limit is None or s.score >= limit]

    def _threshold(self, track: Track, best: Standing | None) -> float | None:
        if self.fpir is None or best is None:
            return None
        sensor = self.sources[track.source].sensor
        people = len(self.index.people_of(sensor))
        return self.index.backend.threshold(sensor, self.fpir, people, best.windows)

    def _verdict(self, track: Track, best: Standing | None, threshold: float | None) -> tuple[State, str]:
        if track.evidence.seconds < FIRST_DECISION_S:
            seen = f"seen {track.evidence.seconds:.1f} of {FIRST_DECISION_S:.1f} s"
            return "collecting", f"{seen}: {track.trouble}" if track.trouble else seen
        if best is None:
            return "unknown", self.index.empty_reason(self.sources[track.source].sensor)
        if self.fpir is None:
            return "person", "best candidate; strangers are not told apart"
        if threshold is None:
            return "unknown", f"uncalibrated: no threshold is known for {self.sources[track.source].sensor}"
        if best.score >= threshold:
            return "person", "score reaches the threshold"
        return "unknown", "score is below the threshold"
