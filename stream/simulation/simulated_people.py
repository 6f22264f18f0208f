"""Simulated people: body sizes, gait and paths combined to joints over time, without sensor noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stream.simulation.anthropometry import BodySizes, draw_body_sizes
from stream.simulation.forward_kinematics import joints_of
from stream.simulation.gait import Gait, draw_gait
from stream.simulation.random_parameters import Array, RandomStream, generator
from stream.simulation.trajectories import SENSOR_HEIGHT, Paths, draw_paths

__all__ = ["SimulatedPeople"]

LEAN_SHARE = 0.5
"""Inward lean in a curve as a share of the angle that would balance the body. That people lean inwards is
known (Courtine and Schieppati, Eur. J. Neurosci. 18 (2003) 177-190); the amount is assumed."""

GRAVITY = 9.81


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedPeople:
    """Some people on one walk.

    Seed and person number alone determine a person's body and style; the walk number adds the path and the
    variation from walk to walk.

    Attributes:
        people: person numbers.
        bodies: body sizes.
        gait: style of walking.
        paths: walking paths.
    """

    people: tuple[int, ...]
    bodies: BodySizes
    gait: Gait
    paths: Paths

    @classmethod
    def draw(cls, seed: int, walk: int, people: Sequence[int]) -> SimulatedPeople:
        """Draws the people with these numbers on this walk."""
        person_generators = [generator(seed, RandomStream.PERSON, person) for person in people]
        walk_generators = [generator(seed, RandomStream.WALK, person, walk) for person in people]
        path_generators = [generator(seed, RandomStream.PATH, person, walk) for person in people]
        bodies = draw_body_sizes(person_generators)
        gait = draw_gait(bodies, person_generators, walk_generators)
        return cls(tuple(people), bodies, gait, draw_paths(path_generators, gait.speed, gait.stride))

    def joints(self, seconds: Array) -> Array:
        """Returns the joints of all people.

        Args:
            seconds: (times,) since the start of the walk.

        Returns:
            (times, people, 20, 3) metres in the sensor's axes: X to its left, Y up, Z away from it.
        """
        path = self.paths.at(seconds)
        scale = np.sqrt(path.relative_speed)
        angles = self.gait.angles(path.gait_cycles, scale)
        speed = path.relative_speed * self.gait.speed
        angles["trunk_roll"] = angles["trunk_roll"] + LEAN_SHARE * speed**2 * path.curvature / GRAVITY
        body = joints_of(self.bodies, angles)
        surge = scale * self.gait.surge * np.sin(4 * np.pi * path.gait_cycles)
        # With X to the sensor's left and Z away from it, a person's left is their heading times -i.
        offset = (body[..., 0] - 1j * body[..., 1]) * path.heading[..., None]
        ground = (path.position + surge * path.heading)[..., None] + offset
        return np.stack([ground.real, body[..., 2] - SENSOR_HEIGHT, ground.imag], axis=-1)
