"""Whether a track that begins continues a passage whose track broke.

Time, place and motion, body size, and the likeness of the walks decide together. The numbers were chosen on
scenes of `python -m tools.trials.visits`: the scripted one with the seeds 1 to 3, and KGBD 81-100.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from stream.bus.messages import TrackPlace

__all__ = ["LONGEST_BREAK_S", "Motion", "link_cost"]

LONGEST_BREAK_S = 2.1
"""Longest time between two tracks of one passage. Places come four times a second, so `Left` comes in 3 s."""

_REACH_M = 0.6
"""Error of a predicted place after no time."""

_REACH_M_S = 0.8
"""Its growth: people turn and stop."""

_FARTHEST = 1.7
"""A place that is so many times farther off rules a link out."""

_LEAST_SPREAD_M = 0.01
"""Spread of the sizes of one body that is seen without noise."""

_SIZE_WEIGHT, _MOST_SPREADS = 0.3, 2.0
"""Cost of a difference of sizes by one spread, and the greatest difference that counts, in spreads."""

_OTHER_BODY_M = 0.35
"""Difference of sizes that rules a link out. A Kinect gives one body sizes that differ by up to 0.3 m."""

_LIKENESS_WEIGHT, _LIKENESS_OFFSET, _MOST_LIKENESS = 6.5, 0.24, 1.5
"""What two walks that are as alike as those of one person take off the cost, and the most of it."""

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

    @property
    def spread(self) -> float:
        """Spread of these sizes about their median, metres, as a standard deviation."""
        sizes = np.array(self._sizes) if self._sizes else np.zeros(1)
        return 1.48 * float(np.median(np.abs(sizes - np.median(sizes))))

    def at(self, time_ns: int) -> tuple[float, float]:
        """Returns the place expected at a time after the last, (x, z) metres."""
        seconds = (time_ns - self.last.time_ns) / 1e9
        return self.last.x + self._velocity[0] * seconds, self.last.z + self._velocity[1] * seconds

    def _add_size(self, place: TrackPlace) -> None:
        if place.size > 0:
            self._sizes.append(place.size)
            del self._sizes[:-_SIZES]


def link_cost(before: Motion, after: Motion, likeness: float | None = None) -> float | None:
    """Returns how badly a track continues another, at most 1, lower is better; None if it does not.

    Args:
        before: of the track that broke.
        after: of the track that begins.
        likeness: of the walks, see `gallery.scoring.template_index.TemplateIndex.likeness`; None if it is not
            known.
    """
    gap = (after.first.time_ns - before.last.time_ns) / 1e9
    if not 0 < gap <= LONGEST_BREAK_S:
        return None
    x, z = before.at(after.first.time_ns)
    predicted = math.hypot(after.first.x - x, after.first.z - z)
    stopped = math.hypot(after.first.x - before.last.x, after.first.z - before.last.z)
    distance = min(predicted, stopped) / (_REACH_M + _REACH_M_S * gap)
    sizes = before.size, after.size
    difference = 0.0 if sizes[0] is None or sizes[1] is None else abs(sizes[0] - sizes[1])
    spread = math.hypot(before.spread, after.spread, _LEAST_SPREAD_M)
    cost = distance + _SIZE_WEIGHT * min(difference / spread, _MOST_SPREADS)
    if likeness is not None:
        cost -= min(_LIKENESS_WEIGHT * (likeness + _LIKENESS_OFFSET), _MOST_LIKENESS)
    possible = distance <= _FARTHEST and difference < _OTHER_BODY_M
    return cost if possible and cost <= 1 else None
