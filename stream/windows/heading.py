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
        self._path: tuple[deque[float], deque[float], deque[float]] = deque(), deque(), deque()
        """Places from above, X and Z, metres, with the sensor at the origin; and X^2 + Z^2."""

    def add(self, time_ns: int, x: float, z: float) -> None:
        """Adds the next position of the hips' centre, in metres, with the sensor at the origin."""
        times, (xs, zs, squares) = self._times, self._path
        if times and time_ns - times[-1] > PAUSE_NS:
            for each in (times, xs, zs, squares):
                each.clear()
        times.append(time_ns)
        xs.append(x)
        zs.append(z)
        squares.append(x * x + z * z)
        while time_ns - times[0] > PATH_NS:
            for each in (times, xs, zs, squares):
                each.popleft()

    @property
    def view(self) -> View | None:
        """The view at present; None where the heading is not known."""
        if not self._times or self._times[-1] - self._times[0] < SHORTEST_NS:
            return None
        times, half = list(self._times), len(self._times) // 2
        path = [list(each) for each in self._path]
        before = _Middle.of(times[:half], *[each[:half] for each in path])
        after = _Middle.of(times[half:], *[each[half:] for each in path])
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
    def of(
        cls, times: Sequence[int], xs: Sequence[float], zs: Sequence[float], squares: Sequence[float]
    ) -> Self:
        n = len(times)
        x, z = sum(xs) / n, sum(zs) / n
        return cls(sum(times) / n, complex(x, z), max(0.0, sum(squares) / n - x * x - z * z))
