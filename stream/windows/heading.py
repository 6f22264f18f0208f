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
        self._times: deque[int] = deque()
        self._path: deque[tuple[float, float, float]] = deque()
        """Places from above, X and Z, metres, with the sensor at the origin; and their squared distance."""

    def add(self, time_ns: int, x: float, z: float) -> None:
        """Adds the next position of the hips' centre, in metres, with the sensor at the origin."""
        times, path = self._times, self._path
        if times and time_ns - times[-1] > PAUSE_NS:
            times.clear()
            path.clear()
        times.append(time_ns)
        path.append((x, z, x * x + z * z))
        while time_ns - times[0] > PATH_NS:
            times.popleft()
            path.popleft()

    @property
    def view(self) -> View | None:
        """The view at present; None where the heading is not known."""
        if not self._times or self._times[-1] - self._times[0] < SHORTEST_NS:
            return None
        times, path, half = list(self._times), list(self._path), len(self._path) // 2
        before, after = _Middle.of(times[:half], path[:half]), _Middle.of(times[half:], path[half:])
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
    def of(cls, times: Sequence[int], path: Sequence[tuple[float, float, float]]) -> Self:
        x, z, square = [sum(each) / len(times) for each in zip(*path, strict=True)]
        return cls(sum(times) / len(times), complex(x, z), max(0.0, square - x * x - z * z))
