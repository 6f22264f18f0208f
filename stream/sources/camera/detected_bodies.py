"""Interface of the pose pipeline, without a dependency on MediaPipe, and its result for one picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from stream.body import BodyFrame, FloatArray, Image, MissedPerson, Picture

__all__ = ["DetectedBodies", "PoseCost", "PosePipeline"]


@dataclass(frozen=True, slots=True, eq=False)
class DetectedBodies:
    """The bodies detected in one picture.

    Attributes:
        frame: the bodies in camera space, in the layout `mediapipe`.
        landmarks: by body id, (33, 3) float32: pixels to the right, pixels down, confidence.
        missed: people who were seen, but of whom there is no body.
    """

    frame: BodyFrame
    landmarks: Mapping[int, FloatArray]
    missed: tuple[MissedPerson, ...] = ()

    def with_picture(self, image: Image, taken_ns: int | None = None) -> BodyFrame:
        """Returns the frame with its picture and landmarks; see `stream.body.Picture`."""
        return replace(self.frame, picture=Picture(image, self.landmarks, taken_ns, self.missed))


@dataclass(frozen=True, slots=True)
class PoseCost:
    """What a pose pipeline takes on this machine, seconds.

    Attributes:
        detection_s: of one search for people.
        pose_s: of one person's pose.
    """

    detection_s: float
    pose_s: float


class PosePipeline(Protocol):
    """Detects and tracks people in the pictures of one camera, in order of time."""

    def process(self, image: Image, time_ns: int) -> DetectedBodies:
        """Detects the people in the next picture.

        Args:
            image: of the same size in every call.
            time_ns: later than in the call before.
        """
        ...

    def measure(self, image: Image) -> PoseCost:
        """Measures the cost; takes about half a second. People are neither found nor followed by it.

        Args:
            image: any picture of the camera.
        """
        ...

    def close(self) -> None:
        """Releases the models; may be called more than once."""
        ...
