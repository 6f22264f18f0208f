"""Figures of the stage `live` that a test describes."""

from __future__ import annotations

from tools.bench.live import LiveFigures
from tools.bench.live_run import LiveRun

__all__ = ["CROWD", "live_figures"]

CROWD = 0.001
"""Cores that simulating one person takes."""


def live_figures(*runs: LiveRun, carried: int) -> LiveFigures:
    """Figures of some runs; `carried` people were carried."""
    return LiveFigures(
        people=carried,
        carried=True,
        drops=0,
        p50_ms=20.0,
        p95_ms=100.0,
        p99_ms=110.0,
        limit_ms=150.0,
        enrolled=100,
        crowd_cpu=CROWD * carried,
        cpu_per_person=0.016,
        memory_mb_per_person=None,
        flatness=None,
        runs=runs,
    )
