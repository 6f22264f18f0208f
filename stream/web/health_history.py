"""How the system did in the last minutes, for plots."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from stream.system.live import Live
from stream.system.supervisor import Child
from stream.web.records import HealthSample
from stream.web.service import now_text

__all__ = ["INTERVAL_S", "HealthHistory", "counter", "is_ready"]

INTERVAL_S = 2.0
"""Time between two samples."""

KEPT = 300
"""Samples: ten minutes."""


class HealthHistory:
    """Samples of a system; one thread calls `sample`, any thread reads `samples`.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._samples: deque[HealthSample] = deque(maxlen=KEPT)
        self._frames = 0.0
        self._at = clock()

    @property
    def samples(self) -> tuple[HealthSample, ...]:
        """The samples, oldest first."""
        return tuple(self._samples)

    def sample(self, live: Live) -> None:
        """Adds a sample."""
        children = list(live.supervisor.children)
        frames = sum(counter(child, "frames") for child in children if child.role == "capture")
        now = self._clock()
        elapsed, new = now - self._at, max(0.0, frames - self._frames)  # a restarted process counts from 0
        self._frames, self._at = frames, now
        matcher = next((child for child in children if child.role == "matcher"), None)
        known = matcher.status.counters if matcher is not None and matcher.status is not None else {}
        self._samples.append(
            HealthSample(
                now_text(),
                _rounded(known.get("latency_p50")),
                _rounded(known.get("latency_p95")),
                round(new / elapsed, 1) if elapsed > 0 else 0.0,
                int(known.get("in_view", 0)),
                int(sum(child.dropped for child in children)),
            )
        )


def counter(child: Child, name: str) -> float:
    """Returns a counter of the latest heartbeat; 0 if it has none."""
    status = child.status  # read once: another thread replaces it
    return status.counters.get(name, 0.0) if status is not None else 0.0


def is_ready(live: Live) -> bool:
    """Returns whether all processes work and at least one source delivers."""
    children = list(live.supervisor.children)
    captures = [child for child in children if child.role == "capture"]
    down = live.outages.down
    up = any(child.ready and child.works and child.index not in down for child in captures)
    return up and all(child.ready and child.works for child in children if child.role != "capture")


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 1)
