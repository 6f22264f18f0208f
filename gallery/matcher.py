"""Who is each track: averages the windows' predictions, and decides `person`, `unknown` or `collecting`.

Knows nothing of sockets and clocks: ticks go in, decisions come out, the same ones for the same ticks.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from gallery.evidence import Evidence
from gallery.orders import SourceCard
from gallery.scoring import TemplateIndex
from stream.body import FloatArray
from stream.bus.messages import Tick
from stream.decision import State

__all__ = ["MIN_SECONDS", "Finding", "Matcher", "Track"]

MIN_SECONDS = 1.0
"""Usable walking before the first decision: about one stride."""

MAX_ENDED = 32
"""Tracks that left and can still be enrolled."""


@dataclass(slots=True)
class Track:
    """One person's passage before one source."""

    number: int
    source: int
    evidence: Evidence
    opened_ns: int = 0


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
            if track.evidence.seconds < MIN_SECONDS:
                findings.append(self._collecting(track, note.time_ns, note.reason))
        for row, window in zip(tick.rows, cages, strict=True):
            track = self._track(tick.source, row.track, row.start_ns)
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
        while len(self.ended) > MAX_ENDED:
            self.ended.popitem(last=False)
        return [self._decide(track, final=True)]

    def end_source(self, source: int) -> list[Finding]:
        """End every track of a source."""
        mine = [number for number, track in self.tracks.items() if track.source == source]
        return [finding for number in mine for finding in self.end(number)]

    def replace_index(self, index: TemplateIndex) -> None:
        """Use a changed gallery: who is gone is no candidate, who is new is compared from now on."""
        self.index = index

    def _track(self, source: int, number: int, time_ns: int) -> Track:
        if number not in self.tracks:
            self.tracks[number] = Track(number, source, Evidence(self.f), opened_ns=time_ns)
        return self.tracks[number]

    def _collecting(self, track: Track, time_ns: int, reason: str | None) -> Finding:
        seen = f"seen {track.evidence.seconds:.1f} of {MIN_SECONDS:.1f} s"
        return Finding(
            track,
            time_ns,
            "collecting",
            *self._best(track)[:2],
            None,
            None,
            f"{seen}: {reason}" if reason else seen,
            seconds=track.evidence.seconds,
            quality=track.evidence.quality,
        )

    def _decide(self, track: Track, *, final: bool = False, arrival_ns: int | None = None) -> Finding:
        evidence = track.evidence
        candidate, score, margin = self._best(track)
        threshold = self._threshold(track)
        state, reason = self._verdict(track, score, threshold)
        return Finding(
            track,
            evidence.end_ns or track.opened_ns,
            state,
            candidate,
            score,
            threshold,
            margin,
            reason,
            final=final,
            arrival_ns=arrival_ns,
            seconds=evidence.seconds,
            quality=evidence.quality,
        )

    def _best(self, track: Track) -> tuple[str | None, float | None, float | None]:
        ranking = track.evidence.ranking(self.index.people)
        if not ranking:
            return None, None, None
        margin = ranking[0][1] - ranking[1][1] if len(ranking) > 1 else None
        return self.index.names[ranking[0][0]], ranking[0][1], margin

    def _threshold(self, track: Track) -> float | None:
        if self.fpir is None or not self.index.people:
            return None
        sensor = self.sources[track.source].sensor
        people, windows = len(self.index.people), track.evidence.windows
        return self.index.backend.threshold(sensor, self.fpir, people, windows)

    def _verdict(self, track: Track, score: float | None, threshold: float | None) -> tuple[State, str]:
        if track.evidence.seconds < MIN_SECONDS:
            return "collecting", f"seen {track.evidence.seconds:.1f} of {MIN_SECONDS:.1f} s"
        if score is None:
            return "unknown", self.index.empty_reason
        if self.fpir is None:
            return "person", "best candidate; strangers are not told apart"
        if threshold is None:
            return "unknown", f"uncalibrated: no threshold is known for {self.sources[track.source].sensor}"
        if score >= threshold:
            return "person", "score reaches the threshold"
        return "unknown", "score is below the threshold"
