"""What is seen in a picture: bodies in camera space, and where they stand in the picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from stream.body import BodyFrame, FloatArray, Image, Picture

__all__ = ["Eyes", "Outline", "Sight"]


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """Where a body stands in the picture.

    Attributes:
        id: the `Body`'s id.
        landmarks: (33, 3) float32: pixels to the right, pixels down, and its confidence.
        box: left, top, right, bottom, pixels.
    """

    id: int
    landmarks: FloatArray
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """All that was seen in one picture.

    Attributes:
        frame: the bodies, in the layout `mediapipe`.
        outlines: one for each of them, in their order.
    """

    frame: BodyFrame
    outlines: tuple[Outline, ...]

    def on(self, image: Image, taken_ns: int | None = None) -> BodyFrame:
        """The frame with the picture that it was seen in; see `stream.body.Picture`."""
        places = {outline.id: outline.landmarks for outline in self.outlines}
        return replace(self.frame, picture=Picture(image, places, taken_ns))


class Eyes(Protocol):
    """Looks for people in the pictures of one camera, in the order of their times."""

    def see(self, image: Image, time_ns: int) -> Sight:
        """Find the people in the next picture.

        Args:
            image: of one size always.
            time_ns: later than the picture before.
        """
        ...

    def close(self) -> None:
        """Release the models; calling it twice is harmless."""
        ...
