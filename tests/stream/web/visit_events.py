"""Events of visits for tests."""

from __future__ import annotations

from stream.visits.events import Arrived, Identified

__all__ = ["arrived", "identified"]


def arrived(number: int) -> Arrived:
    return Arrived(
        id=f"e-{number}",
        visit=f"v-{number}",
        source="door",
        time="2026-01-12T09:30:12.417+00:00",
        t=12.5,
        tracks=(number,),
        arrived="2026-01-12T09:30:10.000+00:00",
    )


def identified(number: int, person: str) -> Identified:
    return Identified(
        id=f"i-{number}",
        visit=f"v-{number}",
        source="door",
        time="2026-01-12T09:30:14.417+00:00",
        t=14.5,
        tracks=(number,),
        arrived="2026-01-12T09:30:10.000+00:00",
        person=person,
        reason="score reaches the threshold",
        reason_code="accepted",
        score=3.1,
        threshold=2.0,
        confidence=97,
        walking_s=3.0,
        after_s=4.0,
    )
