"""The end of visits that nobody can follow any more, because the process that followed them has ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from stream.visits.events import Left
from stream.visits.presence import OpenVisit

__all__ = ["interrupted"]


def interrupted(visits: Iterable[OpenVisit], now: datetime) -> list[Left]:
    """Returns the events that end visits.

    Args:
        visits: that have not ended.
        now: when they were interrupted, aware.
    """
    time = now.isoformat(timespec="milliseconds")
    return [
        Left(
            id=f"{visit.visit}-interrupted",
            visit=visit.visit,
            source=visit.source,
            time=time,
            t=None,
            tracks=visit.tracks,
            arrived=visit.arrived,
            outcome="undecided" if visit.person is None else "person",
            person=visit.person,
            left=time,
            duration_s=round(max(0.0, (now - datetime.fromisoformat(visit.arrived)).total_seconds()), 2),
            walking_s=visit.walking_s,
            quality=None,
            reason="the matcher was restarted; whoever is still there is a new visit",
            reason_code="interrupted",
            confidence=visit.confidence,
            interrupted=True,
        )
        for visit in visits
    ]
