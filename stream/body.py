"""What a sensor sees: bodies in frames, and what kind of sensor saw them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Body", "BodyFrame", "FloatArray", "Image", "Picture", "SourceInfo"]

FloatArray = NDArray[np.float32]
Image = NDArray[np.uint8]
"""(H, W, 3), blue, green, red."""


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """One person in one frame, as the sensor gave it.

    Attributes:
        id: the source's own tracking id; the same person keeps it while tracked.
        joints: (J, 3) float32, metres, right-handed, Y up, X to the sensor's left, Z away from it;
            J and the joint order belong to the source's layout. NaN where a joint was not seen.
        confidence: (J,) float32 in 0..1; 0 where a joint was not seen.
    """

    id: int
    joints: FloatArray
    confidence: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What a frame was seen in; it is drawn on where that is asked for, and never recorded.

    Attributes:
        image: as the camera gave it; nobody writes into it.
        places: by body id, (J, 3) float32 of the layout's joints: pixels right and down, visibility 0..1.
        taken_ns: this host's monotonic clock when it was taken; None of a file's.
    """

    image: Image
    places: Mapping[int, FloatArray]
    taken_ns: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class BodyFrame:
    """All bodies that a source saw at one moment.

    Attributes:
        time_ns: the source's own clock, nanoseconds since it began; increases from frame to frame.
        bodies: nobody in view is an empty tuple, and a frame all the same.
        picture: what they were seen in, where the source has pictures.
    """

    time_ns: int
    bodies: tuple[Body, ...]
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known of a source before its first frame.

    Attributes:
        name: how it is shown; never holds credentials.
        sensor: the kind of sensor (`kinect-v1`, `kinect-v2`, `simulated`, ...); thresholds belong to it.
        layout: the joint layout of its bodies, a key of `stream.skeleton.LAYOUTS`.
        live: True where the newest frame wins and late ones are dropped; False where every frame counts.
        finite: whether it ends by itself.
    """

    name: str
    sensor: str
    layout: str
    live: bool
    finite: bool
