"""A scripted scene: simulated people who come, walk about and leave, before two sources in one room.

The two sources look at the room from opposite sides. A passage is seen by both, or by one of them where the
other does not look; people cross each other's way and hide each other, and their bodies are lost now and
then. Everything is drawn from a seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stream.body import SourceInfo
from stream.simulation import SimulatedKinect
from stream.simulation.random_parameters import Array
from stream.simulation.simulated_people import SimulatedPeople
from stream.simulation.trajectories import VIEW_TANGENT, PathPoints, Paths
from tools.trials.visits.stage import FPS, Motion, Scene, stage

__all__ = ["SENSOR", "ThroughPath", "scripted_scene"]

SENSOR = "simulated"
PEOPLE, ENROLLED, MINUTES = 10, 6, 10

FIRST_WALK = 11
"""Number of the first walk of each person; lower ones enrol."""

AWAY_SECONDS = (15.0, 75.0)
"""Between two passages of one person."""

INSIDE_SECONDS = (3.0, 12.0)
"""Walking about, between coming in and going out on straight lines."""

SEEN_SECONDS = 5.0
"""Shortest passage before a source."""

ROOM = 6.2
"""Metres between the two sources."""

NEAREST, FARTHEST, SIDE = 1.2, 5.2, 0.1
"""Limits of sight: metres from the sensor, and inside the edge of its view."""

OUTSIDE_SECONDS = 6.0
"""Of the straight lines; longer than it takes to leave the view."""

SEEN_BY = (((0,), 0.4), ((1,), 0.35), ((0, 1), 0.25))
"""Which sources see a passage, and how often."""


@dataclass(frozen=True, slots=True, eq=False)
class ThroughPath:
    """Path of one person who comes straight in, walks along a closed curve, and leaves straight.

    Attributes:
        inner: the closed curve of that person.
        speed, stride: of the person straight ahead, metres per second and metres per gait cycle.
        seconds: on the curve, from 0.
        turned: whether it is seen from the opposite side of the room.
    """

    inner: Paths
    speed: float
    stride: float
    seconds: float
    turned: bool = False

    def at(self, seconds: Array) -> PathPoints:
        """Returns the path points (times, 1); before 0 and after `seconds` on the straight lines."""
        inside = np.clip(seconds, 0.0, self.seconds)
        points, beyond = self.inner.at(inside), (seconds - inside)[:, None]
        way = beyond * points.relative_speed * self.speed
        cycles = points.gait_cycles + beyond * np.sqrt(points.relative_speed) * self.speed / self.stride
        position, heading = points.position + way * points.heading, points.heading
        if self.turned:
            position, heading = 1j * ROOM - position, -heading
        curvature = np.where(beyond == 0, points.curvature, 0.0)
        return PathPoints(position, heading, curvature, points.relative_speed, cycles)


def scripted_scene(seed: int, minutes: float = MINUTES, people: int = PEOPLE) -> Scene:
    """Draws a scene; of its people, the first six in ten are enrolled."""
    random = np.random.default_rng([seed, 0])
    motions: tuple[list[Motion], list[Motion]] = ([], [])
    for person in range(1, people + 1):
        for source, motion in _passages(seed, person, minutes * 60, random):
            motions[source].append(motion)
    frames = round(minutes * 60 * FPS)
    sources = []
    for number, name in enumerate(("front", "back")):
        info = SourceInfo(name, SENSOR, "kinect-v1", live=False, finite=True)
        breaks = np.random.default_rng([seed, 1, number])
        sources.append(stage(info, number, motions[number], breaks, frames=frames, hides=True))
    enrolled = round(people * ENROLLED / PEOPLE)
    return Scene(seed, tuple(f"person {n}" for n in range(1, enrolled + 1)), tuple(sources))


def _passages(
    seed: int, person: int, seconds: float, random: np.random.Generator
) -> Iterator[tuple[int, Motion]]:
    """Yields what the sources see of a person in so many seconds, with the number of the source."""
    now, walk = random.uniform(0.0, AWAY_SECONDS[1]), FIRST_WALK
    while True:
        seen_by = SEEN_BY[random.choice(len(SEEN_BY), p=[share for _, share in SEEN_BY])][0]
        inside = random.uniform(*INSIDE_SECONDS)
        while not (found := _motions(seed, person, walk, inside, seen_by)):
            walk += 1  # a path of which a source does not see enough
        if now + max(motion.end for motion in found) / FPS > seconds - 5:
            return
        first = round(now * FPS)
        for source, motion in zip(seen_by, found, strict=True):
            yield source, replace(motion, first=motion.first + first)
        now += max(motion.end for motion in found) / FPS + random.uniform(*AWAY_SECONDS)
        walk += 1


def _motions(seed: int, person: int, walk: int, inside: float, seen_by: tuple[int, ...]) -> list[Motion]:
    """Returns a person's walk as some sources see it; empty if one of them sees too little.

    The frames count from the beginning of the straight line on which the person comes.
    """
    drawn = SimulatedPeople.draw(seed, walk, [person])
    path = ThroughPath(drawn.paths, float(drawn.gait.speed[0]), float(drawn.gait.stride[0]), inside)
    times = np.arange(-OUTSIDE_SECONDS, inside + OUTSIDE_SECONDS, 1 / FPS)
    found = []
    for source in seen_by:
        own = replace(path, turned=source == 1)
        seen = np.flatnonzero(_in_sight(own.at(times).position[:, 0]))
        whole = len(seen) and seen[-1] - seen[0] + 1 == len(seen)
        if not whole or len(seen) < SEEN_SECONDS * FPS:
            return []
        joints = replace(drawn, paths=own).joints(times[seen])
        noise = np.random.default_rng([seed, 2, person, walk, source])
        observed, confidence = SimulatedKinect([noise], FPS).observe(joints)
        found.append(Motion(f"person {person}", int(seen[0]), observed[:, 0], confidence[:, 0]))
    return found


def _in_sight(position: NDArray[np.complex128]) -> NDArray[np.bool_]:
    x, z = position.real, position.imag
    return np.asarray((z >= NEAREST) & (z <= FARTHEST) & (np.abs(x) <= VIEW_TANGENT * z - SIDE))
