"""Where the bodies of a source are: the newest place of each track, for the next tick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stream.body import Body, BodyFrame, FloatArray
from stream.bus.messages import TrackPlace
from stream.skeleton import Layout, map_joints

__all__ = ["PLACE_INTERVAL_NS", "BodyPlaces", "body_sizes"]

PLACE_INTERVAL_NS = 250_000_000
"""Places are sent with every tick, and at least at this interval of source time."""

_MOST_BODIES = 1024
"""They are sent sooner once so many bodies were seen: the source's time may stand still."""

_MIDDLE_OF_HIPS = 0
_TRUNK_AND_LEGS = ((0, 2), (12, 13), (13, 14), (16, 17), (17, 18))
_FROM, _TO = (list(joints) for joints in zip(*_TRUNK_AND_LEGS, strict=True))
_FARTHEST = 1e3
"""Metres; what is farther is no measurement."""


@dataclass(slots=True)
class BodyPlaces:
    """The newest place of each track since the last tick.

    Args:
        layout: the source's joint layout.
    """

    layout: Layout
    _sent_ns: int | None = None
    _seen: list[tuple[int, int, Body]] = field(default_factory=list)
    """Track, time and body, in order of time."""

    def add(self, frame: BodyFrame, tracks: Mapping[int, int]) -> None:
        """Adds a frame.

        Args:
            frame: the source's next frame.
            tracks: track number of each body id.
        """
        if self._sent_ns is None or frame.time_ns < self._sent_ns:
            self._sent_ns = frame.time_ns
        self._seen += [(tracks[body.id], frame.time_ns, body) for body in frame.bodies if body.id in tracks]

    def due(self, time_ns: int) -> bool:
        """Returns whether places must be sent now, though nothing else is to be told."""
        if self._sent_ns is None:
            return False
        return time_ns - self._sent_ns >= PLACE_INTERVAL_NS or len(self._seen) >= _MOST_BODIES

    def take(self, time_ns: int) -> tuple[TrackPlace, ...]:
        """Returns the places for a tick at that source time, and starts anew."""
        seen, self._seen = self._seen, []
        self._sent_ns = time_ns
        return _newest_places(self.layout, seen) if seen else ()


def _newest_places(layout: Layout, seen: Sequence[tuple[int, int, Body]]) -> tuple[TrackPlace, ...]:
    """Returns the newest place of each track that has one; none are without a joint that is seen."""
    joints, confidence = map_joints(
        layout, np.array([body.joints for *_, body in seen]), np.array([body.confidence for *_, body in seen])
    )
    known = confidence > 0
    middles = joints[:, _MIDDLE_OF_HIPS]
    hidden = np.flatnonzero(~known[:, _MIDDLE_OF_HIPS] & known.any(axis=1))
    for n in hidden:
        middles[n] = joints[n][known[n]].mean(axis=0)
    places: dict[int, TrackPlace] = {}
    sizes = body_sizes(joints, known).tolist()
    for (track, time_ns, _), (x, _, z), size in zip(seen, middles.tolist(), sizes, strict=True):
        if abs(x) < _FARTHEST and abs(z) < _FARTHEST:  # never if it is not a number
            places[track] = TrackPlace(track, time_ns, round(x, 3), round(z, 3), round(size, 3))
    return tuple(places.values())


def body_sizes(joints: FloatArray, seen: NDArray[np.bool]) -> NDArray[np.float64]:
    """Returns the length of the trunk and the mean leg, metres; 0 if a joint of them is not seen.

    Args:
        joints: (n, 20, 3) canonical joints.
        seen: (n, 20) whether each is seen.
    """
    bones = joints[:, _FROM] - joints[:, _TO]
    lengths = np.linalg.norm(bones, axis=-1).astype(np.float64)
    sizes = lengths[:, 0] + lengths[:, 1:].sum(axis=1) / 2
    whole = seen[:, _FROM].all(axis=1) & seen[:, _TO].all(axis=1) & (sizes < _FARTHEST)
    return np.where(whole, sizes, 0.0)
