"""Ticks and decisions of tracks that a test describes, without an encoder."""

from __future__ import annotations

import numpy as np

from gallery.matcher_settings import SourceCard
from gallery.open_set_decision import Track, TrackDecision
from gallery.scoring.track_scores import TrackScores
from gallery.visits.visit_tracker import VisitTracker
from gallery.visits.walk_likeness import Likeness
from stream.bus.messages import Tick, TrackPlace, TrackSplit, WindowRow
from stream.decision import State

__all__ = ["IDS", "SECOND", "Passages", "ns", "tracker"]

SECOND = 1_000_000_000
IDS = {"Ada": 1, "Ben": 2, "Zoe": 3}


def ns(seconds: float) -> int:
    return round(seconds * SECOND)


class Passages:
    """Tracks of one source, one decision each 0.1 s of walking."""

    def __init__(self, source: int = 0) -> None:
        self.source = source
        self.tracks: dict[int, Track] = {}

    def decision(
        self,
        track: int,
        t: float,
        who: str | None,
        *,
        final: bool = False,
        candidate: str = "Zoe",
        confidence: int | None = None,
    ) -> TrackDecision:
        """A decision after another 0.1 s of walking; `who` None is unknown, `?` is too little walking."""
        known = self.tracks.get(track)
        if known is None:
            known = self.tracks[track] = Track(track, self.source, TrackScores(6), ns(t))
        if not final:
            known.scores.add(1.0, np.zeros((6, 8), np.float32), (), np.zeros(0))
        known.last_ns = ns(t)
        state: State = "collecting" if who == "?" else "unknown" if who is None else "person"
        named = who if state == "person" else candidate
        return TrackDecision(
            known,
            ns(t),
            state,
            candidate=named,
            score=1.0,
            threshold=0.5,
            margin=None,
            reason=f"says {who}",
            reason_code="accepted" if state == "person" else "stranger",
            confidence=confidence,
            final=final,
            window=None if final else WindowRow(track, ns(t) - SECOND // 5, ns(t), 0, 1.0),
            seconds=known.scores.seconds,
            candidate_id=IDS.get(named or ""),
        )

    def tick(
        self,
        t: float,
        *places: tuple[int, float, float],
        size: float = 1.3,
        last: bool = False,
        splits: tuple[TrackSplit, ...] = (),
    ) -> Tick:
        """A tick at a time, with (track, x, z) of the bodies in sight."""
        seen = tuple(TrackPlace(track, ns(t), x, z, size) for track, x, z in places)
        return Tick(self.source, 0, 0, time_ns=ns(t), places=seen, last=last, splits=splits)


def tracker(
    *,
    sources: int = 1,
    places: tuple[str, ...] = (),
    likeness: Likeness = lambda track, other: None,
) -> VisitTracker:
    cards = [SourceCard(f"door {n + 1}", "kinect-v2", True) for n in range(sources)]
    return VisitTracker("run", cards, "contract", lambda track: (), places, likeness)
