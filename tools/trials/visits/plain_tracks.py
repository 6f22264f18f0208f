"""What outputs would say without visits: every track is a visit, and every change of its decision is said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gallery.matcher_settings import SourceCard
from gallery.open_set_decision import TrackDecision
from stream.visits.events import Arrived, Identified, Left, VisitEvent

__all__ = ["PlainTracks"]

_NO_TIME = ""


class PlainTracks:
    """Makes events of tracks.

    Args:
        sources: one for each source number.
    """

    def __init__(self, sources: Sequence[SourceCard]) -> None:
        self._sources = sources
        self._said: dict[int, str | None] = {}
        self._count = 0

    def observe(self, time_ns: int, decisions: Sequence[TrackDecision]) -> Iterator[VisitEvent]:
        """Yields the events of some decisions; `time_ns` is the source's time."""
        for decided in decisions:
            number = decided.track.number
            self._count += 1
            t = time_ns / 1e9
            if number not in self._said:
                self._said[number] = None
                yield Arrived(**self._common(decided, t))
            person = decided.candidate if decided.state == "person" else None
            if person != self._said[number]:
                yield Identified(
                    **self._common(decided, t),
                    person=person,
                    previous=self._said[number],
                    reason=decided.reason,
                    reason_code=decided.reason_code,
                    score=decided.score,
                    threshold=decided.threshold,
                    confidence=decided.confidence,
                    walking_s=decided.seconds,
                    after_s=0.0,
                )
                self._said[number] = person
            if decided.final:
                yield Left(
                    **self._common(decided, t),
                    outcome="undecided" if decided.state == "collecting" else decided.state,
                    person=person,
                    left=_NO_TIME,
                    duration_s=0.0,
                    walking_s=decided.seconds,
                    quality=decided.quality,
                    reason=decided.reason,
                    reason_code=decided.reason_code,
                    confidence=decided.confidence,
                )

    def _common(self, decided: TrackDecision, t: float) -> dict[str, Any]:
        number = decided.track.number
        return {
            "id": f"{number}-{self._count}",
            "visit": str(number),
            "source": self._sources[decided.track.source].name,
            "time": _NO_TIME,
            "t": t,
            "tracks": (number,),
            "arrived": _NO_TIME,
        }
