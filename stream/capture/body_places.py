"""Where the bodies of a source are: the newest place of each track, for the next tick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from stream.body import Body, BodyFrame, FloatArray
from stream.bus.messages import TrackPlace
from stream.skeleton import Layout, map_joints

__all__ = ["PLACE_INTERVAL_NS", "BodyPlaces", "body_size"]

PLACE_INTERVAL_NS = 250_000_000
"""Places are sent with every tick, and at least at this interval of source time."""

_MIDDLE_OF_HIPS = 0
_TRUNK = ((0, 2),)
_LEGS = ((12, 13), (13, 14), (16, 17), (17, 18))
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
    _places: dict[int, TrackPlace] = field(default_factory=dict)

    def add(self, frame: BodyFrame, tracks: Mapping[int, int]) -> None:
        """Adds a frame.

        Args:
            frame: the source's next frame.
            tracks: track number of each body id.
        """
        if self._sent_ns is None or frame.time_ns < self._sent_ns:
            self._sent_ns = frame.time_ns
        for body in frame.bodies:
            place = _place(self.layout, body, tracks.get(body.id), frame.time_ns)
            if place is not None:
                self._places[place.track] = place

    def due(self, time_ns: int) -> bool:
        """Returns whether places must be sent now, though nothing else is to be told."""
        return self._sent_ns is not None and time_ns - self._sent_ns >= PLACE_INTERVAL_NS

    def take(self, time_ns: int) -> tuple[TrackPlace, ...]:
        """Returns the places for a tick at that source time, and starts anew."""
        places = tuple(self._places.values())
        self._places.clear()
        self._sent_ns = time_ns
        return places


def _place(layout: Layout, body: Body, track: int | None, time_ns: int) -> TrackPlace | None:
    """Returns the place of a body; None without a track or a joint that is seen."""
    if track is None:
        return None
    joints, confidence = map_joints(layout, body.joints, body.confidence)
    seen = confidence > 0
    if not seen.any():
        return None
    middle = joints[_MIDDLE_OF_HIPS] if seen[_MIDDLE_OF_HIPS] else joints[seen].mean(axis=0)
    x, _, z = (float(each) for each in middle)
    if not (abs(x) < _FARTHEST and abs(z) < _FARTHEST):
        return None
    return TrackPlace(track, time_ns, round(x, 3), round(z, 3), round(body_size(joints, seen), 3))


def body_size(joints: FloatArray, seen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    """Returns the length of the trunk and the mean leg, metres; 0 if a joint of them is not seen.

    Args:
        joints: (20, 3) canonical joints.
        seen: (20,) whether each is seen.
    """
    used = {joint for bone in (*_TRUNK, *_LEGS) for joint in bone}
    if not all(seen[joint] for joint in used):
        return 0.0

    def length(bones: tuple[tuple[int, int], ...]) -> float:
        return sum(float(np.linalg.norm(joints[a] - joints[b])) for a, b in bones)

    size = length(_TRUNK) + length(_LEGS) / 2
    return size if size < _FARTHEST else 0.0
