"""From a camera's pictures to the people in them: found, followed, and lifted into camera space."""

from __future__ import annotations

import numpy as np

from stream.body import Body, BodyFrame, FloatArray, Image
from stream.sources.camera.boxes import around, fits
from stream.sources.camera.detected_bodies import Eyes, Outline, Sight
from stream.sources.camera.lifting import FIELD_OF_VIEW, Lens, trust
from stream.sources.camera.one_euro import OneEuro
from stream.sources.camera.person_tracking import TORSO, Followed, Follower, torso_length
from stream.sources.camera.pose_models import Estimator, Pose

__all__ = ["open_eyes"]

LOOK_NS = 150_000_000
"""How often people who are not followed yet are looked for."""

MOST_PEOPLE = 8
"""A pose costs 10 to 25 ms: with more, a camera's pictures would come too far apart for windows."""

SAME_TORSO = 0.5
"""Torsos that are nearer to each other than this, in torso lengths, are one."""

LIMBS = (1.5, 3.0)
ROOT = (0.5, 0.5)
"""Settings of `OneEuro`: limbs swing; a place moves evenly, and its depth is the noisiest of all."""


def open_eyes(model: str = "lite", field_of_view: float = FIELD_OF_VIEW) -> Eyes:
    """Load the models that find people; takes about half a second.

    Args:
        model: of the poses: `lite`, or `full`, which is slower and surer.
        field_of_view: degrees that the camera sees along the longer side of its picture.

    Raises:
        SourceError: there is no such model.
        DataError: a model's file is missing or damaged.
    """
    return _Eyes(Estimator(model), field_of_view)


class _Eyes:
    """Boxes every few pictures, a pose of each person in every one."""

    def __init__(self, estimator: Estimator, field_of_view: float) -> None:
        self._estimator = estimator
        self._field_of_view = field_of_view
        self._follower = Follower()
        self._smoothers: dict[int, _Smoother] = {}
        self._next_look_ns: int | None = None

    def see(self, image: Image, time_ns: int) -> Sight:
        poses = self._poses(image, time_ns)
        height, width = image.shape[:2]
        followed = self._follower.push([pose.points for pose in poses], time_ns)
        lens = Lens.of(width, height, self._field_of_view)
        seen = []
        for person, pose, sure in zip(followed, poses, trust(poses, width, height), strict=True):
            smoother = self._smoothers.setdefault(person.id, _Smoother())
            joints = smoother.push(pose, sure, lens, time_ns)
            if person.known and joints is not None and sure.any():
                seen.append((Body(person.id, joints, sure), _outline(person, pose, sure)))
        self._smoothers = {p.id: self._smoothers[p.id] for p in self._follower.people}
        seen.sort(key=lambda pair: pair[0].id)
        bodies, outlines = tuple(body for body, _ in seen), tuple(outline for _, outline in seen)
        return Sight(BodyFrame(time_ns, bodies), outlines)

    def close(self) -> None:
        self._estimator.close()

    def _poses(self, image: Image, time_ns: int) -> list[Pose]:
        """The poses of all people in the picture, each once."""
        strangers = []
        if self._next_look_ns is None or time_ns >= self._next_look_ns:
            self._next_look_ns = time_ns + LOOK_NS
            strangers = self._follower.stand(self._estimator.boxes(image), time_ns)
        boxes = [person.box_at(time_ns) for person in self._follower.people] + strangers
        poses: list[Pose] = []
        for box in boxes[:MOST_PEOPLE]:
            pose = self._estimator.pose(image, box)
            # In a part without anybody whole, MediaPipe makes up a person of anything.
            if pose is None or not fits(around(pose.points), box):
                continue
            if all(_apart(pose, other) for other in poses):
                poses.append(pose)
        return poses


class _Smoother:
    """One person's joints, smoothed: the limbs about the hips, and apart from them where the hips are."""

    def __init__(self) -> None:
        self._limbs = OneEuro(*LIMBS)
        self._root = OneEuro(*ROOT)

    def push(self, pose: Pose, sure: FloatArray, lens: Lens, time_ns: int) -> FloatArray | None:
        """(33, 3) joints in camera space, NaN where not seen; None where no place before the camera fits."""
        world = np.where(sure[:, None] > 0, pose.world, np.float32(np.nan))
        limbs = self._limbs.push(time_ns, world)
        root = lens.root(pose.points, pose.world, sure)
        if root is None:
            return None
        return limbs + self._root.push(time_ns, root[None])


def _outline(person: Followed, pose: Pose, sure: FloatArray) -> Outline:
    return Outline(person.id, np.column_stack([pose.points, sure]), person.box)


def _apart(pose: Pose, other: Pose) -> bool:
    """Whether two poses are of two people."""
    distance = np.linalg.norm(pose.points[TORSO, :] - other.points[TORSO, :], axis=1).mean()
    return bool(distance > SAME_TORSO * min(torso_length(pose.points), torso_length(other.points)))
