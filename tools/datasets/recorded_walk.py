"""A recorded walk, as all readers of data sets return it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray
from stream.skeleton import CANONICAL, Layout, to_canonical
from stream.user_text import readable

__all__ = ["IntArray", "Walk", "WalkRef", "turn_upright"]

IntArray = NDArray[np.int64]

_HEAD = CANONICAL.index("Head")
_FEET = [CANONICAL.index("FootLeft"), CANONICAL.index("FootRight")]


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """One recorded walk: one person, one sensor, T frames.

    Attributes:
        person: the person's name in the data set.
        walk: the walk's name; unique among the walks of the person.
        sensor: the kind of sensor, as in `stream.body.SourceInfo`.
        layout: joint layout, a name for `stream.skeleton.get_layout`.
        time_ns: (T,) int64, nanoseconds since the walk's first frame, increasing.
        joints: (T, J, 3) float32, metres, right-handed, Y up, X to the sensor's left, Z away from it; in a
            2D layout pixels, with Z = 0; NaN where a joint was not seen.
        confidence: (T, J) float32 in 0..1: 0 not seen, 0.5 inferred or interpolated, 1 seen.
        name: display name, `data set/person/walk`.
        view: the sensor's viewpoint; empty if unknown.
        condition: the person's way of walking or clothing; empty if unknown.
        session: the recording session or take; empty if unknown.
    """

    person: str
    walk: str
    sensor: str
    layout: str
    time_ns: IntArray
    joints: FloatArray
    confidence: FloatArray
    name: str
    view: str = ""
    condition: str = ""
    session: str = ""

    def __post_init__(self) -> None:
        """Makes the names valid text: they come from the names of files and folders."""
        for field in ("person", "walk", "name", "view", "condition", "session"):
            object.__setattr__(self, field, readable(getattr(self, field)))

    def trimmed(self, frames: int = 10) -> Walk:
        """Returns the walk without its first and last `frames` frames; a short walk may have none left.

        The paper (Sec. 4.1) drops 10 frames at each end of every recording, where people enter and leave the
        image. Times count from the first frame kept.
        """
        kept = slice(frames, max(frames, len(self.time_ns) - frames))
        time_ns = self.time_ns[kept]
        return replace(
            self,
            time_ns=time_ns - time_ns[:1],
            joints=self.joints[kept],
            confidence=self.confidence[kept],
        )


@dataclass(frozen=True, slots=True)
class WalkRef:
    """Reference to a walk whose frames are not read yet.

    Attributes:
        person: as `Walk.person`.
        walk: as `Walk.walk`.
        read: reads the walk; raises `stream.errors.DataError` if a file is broken.
        view: as `Walk.view`.
        condition: as `Walk.condition`.
        session: as `Walk.session`.
        layout: as `Walk.layout`.
        rate_hz: nominal frame rate, frames a second.
    """

    person: str
    walk: str
    read: Callable[[], Walk]
    view: str = ""
    condition: str = ""
    session: str = ""
    layout: str = "kinect-v1"
    rate_hz: float = 30.0

    def __post_init__(self) -> None:
        """Makes the names valid text, as those of the walk."""
        for field in ("person", "walk", "view", "condition", "session"):
            object.__setattr__(self, field, readable(getattr(self, field)))


def turn_upright(layout: Layout, joints: FloatArray) -> FloatArray:
    """Rotates skeletons by 180 degrees about Z if their Y points down.

    X right, Y down becomes X left, Y up; left and right joints stay as they are. Y points down if the median
    head is below the feet.

    Args:
        layout: layout of the joints; not a 2D one.
        joints: (..., J, 3) float32, NaN where not seen.

    Returns:
        The joints with Y up.
    """
    canonical, _ = to_canonical(layout, joints, np.ones(joints.shape[:-1], np.float32))
    above_feet = canonical[..., _HEAD, 1] - canonical[..., _FEET, 1].mean(axis=-1)
    known = above_feet[np.isfinite(above_feet)]
    if len(known) and np.median(known) < 0:
        return joints * np.array([-1, -1, 1], np.float32)
    return joints
