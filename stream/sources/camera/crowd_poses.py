"""The pose of each person in a picture, where people may stand close to each other.

Each person's crop has everybody else greyed out. The pose must fit the person's box; where it fits badly,
wider and narrower crops are tried, and the best is kept. Of two poses of one person, the better fit counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from stream.body import FloatArray, Image
from stream.sources.camera.boxes import Box, clipped, covered_share, iou, may_match
from stream.sources.camera.crops import CROP_SCALE
from stream.sources.camera.person_tracking import TORSO, person_box, torso_length
from stream.sources.camera.pose_models import Pose

__all__ = ["DUPLICATE", "MAX_PEOPLE", "MISFIT", "NO_POSE", "TOO_MANY", "PoseEstimator", "estimate_poses"]

MAX_PEOPLE = 8
"""A pose takes 10 to 35 ms; with more people, the frame rate would be too low for windows."""

GOOD_FIT = 0.5
"""IoU of a pose's box with the person's box from which no other crop is tried."""

RETRY_SCALES = (2.6, 1.4)
"""Crops that are tried where the pose of the first fits badly; see `CROP_SCALE`."""

MAX_RETRIES = 2
"""Most crops a picture that are tried beyond one for each person."""

SAME_PERSON = 0.8
"""Share of a box within another's from which that other is not greyed out: both may show one person."""

MIN_TORSO_DISTANCE = 0.5
"""Torso lengths; two poses whose torsos are closer show one person."""

NO_POSE = "no pose found"
MISFIT = "pose does not fit"
DUPLICATE = "same pose as another"
TOO_MANY = f"more than {MAX_PEOPLE} people"
"""Why a box gave no pose."""


class PoseEstimator(Protocol):
    """Estimates the pose in a crop; see `stream.sources.camera.pose_models.PoseModels.pose`."""

    def pose(
        self, image: Image, box: Box, others: Sequence[Box] = (), scale: float = CROP_SCALE
    ) -> Pose | None:
        """Returns the pose of the person in a box; None if there is none."""
        ...


def estimate_poses(models: PoseEstimator, image: Image, boxes: Sequence[Box]) -> list[Pose | str]:
    """Returns for each box of a person the pose, or the reason why there is none.

    Args:
        models: the pose model.
        image: the picture, BGR.
        boxes: of all people in the picture; only the first `MAX_PEOPLE` get a pose.
    """
    estimates: list[_Estimate | str] = []
    retries = MAX_RETRIES
    for number, box in enumerate(boxes[:MAX_PEOPLE]):
        others = [other for n, other in enumerate(boxes) if n != number]
        best, tried = _best_estimate(models, image, box, others, retries)
        estimates.append(best)
        retries -= tried - 1
    return _without_duplicates(estimates) + [TOO_MANY] * len(boxes[MAX_PEOPLE:])


@dataclass(frozen=True, slots=True)
class _Estimate:
    """A pose found in a crop.

    Attributes:
        pose: the pose.
        fit: IoU of its box and of the person's, within the picture.
        plausible: whether the two may show one person.
    """

    pose: Pose
    fit: float
    plausible: bool

    @classmethod
    def of(cls, pose: Pose, box: Box, image: Image) -> _Estimate:
        """Compares a pose with the box of a person."""
        found, expected = (clipped(shape, image) for shape in (person_box(pose.points), box))
        return cls(pose, iou(found, expected), may_match(found, expected))


def _best_estimate(
    models: PoseEstimator, image: Image, box: Box, others: Sequence[Box], retries: int
) -> tuple[_Estimate | str, int]:
    """Returns the best fitting pose of a box, or why there is none; and the number of crops tried."""
    # A box within another's may show a part of that person.
    masked = [other for other in others if covered_share(box, other) < SAME_PERSON]
    best: _Estimate | None = None
    tried = 0
    for scale in (CROP_SCALE, *RETRY_SCALES[:retries]):
        tried += 1
        pose = models.pose(image, box, masked, scale)
        if pose is None:
            continue
        found = _Estimate.of(pose, box, image)
        if best is None or found.fit > best.fit:
            best = found
        if best.fit >= GOOD_FIT:
            break
    if best is None:
        return NO_POSE, tried
    # In a crop without a complete person, MediaPipe returns an arbitrary pose.
    return best if best.plausible else MISFIT, tried


def _without_duplicates(estimates: Sequence[_Estimate | str]) -> list[Pose | str]:
    """Returns the poses, of each person the one that fits best, and the reasons."""
    kept = [estimate.pose if isinstance(estimate, _Estimate) else estimate for estimate in estimates]
    found = [(n, estimate) for n, estimate in enumerate(estimates) if isinstance(estimate, _Estimate)]
    accepted: list[FloatArray] = []
    for number, estimate in sorted(found, key=lambda item: -item[1].fit):
        if all(_distinct(estimate.pose.points, other) for other in accepted):
            accepted.append(estimate.pose.points)
        else:
            kept[number] = DUPLICATE
    return kept


def _distinct(points: FloatArray, other: FloatArray) -> bool:
    """Returns whether (33, 2) landmarks show two people."""
    distance = np.linalg.norm(points[TORSO, :] - other[TORSO, :], axis=1).mean()
    return bool(distance > MIN_TORSO_DISTANCE * min(torso_length(points), torso_length(other)))
