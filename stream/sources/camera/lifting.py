"""From a pose in the picture to camera space: the position of a body, and the confidence of its joints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stream.body import FloatArray
from stream.sources.camera.boxes import Box, bounding_box, covered_share, longer_side
from stream.sources.camera.person_tracking import person_box
from stream.sources.camera.pose_models import Pose

__all__ = ["FIELD_OF_VIEW", "PinholeCamera", "joint_confidence"]

FIELD_OF_VIEW = 65.0
"""Default, degrees along the longer side of the picture: typical of webcams and most phones."""

SOLVED_LANDMARKS = (7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
"""Landmarks that the position is solved from: without most of the face's, which would outweigh the legs."""

MIN_DISTANCE, MAX_DISTANCE = 0.3, 100.0
"""Metres from the camera; solutions outside are rejected. In a picture of 3840 x 2160, a person who is 60
pixels high is 88 m away."""

MIN_PRESENCE = 0.5
"""Landmarks with a lower presence score count as not detected."""

SIZE_RAMP = (40, 60)
"""Height of a person, pixels: confidence rises linearly from 0 to full between the two.

`python -m tools.trials.small_people` measures how exact the poses of small people are."""

OVERLAP_RAMP = (0.3, 0.7)
"""Share of a box within another's: confidence of joints in there falls linearly to 0 between the two."""


@dataclass(frozen=True, slots=True)
class PinholeCamera:
    """Pinhole camera model.

    Attributes:
        focal: focal length, pixels.
        center: (x, y) of the optical axis, pixels.
    """

    focal: float
    center: tuple[float, float]

    @classmethod
    def from_field_of_view(cls, width: int, height: int, field_of_view: float) -> PinholeCamera:
        """Returns a camera without distortion with this field of view, degrees, along the longer side."""
        focal = max(width, height) / 2 / math.tan(math.radians(field_of_view) / 2)
        return cls(focal, (width / 2, height / 2))

    def solve_position(self, points: FloatArray, world: FloatArray, weights: FloatArray) -> FloatArray | None:
        """Finds the position of the origin of `world` that projects it onto `points`, by least squares.

        Args:
            points: (33, 2) pixels.
            world: (33, 3) metres, the axes of `stream.body.Body`.
            weights: (33,) 0..1.

        Returns:
            (3,) float32 metres in camera space; None if there is no valid solution.
        """
        # X to the left and Y up, pixels to the right and down: (X + x) focal / (Z + z) = center - pixel.
        slopes = (np.array(self.center) - points[SOLVED_LANDMARKS, :]) / self.focal
        x, y, z = world[SOLVED_LANDMARKS, :].T
        weight = np.sqrt(weights[SOLVED_LANDMARKS,])
        one, zero = np.ones_like(x), np.zeros_like(x)
        rows = [(one, zero, -slopes[:, 0]), (zero, one, -slopes[:, 1])]
        left = np.concatenate([np.stack(row, axis=1) for row in rows]) * np.tile(weight, 2)[:, None]
        right = np.concatenate([slopes[:, 0] * z - x, slopes[:, 1] * z - y]) * np.tile(weight, 2)
        solution, _, rank, _ = np.linalg.lstsq(left, right)
        position: FloatArray = solution.astype(np.float32)
        return position if rank == 3 and MIN_DISTANCE <= position[2] <= MAX_DISTANCE else None


def joint_confidence(poses: Sequence[Pose], width: int, height: int) -> list[FloatArray]:
    """Returns (33,) confidence 0..1 of the landmarks of each pose; 0 is not seen.

    MediaPipe always places all 33 landmarks. Landmarks outside the picture or with a low presence score get
    0; small people, and joints in the overlap of two people, get less.
    """
    boxes = [bounding_box(pose.points) for pose in poses]
    return [
        _visibility(pose, width, height) * _size_factor(pose) * _overlap_factor(pose, number, boxes)
        for number, pose in enumerate(poses)
    ]


def _visibility(pose: Pose, width: int, height: int) -> FloatArray:
    inside = ((pose.points >= 0) & (pose.points <= (width, height))).all(axis=1)
    visible: FloatArray = np.where(inside & (pose.presence >= MIN_PRESENCE), pose.visibility, np.float32(0))
    return visible.clip(0, 1)


def _size_factor(pose: Pose) -> np.float32:
    return np.float32(np.interp(longer_side(person_box(pose.points)), SIZE_RAMP, (0, 1)))


def _overlap_factor(pose: Pose, number: int, boxes: Sequence[Box]) -> FloatArray:
    factor = np.ones(len(pose.points), np.float32)
    for other in (box for n, box in enumerate(boxes) if n != number):
        share = np.interp(covered_share(boxes[number], other), OVERLAP_RAMP, (1, 0))
        inside = ((pose.points >= other[:2]) & (pose.points <= other[2:])).all(axis=1)
        factor[inside] = np.minimum(factor[inside], np.float32(share))
    return factor
