"""Records of a source: bodies, frames, camera images and the description of the source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream.user_text import readable

__all__ = ["Body", "BodyFrame", "FloatArray", "Image", "MissedPerson", "Picture", "SourceInfo"]

FloatArray = NDArray[np.float32]
Image = NDArray[np.uint8]
"""(H, W, 3), channels in the order blue, green, red."""


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """One person in one frame, as the sensor reported it.

    Attributes:
        id: the source's tracking id; a person keeps it while tracked.
        joints: (J, 3) float32, metres, right-handed, Y up, X to the sensor's left, Z away from it;
            the source's layout defines J and the joint order. NaN for a joint that was not detected.
        confidence: (J,) float32 in 0..1; 0 for a joint that was not detected.
    """

    id: int
    joints: FloatArray
    confidence: FloatArray


@dataclass(frozen=True, slots=True)
class MissedPerson:
    """A person who was seen in a picture, but of whom the frame has no body.

    Attributes:
        box: left, top, right and bottom, pixels.
        reason: why there is no body, for people.
    """

    box: tuple[float, float, float, float]
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """The camera image of a frame, used for drawing only; it is never recorded.

    Attributes:
        image: the unmodified image; read-only by convention.
        keypoints: by body id, (J, 3) float32, the layout's joints in the image: x and y in pixels (right,
            down) and visibility in 0..1.
        taken_ns: monotonic clock of this host when the image was captured; None for an image from a file.
        missed: people without a body in the frame.
    """

    image: Image
    keypoints: Mapping[int, FloatArray]
    taken_ns: int | None = None
    missed: tuple[MissedPerson, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class BodyFrame:
    """All bodies that a source detected at one time.

    Attributes:
        time_ns: the source's clock, nanoseconds since the source started; strictly increasing.
        bodies: empty while no person is in view; such a frame is delivered as well.
        picture: the camera image, if the source has one.
    """

    time_ns: int
    bodies: tuple[Body, ...]
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """Description of a source, available before its first frame.

    Attributes:
        name: display name; never contains credentials.
        sensor: the kind of sensor (`kinect-v1`, `kinect-v2`, `simulated`, ...); each kind has its own
            thresholds.
        layout: the joint layout of its bodies, a key of `stream.skeleton.LAYOUTS`.
        live: True if late frames are dropped in favour of the newest; False if every frame is processed.
        finite: True if the source ends by itself.
        pose_model: the model that estimates the poses of a camera or video; empty for sensors that need none,
            for recordings that do not say it, and until it is chosen.
    """

    name: str
    sensor: str
    layout: str
    live: bool
    finite: bool
    pose_model: str = ""

    def __post_init__(self) -> None:
        """Makes the name valid text: it comes from a file's name, and goes into records and messages."""
        object.__setattr__(self, "name", readable(self.name))
