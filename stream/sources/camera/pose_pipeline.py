"""Pose pipeline of a camera: detects people, estimates and tracks poses, lifts them to camera space."""

from __future__ import annotations

import numpy as np

from stream.body import Body, BodyFrame, FloatArray, Image
from stream.sources.camera.boxes import bounding_box, may_match
from stream.sources.camera.detected_bodies import DetectedBodies, PosePipeline
from stream.sources.camera.lifting import FIELD_OF_VIEW, PinholeCamera, joint_confidence
from stream.sources.camera.one_euro import OneEuroFilter
from stream.sources.camera.person_tracking import TORSO, PersonTracker, torso_length
from stream.sources.camera.pose_models import Pose, PoseModels

__all__ = ["open_pose_pipeline"]

DETECTION_INTERVAL_NS = 150_000_000
"""Interval between two runs of the person detector."""

MAX_PEOPLE = 8
"""A pose takes 10 to 25 ms; with more people, the frame rate would be too low for windows."""

MIN_TORSO_DISTANCE = 0.5
"""Torso lengths; two poses whose torsos are closer are duplicates."""

LIMB_FILTER = (1.5, 3.0)
POSITION_FILTER = (0.5, 0.5)
"""Parameters of `OneEuroFilter`: limbs move fast; the position moves evenly, with a noisy depth."""


def open_pose_pipeline(model: str = "lite", field_of_view: float = FIELD_OF_VIEW) -> PosePipeline:
    """Loads the models; takes about half a second.

    Args:
        model: the pose model: `lite`, or `full`, which is slower and more accurate.
        field_of_view: degrees along the longer side of the picture.

    Raises:
        SourceError: the pose model is unknown.
        DataError: a model's file is missing or damaged.
    """
    return _MediaPipePipeline(PoseModels(model), field_of_view)


class _MediaPipePipeline:
    """Detects person boxes at intervals; estimates the pose of each person in every picture."""

    def __init__(self, models: PoseModels, field_of_view: float) -> None:
        self._models = models
        self._field_of_view = field_of_view
        self._tracker = PersonTracker()
        self._smoothers: dict[int, _PoseSmoother] = {}
        self._next_detection_ns: int | None = None

    def process(self, image: Image, time_ns: int) -> DetectedBodies:
        poses = self._estimate_poses(image, time_ns)
        height, width = image.shape[:2]
        people = self._tracker.assign_poses([pose.points for pose in poses], time_ns)
        camera = PinholeCamera.from_field_of_view(width, height, self._field_of_view)
        bodies, landmarks = [], {}
        confidences = joint_confidence(poses, width, height)
        for person, pose, confidence in zip(people, poses, confidences, strict=True):
            smoother = self._smoothers.setdefault(person.id, _PoseSmoother())
            joints = smoother.push(pose, confidence, camera, time_ns)
            if person.confirmed and joints is not None and confidence.any():
                bodies.append(Body(person.id, joints, confidence))
                landmarks[person.id] = np.column_stack([pose.points, confidence])
        self._smoothers = {p.id: self._smoothers[p.id] for p in self._tracker.people}
        bodies.sort(key=lambda body: body.id)
        return DetectedBodies(BodyFrame(time_ns, tuple(bodies)), landmarks)

    def close(self) -> None:
        self._models.close()

    def _estimate_poses(self, image: Image, time_ns: int) -> list[Pose]:
        """Returns the poses of all people in the picture, without duplicates."""
        new_boxes = []
        if self._next_detection_ns is None or time_ns >= self._next_detection_ns:
            self._next_detection_ns = time_ns + DETECTION_INTERVAL_NS
            new_boxes = self._tracker.assign_boxes(self._models.boxes(image), time_ns)
        boxes = [person.box_at(time_ns) for person in self._tracker.people] + new_boxes
        poses: list[Pose] = []
        for box in boxes[:MAX_PEOPLE]:
            pose = self._models.pose(image, box)
            # In a crop without a complete person, MediaPipe returns an arbitrary pose.
            if pose is None or not may_match(bounding_box(pose.points), box):
                continue
            if all(_distinct(pose, other) for other in poses):
                poses.append(pose)
        return poses


class _PoseSmoother:
    """Smooths one person's joints: relative to the hips, and separately the position of the hips."""

    def __init__(self) -> None:
        self._limbs = OneEuroFilter(*LIMB_FILTER)
        self._position = OneEuroFilter(*POSITION_FILTER)

    def push(
        self, pose: Pose, confidence: FloatArray, camera: PinholeCamera, time_ns: int
    ) -> FloatArray | None:
        """Returns (33, 3) joints in camera space, NaN where not seen; None without a valid position."""
        world = np.where(confidence[:, None] > 0, pose.world, np.float32(np.nan))
        limbs = self._limbs.push(time_ns, world)
        position = camera.solve_position(pose.points, pose.world, confidence)
        if position is None:
            return None
        return limbs + self._position.push(time_ns, position[None])


def _distinct(pose: Pose, other: Pose) -> bool:
    """Returns whether two poses show two people."""
    distance = np.linalg.norm(pose.points[TORSO, :] - other.points[TORSO, :], axis=1).mean()
    return bool(distance > MIN_TORSO_DISTANCE * min(torso_length(pose.points), torso_length(other.points)))
