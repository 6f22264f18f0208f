"""Verdicts as a running system gives them, and sources that are watched."""

from __future__ import annotations

from stream.bus.messages import Verdict
from stream.decision import Decision
from stream.terminal.enrol_progress import WatchedWalk
from stream.terminal.walk_observer import WalkObserver

__all__ = ["note", "observe", "verdict", "watched"]


def verdict(track: int, t: float, seconds: float, *, final: bool = False, cause: str = "") -> Verdict:
    """A verdict on a track after so many seconds of walking; with a cause, one without a window."""
    decision = Decision(
        id="x",
        source="door",
        track=track,
        t=t,
        time="",
        state="unknown",
        person=None,
        candidate=None,
        score=None,
        threshold=None,
        margin=None,
        reason="",
        latency_ms=None if final or cause else 1.0,
        final=final,
    )
    return Verdict(1, seconds, 0.9, decision, cause)


def note(track: int, t: float, cause: str) -> Verdict:
    """A verdict on a track that has no walking."""
    return verdict(track, t, 0.0, cause=cause)


def observe(*verdicts: Verdict, track: int | None = None) -> WalkObserver:
    """An observer that has seen these verdicts."""
    observer = WalkObserver(track)
    for each in verdicts:
        observer.update(each)
    return observer


def watched(*verdicts: Verdict, track: int | None = None, asked: float | None = 10.0) -> WatchedWalk:
    """A source that has given these verdicts."""
    return WatchedWalk(0, "door", asked, observe(*verdicts, track=track))
