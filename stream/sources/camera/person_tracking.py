"""Multi-person tracking: assigns the poses of each picture to people by the distance of their torsos.

Person boxes, detected every few pictures, update the position and size of people whose pose was not found.
Between two detections, a box moves with the velocity of its person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from stream.body import FloatArray
from stream.sources.camera.boxes import Box, bounding_box, center, iou, shifted

__all__ = ["TORSO", "PersonTracker", "TrackedPerson", "person_box", "torso_length"]

TORSO = (11, 12, 23, 24)
"""MediaPipe's shoulders and hips: they move smoothly and are visible from all sides."""

MARGINS = (0.055, 0.085, 0.055, 0.03)
"""What the detector's boxes show beyond the landmarks at the left, top, right and bottom, over the height."""

MAX_DISTANCE = 1.0
"""Gate, torso lengths: a pose farther from the expected position is another person."""

MIN_IOU = 0.3
"""IoU with the expected box from which a detected box belongs to a person."""

MAX_MISSES = 10
"""Consecutive pictures without a detection after which a person is removed."""

CONFIRM_HITS = 3
"""Number of poses that confirms a person."""

VELOCITY_TIME_CONSTANT_S = 0.25
"""Longer than the jitter of a pose, shorter than a turn."""


@dataclass(slots=True)
class TrackedPerson:
    """A tracked person.

    Attributes:
        id: never reused.
        torso: (4, 2) pixels, in the last picture with a detection.
        box: of the whole person in that picture.
        time_ns: of that picture.
        velocity: (2,) pixels per second.
        hits: number of poses assigned.
        misses: pictures since the last assigned pose or box.
    """

    id: int
    torso: FloatArray
    box: Box
    time_ns: int
    velocity: FloatArray = field(default_factory=lambda: np.zeros(2, np.float32))
    hits: int = 1
    misses: int = 0

    @property
    def confirmed(self) -> bool:
        """Whether enough poses were assigned to report the person."""
        return self.hits >= CONFIRM_HITS

    def torso_at(self, time_ns: int) -> FloatArray:
        """Returns the expected torso, (4, 2) pixels."""
        return self.torso + self._displacement(time_ns)

    def box_at(self, time_ns: int) -> Box:
        """Returns the expected box."""
        return shifted(self.box, self._displacement(time_ns))

    def update_pose(self, points: FloatArray, time_ns: int) -> None:
        """Updates position and velocity from (33, 2) landmarks."""
        torso = points[TORSO, :]
        elapsed = np.float32((time_ns - self.time_ns) / 1e9)
        if elapsed > 0:
            measured = (torso - self.torso).mean(axis=0) / elapsed
            weight = max(
                np.float32(1 / self.hits), elapsed / (elapsed + np.float32(VELOCITY_TIME_CONSTANT_S))
            )
            self.velocity = self.velocity + weight * (measured - self.velocity)
        self.torso, self.box, self.time_ns = torso, person_box(points), time_ns
        self.hits, self.misses = self.hits + 1, 0

    def update_box(self, box: Box, time_ns: int) -> None:
        """Updates the box; if the last picture had no pose of the person, also moves the torso with it."""
        if self.misses:
            self.torso = self.torso_at(time_ns) + center(box) - center(self.box_at(time_ns))
            self.box, self.time_ns, self.misses = box, time_ns, 0
        else:
            self.box = shifted(box, -self._displacement(time_ns))

    def _displacement(self, time_ns: int) -> FloatArray:
        return self.velocity * np.float32((time_ns - self.time_ns) / 1e9)


class PersonTracker:
    """Tracks people by the landmarks of their poses."""

    def __init__(self) -> None:
        self._people: list[TrackedPerson] = []
        self._last_id = 0

    @property
    def people(self) -> Sequence[TrackedPerson]:
        """All tracked people, those with most hits first."""
        return tuple(sorted(self._people, key=lambda person: -person.hits))

    def assign_boxes(self, boxes: Sequence[Box], time_ns: int) -> list[Box]:
        """Assigns the boxes detected in the next picture to people; returns the boxes of new people."""
        if not (boxes and self._people):
            return list(boxes)
        overlap = np.array([[iou(box, p.box_at(time_ns)) for p in self._people] for box in boxes])
        unassigned = set(range(len(boxes)))
        for box, person in zip(*linear_sum_assignment(-overlap), strict=True):
            if overlap[box, person] >= MIN_IOU:
                self._people[person].update_box(boxes[box], time_ns)
                unassigned.remove(box)
        new = [n for n in unassigned if overlap[n].max() < MIN_IOU]
        return [boxes[n] for n in sorted(new)]

    def assign_poses(self, poses: Sequence[FloatArray], time_ns: int) -> list[TrackedPerson]:
        """Assigns the poses of the next picture to people; adds new people and removes lost ones.

        Args:
            poses: (33, 2) pixels each, at most one per person.
            time_ns: of the picture, later than the last.

        Returns:
            The person of each pose.
        """
        matches = self._match(poses, time_ns)
        for person in self._people:
            person.misses += 1
        assigned = []
        for points, match in zip(poses, matches, strict=True):
            if match is None:
                assigned.append(self._add(points, time_ns))
            else:
                match.update_pose(points, time_ns)
                assigned.append(match)
        self._people = [person for person in self._people if person.misses <= MAX_MISSES]
        return assigned

    def _match(self, poses: Sequence[FloatArray], time_ns: int) -> list[TrackedPerson | None]:
        matches: list[TrackedPerson | None] = [None] * len(poses)
        if not (poses and self._people):
            return matches
        expected = [person.torso_at(time_ns) for person in self._people]
        cost = np.array([[_distance(points[TORSO, :], torso) for torso in expected] for points in poses])
        # Costs are capped at the gate, so that a pair outside it does not change the assignment of others.
        for pose, person in zip(*linear_sum_assignment(np.minimum(cost, MAX_DISTANCE)), strict=True):
            if cost[pose, person] < MAX_DISTANCE:
                matches[pose] = self._people[person]
        return matches

    def _add(self, points: FloatArray, time_ns: int) -> TrackedPerson:
        self._last_id += 1
        person = TrackedPerson(self._last_id, points[TORSO, :], person_box(points), time_ns)
        self._people.append(person)
        return person


def person_box(points: FloatArray) -> Box:
    """Returns the box of a person with these (33, 2) landmarks, as the detector would draw it."""
    left, top, right, bottom = bounding_box(points)
    height = (bottom - top) / (1 - MARGINS[1] - MARGINS[3])
    west, north, east, south = (height * margin for margin in MARGINS)
    return left - west, top - north, right + east, bottom + south


def torso_length(points: FloatArray) -> float:
    """Returns the distance of mid-shoulders and mid-hips of (33, 2) landmarks, pixels, at least 1."""
    return _length(points[TORSO, :])


def _length(torso: FloatArray) -> float:
    return max(1.0, float(np.linalg.norm(torso[:2].mean(axis=0) - torso[2:].mean(axis=0))))


def _distance(torso: FloatArray, expected: FloatArray) -> float:
    """Returns the mean distance in torso lengths plus the log ratio of sizes, which differ with depth."""
    length, other = _length(torso), _length(expected)
    distance = float(np.linalg.norm(torso - expected, axis=1).mean())
    return distance / max(length, other) + abs(float(np.log(length / other)))
