"""Whether a track that begins continues a passage whose track broke: by time, place, motion and body size."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from stream.bus.messages import TrackPlace

__all__ = ["LONGEST_BREAK_S", "Motion", "link_cost"]

LONGEST_BREAK_S = 2.2
"""Longest time between two tracks of one passage. Places come four times a second, so `Left` comes in 3 s."""

_REACH_M = 0.5
"""Error of a predicted place after no time."""

_REACH_M_S = 0.9
"""Its growth: people turn and stop."""

_SIZE_M = 0.12
"""Largest difference of two sizes of one body."""

_SMOOTHING_S = 0.4
_SIZES = 30


@dataclass(slots=True)
class Motion:
    """Place, velocity and size of a body, from its places.

    Attributes:
        first: the first place.
        last: the newest place.
    """

    first: TrackPlace
    last: TrackPlace
    places: int = 1
    _velocity: tuple[float, float] = (0.0, 0.0)
    _sizes: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, place: TrackPlace) -> Motion:
        """Returns the motion of a body that was seen once."""
        motion = cls(place, place)
        motion._add_size(place)
        return motion

    def add(self, place: TrackPlace) -> None:
        """Adds the next place."""
        seconds = (place.time_ns - self.last.time_ns) / 1e9
        if seconds <= 0:
            return
        weight = 1 - math.exp(-seconds / _SMOOTHING_S)
        step = ((place.x - self.last.x) / seconds, (place.z - self.last.z) / seconds)
        self._velocity = (
            self._velocity[0] + weight * (step[0] - self._velocity[0]),
            self._velocity[1] + weight * (step[1] - self._velocity[1]),
        )
        self.last = place
        self.places += 1
        self._add_size(place)

    @property
    def size(self) -> float | None:
        """The median size of the newest places, metres; None if it was never seen."""
        return sorted(self._sizes)[len(self._sizes) // 2] if self._sizes else None

    def at(self, time_ns: int) -> tuple[float, float]:
        """Returns the place expected at a time after the last, (x, z) metres."""
        seconds = (time_ns - self.last.time_ns) / 1e9
        return self.last.x + self._velocity[0] * seconds, self.last.z + self._velocity[1] * seconds

    def _add_size(self, place: TrackPlace) -> None:
        if place.size > 0:
            self._sizes.append(place.size)
            del self._sizes[:-_SIZES]


def link_cost(before: Motion, after: Motion) -> float | None:
    """Returns how badly a track continues another, 0..1; None if it does not.

    Args:
        before: of the track that broke.
        after: of the track that begins.
    """
    gap = (after.first.time_ns - before.last.time_ns) / 1e9
    if not 0 < gap <= LONGEST_BREAK_S:
        return None
    x, z = before.at(after.first.time_ns)
    predicted = math.hypot(after.first.x - x, after.first.z - z)
    stopped = math.hypot(after.first.x - before.last.x, after.first.z - before.last.z)
    distance = min(predicted, stopped) / (_REACH_M + _REACH_M_S * gap)
    sizes = before.size, after.size
    difference = 0.0 if sizes[0] is None or sizes[1] is None else abs(sizes[0] - sizes[1]) / _SIZE_M
    cost = max(distance, difference)
    return cost if cost <= 1 else None
