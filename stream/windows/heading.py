"""The heading of a walking person, and so the view: from which side the sensor sees the person.

The heading is the direction of the hips' path over the last second, seen from above. It is compared with the
line of sight: up to 45 degrees from it, the person walks towards the sensor or away from it, else across.
A person who walks on the spot, or before a moving sensor, has no heading, and so no view.

`python -m tools.trials.walk_views` compares the views of recordings with those that their data set states.
"""

from __future__ import annotations

import math
from collections import deque

from stream.walk_views import View

__all__ = ["ViewFinder"]

SECTOR = math.cos(math.radians(45))
"""Cosine of the largest angle to the line of sight of a person who walks along it."""

PATH_NS = 1_000_000_000
"""Length of the path whose direction is the heading: about two steps; the hips sway with each."""

SHORTEST_NS = 400_000_000
"""Shortest path that gives a heading."""

MIN_SPEED = 0.3
"""Metres per second; slower motion has no heading."""

PAUSE_NS = 150_000_000
"""Pause after which the path begins anew."""


class ViewFinder:
    """Observes the hips of one track."""

    def __init__(self) -> None:
        self._path: deque[tuple[int, float, float]] = deque()
        """Times, and horizontal positions: X and Z, metres, with the sensor at the origin."""

    def add(self, time_ns: int, x: float, z: float) -> None:
        """Adds the next position of the hips' centre, in metres, with the sensor at the origin."""
        if self._path and time_ns - self._path[-1][0] > PAUSE_NS:
            self._path.clear()
        self._path.append((time_ns, x, z))
        while time_ns - self._path[0][0] > PATH_NS:
            self._path.popleft()

    @property
    def view(self) -> View | None:
        """The view at present; None where the heading is not known."""
        if not self._path or self._path[-1][0] - self._path[0][0] < SHORTEST_NS:
            return None
        # The middles of the path's halves are steadier than its ends.
        half = len(self._path) // 2
        points = list(self._path)
        (start, x0, z0), (end, x1, z1) = _middle(points[:half]), _middle(points[half:])
        ahead, away = math.hypot(x1 - x0, z1 - z0), math.hypot(x0 + x1, z0 + z1)
        if ahead * 1e9 < MIN_SPEED * (end - start) or away == 0:
            return None
        along = ((x1 - x0) * (x0 + x1) + (z1 - z0) * (z0 + z1)) / (ahead * away)
        if abs(along) < SECTOR:
            return "side"
        return "away" if along > 0 else "towards"


def _middle(points: list[tuple[int, float, float]]) -> tuple[float, float, float]:
    times, xs, zs = zip(*points, strict=True)
    count = len(points)
    return sum(times) / count, sum(xs) / count, sum(zs) / count
