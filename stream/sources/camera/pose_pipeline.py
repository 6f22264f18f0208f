"""Pose pipeline of a camera: detects people, estimates and tracks poses, lifts them to camera space.

picture -> boxes of new people in the picture before -> poses -> people -> joints in camera space
        -> search for people, in a thread (`stream.sources.camera.background_search`)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stream.body import Body, BodyFrame, FloatArray, Image, MissedPerson
from stream.sources.camera.background_search import BackgroundSearch
from stream.sources.camera.boxes import Box
from stream.sources.camera.crowd_poses import MAX_PEOPLE, estimate_poses
from stream.sources.camera.detected_bodies import DetectedBodies, PoseCost, PosePipeline
from stream.sources.camera.lifting import FIELD_OF_VIEW, PinholeCamera, joint_confidence
from stream.sources.camera.one_euro import OneEuroFilter
from stream.sources.camera.person_search import PersonSearch
from stream.sources.camera.person_tracking import PersonTracker, person_box
from stream.sources.camera.pose_models import Pose, PoseModels

__all__ = ["MediaPipePipeline", "open_pose_pipeline"]

DETECTION_INTERVAL_NS = 150_000_000
"""Interval between two runs of the person detector."""

SEEN_MISSES = 5
"""Pictures without a pose after which a person may have left; the detector's boxes count as poses here."""

TOO_SMALL = "too small, or hidden"
NO_DISTANCE = "distance unknown"
"""Why a person gave no body; see also `stream.sources.camera.crowd_poses`."""

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
    return MediaPipePipeline(PoseModels(model), field_of_view)


class MediaPipePipeline:
    """Detects person boxes at intervals, beside the poses that it estimates in every picture.

    What the detector finds in a picture counts from the next one on, see `BackgroundSearch`.

    Args:
        models: are closed with the pipeline.
        field_of_view: degrees along the longer side of the picture.
    """

    def __init__(self, models: PoseModels, field_of_view: float) -> None:
        self._models = models
        self._field_of_view = field_of_view
        self._search = BackgroundSearch(PersonSearch(models))
        self._tracker = PersonTracker()
        self._smoothers: dict[int, _PoseSmoother] = {}
        self._next_detection_ns: int | None = None
        self._missed_new: list[MissedPerson] = []  # of the last search: they are looked at again at the next

    def process(self, image: Image, time_ns: int) -> DetectedBodies:
        """See `PosePipeline.process`; the image is not to be changed before the next call has ended."""
        poses, missed = self._estimate_poses(image, time_ns)
        height, width = image.shape[:2]
        people = self._tracker.assign_poses([pose.points for pose in poses], time_ns)
        camera = PinholeCamera.from_field_of_view(width, height, self._field_of_view)
        bodies, landmarks = [], {}
        confidences = joint_confidence(poses, width, height)
        for person, pose, confidence in zip(people, poses, confidences, strict=True):
            smoother = self._smoothers.setdefault(person.id, _PoseSmoother())
            joints = smoother.push(pose, confidence, camera, time_ns)
            if reason := _why_unusable(joints, confidence):
                missed.append(MissedPerson(person_box(pose.points), reason))
            elif person.confirmed and joints is not None:
                bodies.append(Body(person.id, joints, confidence))
                landmarks[person.id] = np.column_stack([pose.points, confidence])
        self._smoothers = {p.id: self._smoothers[p.id] for p in self._tracker.people}
        bodies.sort(key=lambda body: body.id)
        return DetectedBodies(BodyFrame(time_ns, tuple(bodies)), landmarks, tuple(missed))

    def measure(self, image: Image) -> PoseCost:
        """See `PosePipeline.measure`."""
        return self._models.measure(image)

    def close(self) -> None:
        """See `PosePipeline.close`."""
        self._search.close()
        self._models.close()

    def _estimate_poses(self, image: Image, time_ns: int) -> tuple[list[Pose], list[MissedPerson]]:
        """Returns the poses of all people in the picture, without duplicates, and people without a pose."""
        found = self._search.finish()
        new_boxes = [] if found is None else self._tracker.assign_boxes(found[1], found[0])
        if self._next_detection_ns is None or time_ns >= self._next_detection_ns:
            self._next_detection_ns = time_ns + DETECTION_INTERVAL_NS
            followed = [person.box_at(time_ns) for person in self._tracker.people]
            self._search.start(image, time_ns, followed, in_tile=len(followed) < MAX_PEOPLE)
        people = self._tracker.people
        seen = [person.box_at(time_ns) for person in people if person.misses <= SEEN_MISSES]
        # Somebody who has perhaps left takes the place of nobody else, and is not shown.
        lost = [person.box_at(time_ns) for person in people if person.misses > SEEN_MISSES]
        estimates = estimate_poses(self._models, image, [*seen, *new_boxes, *lost])
        if found is not None:
            self._missed_new = _missed(new_boxes, estimates[len(seen) :])
        poses = [pose for pose in estimates if isinstance(pose, Pose)]
        return poses, _missed(seen, estimates) + self._missed_new


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


def _missed(boxes: Sequence[Box], estimates: Sequence[Pose | str]) -> list[MissedPerson]:
    """Returns the boxes that gave no pose; there may be more estimates than boxes."""
    pairs = zip(boxes, estimates, strict=False)
    return [MissedPerson(box, reason) for box, reason in pairs if isinstance(reason, str)]


def _why_unusable(joints: FloatArray | None, confidence: FloatArray) -> str:
    """Returns why a pose gives no body; empty if it gives one."""
    if not confidence.any():
        return TOO_SMALL
    return NO_DISTANCE if joints is None else ""
