"""From one pose to a body: where it stands before the camera, and how far each joint is to be trusted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stream.body import FloatArray
from stream.sources.camera.boxes import Box, around, covered, longer
from stream.sources.camera.pose_models import Pose

__all__ = ["FIELD_OF_VIEW", "Lens", "trust"]

FIELD_OF_VIEW = 65.0
"""Degrees along the longer side of the picture, where nobody says: a webcam's, and most phones'."""

SKELETON = (7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
"""The landmarks that a place is solved from: the face's many would outweigh the legs."""

NEAREST, FARTHEST = 0.3, 30.0
"""Metres from the camera at which a solution is believed."""

PRESENT = 0.5
"""A landmark that is less surely within what was looked at was not seen."""

SMALL = (0.08, 0.12)
"""Height of a person over that of the picture: up to the first nothing is believed, from the second all."""

LOWEST_PICTURE = 480
"""Pixels; in a lower picture people have to be as large as in one of this height."""

MERGED = (0.3, 0.7)
"""Share of a person's box that lies in another's: from the second on, joints in there may be the other's."""


@dataclass(frozen=True, slots=True)
class Lens:
    """How the camera projects.

    Attributes:
        focal: pixels.
        middle: (x, y) of the optical axis, pixels.
    """

    focal: float
    middle: tuple[float, float]

    @classmethod
    def of(cls, width: int, height: int, field_of_view: float) -> Lens:
        """A lens without distortion, whose longer side sees `field_of_view` degrees."""
        focal = max(width, height) / 2 / math.tan(math.radians(field_of_view) / 2)
        return cls(focal, (width / 2, height / 2))

    def root(self, points: FloatArray, world: FloatArray, weights: FloatArray) -> FloatArray | None:
        """Where the origin of `world` has to be for it to be seen at `points`, by least squares.

        Args:
            points: (33, 2) pixels.
            world: (33, 3) metres, the axes of `stream.body.Body`.
            weights: (33,) 0..1.

        Returns:
            (3,) float32 metres in camera space; None where no place before the camera fits.
        """
        # X to the left and Y up, pixels to the right and down: (X + x) focal / (Z + z) = middle - pixel.
        slopes = (np.array(self.middle) - points[SKELETON, :]) / self.focal
        x, y, z = world[SKELETON, :].T
        weight = np.sqrt(weights[SKELETON,])
        one, zero = np.ones_like(x), np.zeros_like(x)
        rows = [(one, zero, -slopes[:, 0]), (zero, one, -slopes[:, 1])]
        left = np.concatenate([np.stack(row, axis=1) for row in rows]) * np.tile(weight, 2)[:, None]
        right = np.concatenate([slopes[:, 0] * z - x, slopes[:, 1] * z - y]) * np.tile(weight, 2)
        solution, _, rank, _ = np.linalg.lstsq(left, right)
        place: FloatArray = solution.astype(np.float32)
        return place if rank == 3 and NEAREST <= place[2] <= FARTHEST else None


def trust(poses: Sequence[Pose], width: int, height: int) -> list[FloatArray]:
    """(33,) confidence 0..1 of each pose's landmarks; 0 is not seen.

    MediaPipe places all 33 wherever it looks. Those that lie outside the picture or are not there are not
    seen; people too small to tell, and joints where two people stand in one place, count for less.
    """
    boxes = [around(pose.points) for pose in poses]
    return [
        _seen(pose, width, height) * _large(box, height) * _alone(pose, number, boxes)
        for number, (pose, box) in enumerate(zip(poses, boxes, strict=True))
    ]


def _seen(pose: Pose, width: int, height: int) -> FloatArray:
    inside = ((pose.points >= 0) & (pose.points <= (width, height))).all(axis=1)
    seen: FloatArray = np.where(inside & (pose.presence >= PRESENT), pose.visibility, np.float32(0))
    return seen.clip(0, 1)


def _large(box: Box, height: int) -> np.float32:
    size = longer(box) / max(height, LOWEST_PICTURE)
    return np.float32(np.interp(size, SMALL, (0, 1)))


def _alone(pose: Pose, number: int, boxes: Sequence[Box]) -> FloatArray:
    alone = np.ones(len(pose.points), np.float32)
    for other in (box for n, box in enumerate(boxes) if n != number):
        common = np.interp(covered(boxes[number], other), MERGED, (1, 0))
        within = ((pose.points >= other[:2]) & (pose.points <= other[2:])).all(axis=1)
        alone[within] = np.minimum(alone[within], np.float32(common))
    return alone
