"""Visits for tests of the gallery's history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from gallery.store.history_records import NewCandidate, NewVisit, VisitWalk
from stream.body import FloatArray

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
MONTH = timedelta(days=30)


def walk_cages(seed: int, templates: int = 4, f: int = 6, dimension: int = 40) -> FloatArray:
    """Templates that half precision does not change."""
    drawn = np.random.default_rng(seed).standard_normal((templates, f, dimension))
    return drawn.astype(np.float16).astype(np.float32)


def visit_walk(seed: int, **changes: Any) -> VisitWalk:
    statistics = np.random.default_rng(seed).standard_normal(7).astype(np.float32)
    walk = VisitWalk(
        "model-1", "kinect-v1", 52, walk_cages(seed), statistics, None, "towards,away", 5.25, 0.75
    )
    return replace(walk, **changes)


def new_visit(visit_id: str, person: int | None = None, **changes: Any) -> NewVisit:
    """A visit of a person, with what is kept of the walk; of a stranger, who comes near `candidates`."""
    candidates = () if person is None else (NewCandidate(person, 2.5, 1.5),)
    visit = NewVisit(
        id=visit_id,
        source="door",
        sensor="kinect-v1",
        arrived_at=NOW - timedelta(seconds=8),
        left_at=NOW,
        keep_until=NOW + MONTH,
        walking_s=5.25,
        windows=52,
        quality=0.75,
        outcome="unknown" if person is None else "person",
        person_id=person,
        reason_code="stranger" if person is None else "accepted",
        confidence=93,
        changes=1,
        interrupted=False,
        view="towards,away",
        comparison="v1",
        people=3,
        fpir=0.05,
        candidates=candidates,
        walk=None if person is None else visit_walk(person),
    )
    return replace(visit, **changes)
