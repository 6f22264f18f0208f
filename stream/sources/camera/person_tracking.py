"""Who is who from picture to picture: poses are assigned to the people who are followed, by their torsos.

Boxes of people, found every few pictures, say where somebody is whose pose is not found just now, and how
large they are; between two of them a box moves with its person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from stream.body import FloatArray
from stream.sources.camera.boxes import Box, around, middle, overlap, shifted

__all__ = ["TORSO", "Followed", "Follower", "torso_length"]

TORSO = (11, 12, 23, 24)
"""MediaPipe's shoulders and hips: they move smoothly, and are seen from everywhere."""

REACH = 1.0
"""A pose this many torso lengths from where somebody was expected is somebody else."""

SAME_BOX = 0.3
"""A box that has so much in common with where a person is expected is theirs."""

PATIENCE = 10
"""For so many pictures in a row a person may be hidden."""

GREETING = 3
"""In so many pictures a pose has to be found before it counts as a person."""

STEADY_S = 0.25
"""Time constant of the velocity: longer than the jitter of a pose, shorter than a turn."""


@dataclass(slots=True)
class Followed:
    """Somebody who is followed.

    Attributes:
        id: never given again.
        torso: (4, 2) pixels, when last seen.
        box: around the whole person then.
        time_ns: of that picture.
        velocity: (2,) pixels a second.
        seen: how many poses were theirs.
        missed: pictures since neither a pose nor a box of theirs was found.
    """

    id: int
    torso: FloatArray
    box: Box
    time_ns: int
    velocity: FloatArray = field(default_factory=lambda: np.zeros(2, np.float32))
    seen: int = 1
    missed: int = 0

    @property
    def known(self) -> bool:
        """Whether it was seen often enough to be a person."""
        return self.seen >= GREETING

    def torso_at(self, time_ns: int) -> FloatArray:
        """(4, 2) where the torso is expected."""
        return self.torso + self._way(time_ns)

    def box_at(self, time_ns: int) -> Box:
        """The box where it is expected."""
        return shifted(self.box, self._way(time_ns))

    def see(self, points: FloatArray, time_ns: int) -> None:
        """Take (33, 2) landmarks as theirs."""
        torso = points[TORSO, :]
        elapsed = np.float32((time_ns - self.time_ns) / 1e9)
        if elapsed > 0:
            measured = (torso - self.torso).mean(axis=0) / elapsed
            weight = max(np.float32(1 / self.seen), elapsed / (elapsed + np.float32(STEADY_S)))
            self.velocity = self.velocity + weight * (measured - self.velocity)
        self.torso, self.box, self.time_ns = torso, around(points), time_ns
        self.seen, self.missed = self.seen + 1, 0

    def stand(self, box: Box, time_ns: int) -> None:
        """Take a box as theirs; where no pose was found before, they have moved with it."""
        if self.missed:
            self.torso = self.torso_at(time_ns) + middle(box) - middle(self.box_at(time_ns))
            self.box, self.time_ns, self.missed = box, time_ns, 0
        else:
            self.box = shifted(box, -self._way(time_ns))

    def _way(self, time_ns: int) -> FloatArray:
        return self.velocity * np.float32((time_ns - self.time_ns) / 1e9)


class Follower:
    """Follows people by the landmarks of their poses."""

    def __init__(self) -> None:
        self._people: list[Followed] = []
        self._opened = 0

    @property
    def people(self) -> Sequence[Followed]:
        """All who are followed, those who were seen longest first."""
        return tuple(sorted(self._people, key=lambda person: -person.seen))

    def stand(self, boxes: Sequence[Box], time_ns: int) -> list[Box]:
        """Give the boxes that were found in the next picture to whom they belong; returns those of nobody."""
        if not (boxes and self._people):
            return list(boxes)
        common = np.array([[overlap(box, p.box_at(time_ns)) for p in self._people] for box in boxes])
        strangers = set(range(len(boxes)))
        for box, person in zip(*linear_sum_assignment(-common), strict=True):
            if common[box, person] >= SAME_BOX:
                self._people[person].stand(boxes[box], time_ns)
                strangers.remove(box)
        nobodys = [n for n in strangers if common[n].max() < SAME_BOX]
        return [boxes[n] for n in sorted(nobodys)]

    def push(self, poses: Sequence[FloatArray], time_ns: int) -> list[Followed]:
        """Say whose the poses of the next picture are; who was hidden too long is forgotten.

        Args:
            poses: (33, 2) pixels each, no person twice.
            time_ns: of the picture, later than the last.
        """
        owners = self._assign(poses, time_ns)
        for person in self._people:
            person.missed += 1
        followed = []
        for points, owner in zip(poses, owners, strict=True):
            if owner is None:
                owner = self._open(points, time_ns)  # noqa: PLW2901
            else:
                owner.see(points, time_ns)
            followed.append(owner)
        self._people = [person for person in self._people if person.missed <= PATIENCE]
        return followed

    def _assign(self, poses: Sequence[FloatArray], time_ns: int) -> list[Followed | None]:
        owners: list[Followed | None] = [None] * len(poses)
        if not (poses and self._people):
            return owners
        expected = [person.torso_at(time_ns) for person in self._people]
        cost = np.array([[_distance(points[TORSO, :], torso) for torso in expected] for points in poses])
        # Beyond reach all costs are the same, so that nobody is moved for the sake of somebody out of reach.
        for pose, person in zip(*linear_sum_assignment(np.minimum(cost, REACH)), strict=True):
            if cost[pose, person] < REACH:
                owners[pose] = self._people[person]
        return owners

    def _open(self, points: FloatArray, time_ns: int) -> Followed:
        self._opened += 1
        person = Followed(self._opened, points[TORSO, :], around(points), time_ns)
        self._people.append(person)
        return person


def torso_length(points: FloatArray) -> float:
    """Pixels from the middle of the shoulders to the middle of the hips of (33, 2) landmarks."""
    return _length(points[TORSO, :])


def _length(torso: FloatArray) -> float:
    return max(1.0, float(np.linalg.norm(torso[:2].mean(axis=0) - torso[2:].mean(axis=0))))


def _distance(torso: FloatArray, expected: FloatArray) -> float:
    """In torso lengths, and how much larger one is than the other: who is farther away is smaller."""
    length, other = _length(torso), _length(expected)
    apart = float(np.linalg.norm(torso - expected, axis=1).mean())
    return apart / max(length, other) + abs(float(np.log(length / other)))
