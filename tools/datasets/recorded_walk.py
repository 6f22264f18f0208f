"""One walk of one person, as every reader of a data set gives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray
from stream.skeleton import CANONICAL, Layout, to_canonical

__all__ = ["IntArray", "Walk", "WalkRef", "mark_unseen", "upright"]

IntArray = NDArray[np.int64]

_HEAD = CANONICAL.index("Head")
_FEET = [CANONICAL.index("FootLeft"), CANONICAL.index("FootRight")]


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """One recorded walk: a person seen by one sensor over T frames.

    Attributes:
        person: who walks, in the data set's own naming.
        walk: which of the person's walks; with `person` it is unique within the data set.
        sensor: the kind of sensor, as in `stream.body.SourceInfo`.
        layout: the joint layout, as `stream.skeleton.get_layout` knows it.
        time_ns: (T,) int64, nanoseconds since the walk's first frame, increasing.
        joints: (T, J, 3) float32, metres, right-handed, Y up, X to the sensor's left, Z away from it; in a
            flat layout pixels, with Z = 0; NaN where a joint was not seen.
        confidence: (T, J) float32 in 0..1: 0 not seen, 0.5 inferred or interpolated, 1 seen.
        name: how the walk is shown, `data set/person/walk`.
        view: where the sensor stood, where the data set says so.
        condition: how the person walked or was dressed, where the data set says so.
        session: which of several recording sessions or takes it is from, where the data set says so.
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

    def trimmed(self, frames: int = 10) -> Walk:
        """The walk without its first and last `frames` frames; without any where it is shorter than that.

        The paper (Sec. 4.1) leaves out 10 frames at each end of every recording, where people step into the
        picture and out of it. Time counts from the first frame that is left.
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
    """A walk that was found in a data set and not yet read.

    Attributes:
        person: as `Walk.person`.
        walk: as `Walk.walk`.
        read: reads the walk; raises `stream.errors.DataError` for a file that is broken.
        view: as `Walk.view`.
        condition: as `Walk.condition`.
        session: as `Walk.session`.
        layout: as `Walk.layout`.
        rate_hz: the nominal rate, frames a second.
    """

    person: str
    walk: str
    read: Callable[[], Walk]
    view: str = ""
    condition: str = ""
    session: str = ""
    layout: str = "kinect-v1"
    rate_hz: float = 30.0


def mark_unseen(
    joints: FloatArray, confidence: FloatArray | None = None, *, origin_is_unseen: bool = True
) -> tuple[FloatArray, FloatArray]:
    """Tell apart the joints that a sensor saw and those that it did not.

    Not seen is a joint with confidence 0, with a coordinate that is not finite, or exactly at the sensor's
    own lens: (0, 0, 0) is what the Kinect's SDKs write for a joint that they lost.

    Args:
        joints: (T, J, 3) float32, metres.
        confidence: (T, J) float32 in 0..1; 1 everywhere if not given.
        origin_is_unseen: False where (0, 0, 0) is a place like any other.

    Returns:
        The joints, NaN where not seen, and their confidence, 0 there.
    """
    trusted = np.ones(joints.shape[:-1], np.float32) if confidence is None else confidence
    seen: NDArray[np.bool] = np.isfinite(joints).all(axis=-1) & (trusted > 0)
    if origin_is_unseen:
        seen &= (joints != 0).any(axis=-1)
    return np.where(seen[..., None], joints, np.float32(np.nan)), np.where(seen, trusted, np.float32(0))


def upright(layout: Layout, joints: FloatArray) -> FloatArray:
    """Turn over skeletons that stand on their heads, because their maker's Y points down.

    The turn is half a one about Z (x right, y down becomes x left, y up), which keeps left and right.

    Args:
        layout: of the joints; not a flat one.
        joints: (..., J, 3) float32, NaN where not seen.
    """
    canonical, _ = to_canonical(layout, joints, np.ones(joints.shape[:-1], np.float32))
    above_feet = canonical[..., _HEAD, 1] - canonical[..., _FEET, 1].mean(axis=-1)
    known = above_feet[np.isfinite(above_feet)]
    if len(known) and np.median(known) < 0:
        return joints * np.array([-1, -1, 1], np.float32)
    return joints
