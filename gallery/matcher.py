"""Who is each track: averages the windows' predictions, and decides `person`, `unknown` or `collecting`.

Knows nothing of sockets and clocks: ticks go in, decisions come out, the same ones for the same ticks.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from gallery.evidence import Evidence, Standing
from gallery.orders import SourceCard
from gallery.scoring import TemplateIndex
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
    """

    sources: Sequence[SourceCard]
    f: int
    fpir: float | None
    index: TemplateIndex
    tracks: dict[int, Track] = field(default_factory=dict)
    ended: OrderedDict[int, Track] = field(default_factory=OrderedDict)

    def observe(self, tick: Tick, cages: FloatArray) -> list[Finding]:
        """Take a source's next tick, `cages` (n, f, D), and decide on every track it speaks of."""
        findings: list[Finding] = []
        for note in tick.notes:
            track = self._track(tick.source, note.track, note.time_ns)
            track.last_ns, track.trouble = note.time_ns, note.reason
            if track.evidence.seconds < FIRST_DECISION_S:
                findings.append(self._decide(track))
        for row, window in zip(tick.rows, cages, strict=True):
            track = self._track(tick.source, row.track, row.start_ns)
            track.last_ns, track.trouble = row.end_ns, None
            scores = self.index.scores(window, self.sources[track.source].sensor)
            track.evidence.add(row, window, self.index.people, scores)
            findings.append(self._decide(track, arrival_ns=row.arrival_ns))
        for number in tick.ended:
            findings += self.end(number)
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
        """Use a changed gallery: who is gone is no candidate, who is new is compared from now on."""
        self.index = index

    def _tracks_of(self, source: int) -> list[int]:
        return [number for number, track in self.tracks.items() if track.source == source]

    def _track(self, source: int, number: int, time_ns: int) -> Track:
        if number not in self.tracks:
            self.tracks[number] = Track(number, source, Evidence(self.f), last_ns=time_ns)
        return self.tracks[number]

    def _decide(self, track: Track, *, final: bool = False, arrival_ns: int | None = None) -> Finding:
        ranking = self._ranking(track)
        best = ranking[0] if ranking else None
        margin = ranking[0].score - ranking[1].score if len(ranking) > 1 else None
        threshold = self._threshold(track, best)
        state, reason = self._verdict(track, best, threshold)
        if state == "person" and margin is not None and margin <= 0:
            state, reason = "unknown", "two people fit equally well"
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
        enough = math.ceil(FIRST_DECISION_S / track.evidence.seconds_per_window - 1e-9)
        return track.evidence.ranking(self.index.people, min(enough, track.evidence.windows))

    def _threshold(self, track: Track, best: Standing | None) -> float | None:
        if self.fpir is None or best is None:
            return None
        sensor = self.sources[track.source].sensor
        return self.index.backend.threshold(sensor, self.fpir, len(self.index.people), best.windows)

    def _verdict(self, track: Track, best: Standing | None, threshold: float | None) -> tuple[State, str]:
        if track.evidence.seconds < FIRST_DECISION_S:
            seen = f"seen {track.evidence.seconds:.1f} of {FIRST_DECISION_S:.1f} s"
            return "collecting", f"{seen}: {track.trouble}" if track.trouble else seen
        if best is None:
            return "unknown", self.index.empty_reason
        if self.fpir is None:
            return "person", "best candidate; strangers are not told apart"
        if threshold is None:
            return "unknown", f"uncalibrated: no threshold is known for {self.sources[track.source].sensor}"
        if best.score >= threshold:
            return "person", "score reaches the threshold"
        return "unknown", "score is below the threshold"
