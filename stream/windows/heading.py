"""The heading of a walking person, and so the view: from which side the sensor sees the person.

The heading is the direction of the hips' path over the last second, seen from above. It is compared with the
line of sight: up to 45 degrees from it, the person walks towards the sensor or away from it, else across.
A person who walks on the spot, or before a moving sensor, has no heading, and so no view.

`python -m tools.trials.walk_views` compares the views of recordings with those that their data set states.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, Self

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

MIN_CLEARNESS = 1.5
"""Least distance between the middles of the path's halves, as a multiple of the scatter about them: 3.5 on a
straight path, less where the distance of a person who stands is measured with large errors."""

PAUSE_NS = 150_000_000
"""Pause after which the path begins anew."""


class ViewFinder:
    """Observes the hips of one track."""

    def __init__(self) -> None:
        self._path: deque[tuple[int, complex]] = deque()
        """Times, and places from above: X + iZ, metres, with the sensor at the origin."""

    def add(self, time_ns: int, x: float, z: float) -> None:
        """Adds the next position of the hips' centre, in metres, with the sensor at the origin."""
        if self._path and time_ns - self._path[-1][0] > PAUSE_NS:
            self._path.clear()
        self._path.append((time_ns, complex(x, z)))
        while time_ns - self._path[0][0] > PATH_NS:
            self._path.popleft()

    @property
    def view(self) -> View | None:
        """The view at present; None where the heading is not known."""
        if not self._path or self._path[-1][0] - self._path[0][0] < SHORTEST_NS:
            return None
        path, half = list(self._path), len(self._path) // 2
        before, after = _Middle.of(path[:half]), _Middle.of(path[half:])
        ahead, sight = after.place - before.place, after.place + before.place
        scatter = math.sqrt((before.variance + after.variance) / 2)
        least = MIN_SPEED * (after.time_ns - before.time_ns) / 1e9
        if abs(ahead) < max(least, MIN_CLEARNESS * scatter):
            return None
        along = (ahead * sight.conjugate()).real
        if abs(along) < SECTOR * abs(ahead) * abs(sight):
            return "side"
        return "away" if along > 0 else "towards"


class _Middle(NamedTuple):
    """The middle of one half of a path, which is steadier than its end."""

    time_ns: float
    place: complex
    variance: float
    """Mean squared distance of the places from the middle."""

    @classmethod
    def of(cls, path: Sequence[tuple[int, complex]]) -> Self:
        time_ns = sum(time_ns for time_ns, _ in path) / len(path)
        place = sum(place for _, place in path) / len(path)
        return cls(time_ns, place, sum(abs(each - place) ** 2 for _, each in path) / len(path))
