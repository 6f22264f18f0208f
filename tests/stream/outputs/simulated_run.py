"""A run without processes: verdicts, and a `Live` that yields them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import cast

import msgspec

from stream.bus.messages import Status, Verdict
from stream.decision import Decision
from stream.system.live import Live
from stream.system.supervisor import Child
from stream.visits.events import Left, VisitEvent

__all__ = ["make_left", "make_verdict", "simulated_live"]

Result = Verdict | VisitEvent


def make_verdict(
    track: int, *, person: str | None = None, final: bool = False, reason: str | None = None
) -> Verdict:
    decision = Decision(
        id="x",
        source="door.mcap",
        track=track,
        t=12.5,
        time="2026-01-12T09:30:12.417+00:00",
        state="person" if person else "unknown",
        person=person,
        candidate=person or "Ben [/b]",
        score=0.71,
        threshold=0.43,
        margin=0.05,
        reason=reason or ("score reaches the threshold" if person else "score is below the threshold"),
        latency_ms=20.0,
        final=final,
        reason_code="accepted" if person else "stranger",
        confidence=97,
    )
    return Verdict(1, 9.5, 0.9, decision)


def make_left(track: int, *, person: str | None = None, reason: str = "score is below the threshold") -> Left:
    """The end of a visit of one track."""
    return Left(
        id=f"v{track}-2",
        visit=f"v{track}",
        source="webcam 0",
        time="2026-01-12T09:30:12.417+00:00",
        t=12.5,
        tracks=(track,),
        arrived="2026-01-12T09:30:00.000+00:00",
        outcome="person" if person else "unknown",
        person=person,
        left="2026-01-12T09:30:11.000+00:00",
        duration_s=11.0,
        walking_s=9.5,
        quality=0.9,
        reason=reason,
        reason_code="accepted" if person else "stranger",
        confidence=97,
    )


def simulated_live(
    results: Sequence[Result] = (),
    drained: Sequence[Result] = (),
    *,
    error: BaseException | None = None,
    drain_error: BaseException | None = None,
    down: str | None = None,
    gallery: str = "",
    overload: str = "",
) -> Live:
    """A run of two sources.

    Args:
        results: what `results` yields before it raises `error`, if that is given.
        drained: what `drain` yields before it raises `drain_error`, if that is given.
        down: why the second source is down.
        gallery: why the gallery cannot be read.
        overload: what was dropped, and why.
    """

    def iterate(items: Sequence[Result], then: BaseException | None) -> Iterator[Result]:
        yield from items
        if then is not None:
            raise then

    matcher = Child("matcher", 0, lambda child: msgspec.defstruct("Nothing", [])())
    counters = {
        "lost": 2.0,
        "windows_late": 1.0,
        "decisions_dropped": 2.0,
        "latency_p50": 20.4,
        "latency_p95": 41.2,
    }
    matcher.record_heartbeat(Status("matcher", 0, "ready", counters))
    capture = Child("capture", 0, matcher.make_settings)
    capture.record_heartbeat(Status("capture", 0, "ready", {"cpu": 1.5}, "HD Webcam (webcam 0), 640 x 480"))
    live = SimpleNamespace(
        results=lambda: iterate(results, error),
        drain=lambda: iterate(drained, drain_error),
        supervisor=SimpleNamespace(children=[matcher, capture]),
        infos=[
            SimpleNamespace(name="webcam 0", live=True, sensor="camera"),
            SimpleNamespace(name="rtsp://cam/1", live=False, sensor="camera"),
        ],
        presence=lambda: (),
        ended=lambda source: False,
        skeletons=None,
        pictures=None,
        source_of=lambda track: (track - 1) % 2,
        outages=SimpleNamespace(gallery=gallery, down={} if down is None else {1: down}),
        notifier=SimpleNamespace(notify=print),
        overload=overload,
        fpir=0.01,
        gallery="sqlite:///g.db",
        encoder=SimpleNamespace(description="random features", contract="abc"),
        weights=(),
        run=None,
    )
    return cast("Live", live)
