"""Simulated people as they are, before a sensor looks at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stream.simulation.anthropometry import Bodies, draw_bodies
from stream.simulation.forward_kinematics import joints_of
from stream.simulation.gait import Gait, draw_gait
from stream.simulation.traits import Array, Purpose, generator
from stream.simulation.trajectories import SENSOR_HEIGHT, Paths, draw_paths

__all__ = ["Crowd"]

BANK = 0.5
"""Lean into a bend as a share of what would balance it. That people lean inwards is known (Courtine and
Schieppati, Eur. J. Neurosci. 18 (2003) 177-190); how much was chosen here."""

GRAVITY = 9.81


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """Some people on one walk.

    A person is fixed by the seed and their number alone; the walk adds where they go and how they feel.

    Attributes:
        people: their numbers.
        bodies: their sizes.
        gait: their way of walking.
        paths: where they walk.
    """

    people: tuple[int, ...]
    bodies: Bodies
    gait: Gait
    paths: Paths

    @classmethod
    def draw(cls, seed: int, walk: int, people: Sequence[int]) -> Crowd:
        """The people with these numbers, as they are on this walk."""
        identities = [generator(seed, Purpose.IDENTITY, person) for person in people]
        moods = [generator(seed, Purpose.MOOD, person, walk) for person in people]
        ways = [generator(seed, Purpose.PATH, person, walk) for person in people]
        bodies = draw_bodies(identities)
        gait = draw_gait(bodies, identities, moods)
        return cls(tuple(people), bodies, gait, draw_paths(ways, gait.speed, gait.stride))

    def joints(self, seconds: Array) -> Array:
        """Where everybody's joints are.

        Args:
            seconds: (times,) since the walk began.

        Returns:
            (times, people, 20, 3) metres in the sensor's axes: X to its left, Y up, Z away from it.
        """
        track = self.paths.at(seconds)
        scale = np.sqrt(track.pace)
        posture = self.gait.angles(track.strides, scale)
        speed = track.pace * self.gait.speed
        posture["trunk_roll"] = posture["trunk_roll"] + BANK * speed**2 * track.turn / GRAVITY
        body = joints_of(self.bodies, posture)
        surge = scale * self.gait.surge * np.sin(4 * np.pi * track.strides)
        # With X to the sensor's left and Z away from it, somebody's left is their heading times -i.
        around = (body[..., 0] - 1j * body[..., 1]) * track.heading[..., None]
        ground = (track.place + surge * track.heading)[..., None] + around
        return np.stack([ground.real, body[..., 2] - SENSOR_HEIGHT, ground.imag], axis=-1)
