"""Paths of simulated people: closed curves within the sensor's view, walked slower where they bend.

Sources:
    - Field of view of a Kinect v1: 57 by 43 degrees (Microsoft, Kinect for Windows SDK). Bodies stay inside
      horizontally; that feet leave the view closer than about 2.3 m is not simulated.
    - Speed falls with the cube root of the curvature (the one-third power law; Zago, Matic, Flash,
      Gomez-Marin and Lacquaniti, Exp. Brain Res. 236 (2018) 69-82; found for walking by Vieilledent et al.).
    - Speed drifts slowly by 2.3 % (coefficient of variation; Collins and Kuo, PLoS ONE 8 (2013) e73597).

Assumed: the shapes, their sizes, and the curvature at which people start to slow down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stream.simulation.random_parameters import Array

__all__ = [
    "MAX_DISTANCE",
    "MIN_DISTANCE",
    "SENSOR_HEIGHT",
    "PathPoints",
    "Paths",
    "WalkingPaths",
    "draw_paths",
    "in_view",
]

SENSOR_HEIGHT = 0.9
"""Metres above the floor."""

MIN_DISTANCE, MAX_DISTANCE = 1.8, 4.5
"""Limits of the depth of a path, metres from the sensor."""

VIEW_TANGENT = 0.54
"""Tangent of half the horizontal field of view."""

SIDE_MARGIN = 0.40
"""Metres between a path and the edge of the view, for shoulders and arms."""

FREE_RADIUS = 1.2
"""Metres; on wider bends, people walk at full speed."""

MIN_RADIUS = 0.4
"""Metres; smallest radius of curvature of a path."""

DRIFT = 0.023
"""Coefficient of variation of the speed along a walk."""

LAP_SAMPLES = 720

Complex = NDArray[np.complex128]


@dataclass(frozen=True, slots=True, eq=False)
class PathPoints:
    """Positions and motion of some people on their paths, each array (times, people).

    Attributes:
        position: complex, x + i z of the pelvis in the sensor's axes, metres.
        heading: complex of length 1, the walking direction in the same plane.
        curvature: radians per metre, positive where the path bends to the person's left.
        relative_speed: speed over the person's own speed straight ahead.
        gait_cycles: since the start of the walk.
    """

    position: Complex
    heading: Complex
    curvature: Array
    relative_speed: Array
    gait_cycles: Array


class Paths(Protocol):
    """Where some people are, by time."""

    def at(self, seconds: Array) -> PathPoints:
        """Returns the path points of all people at (times,) seconds since the start of the walk."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class WalkingPaths:
    """Closed curves of some people and their timing.

    Attributes:
        shape: (people, 5) complex a, b, c, d, e, metres, of the curve
            position(u) = a + b e^(iu) + c e^(-iu) + d e^(2iu) + e e^(-2iu).
        lap: (people,) seconds per lap at the mean speed.
        angle: (people, `LAP_SAMPLES` + 1) u at evenly spaced times of a lap.
        gait_cycles: (people, `LAP_SAMPLES` + 1) gait cycles at the same times, from 0.
        start: (people, 2) lap and gait cycle at the start of the walk.
        drift: (people, 2, 2) angular frequency (1/s) and phase of two slow variations of the speed.
    """

    shape: Complex
    lap: Array
    angle: Array
    gait_cycles: Array
    start: Array
    drift: Array

    def at(self, seconds: Array) -> PathPoints:
        """Returns the path points of all people at (times,) seconds since the start of the walk."""
        frequency, phase = self.drift[:, :, 0], self.drift[:, :, 1]
        # The integral of the speed 1 + DRIFT (cos + cos), which is 0 at the start.
        variation = np.sin(frequency * seconds[:, None, None] + phase) - np.sin(phase)
        path_time = seconds[:, None] + DRIFT * (variation / frequency).sum(axis=-1)
        laps, lap_phase = np.divmod(path_time / self.lap + self.start[:, 0], 1.0)
        angle = _interpolate(self.angle, lap_phase)
        cycles_in_lap = _interpolate(self.gait_cycles, lap_phase)
        gait_cycles = cycles_in_lap + laps * self.gait_cycles[:, -1] + self.start[:, 1]
        position, first, second = _curve(self.shape, angle)
        curvature = _curvature(first, second)
        return PathPoints(position, first / np.abs(first), curvature, _relative_speed(curvature), gait_cycles)


def draw_paths(generators: Sequence[np.random.Generator], speed: Array, stride: Array) -> WalkingPaths:
    """Draws a path for each person's walk, with its timing.

    Args:
        generators: one per person.
        speed: (people,) metres per second straight ahead.
        stride: (people,) metres per gait cycle straight ahead.
    """
    shape = np.array([_draw_shape(g) for g in generators]).reshape(-1, 5)
    start = np.array([g.random(2) for g in generators]).reshape(-1, 2)
    drift = np.array([(g.uniform(0.3, 1.0, 2), g.uniform(0.0, 2 * np.pi, 2)) for g in generators])
    angle = np.linspace(0.0, 2 * np.pi, LAP_SAMPLES + 1)[:, None]
    _, first, second = _curve(shape, angle)
    relative_speed = _relative_speed(_curvature(first, second))
    # Integrals over u; step length and step rate both scale with the square root of the speed.
    seconds = _integral(np.abs(first) / (relative_speed * speed), angle)
    cycles = _integral(np.abs(first) / (np.sqrt(relative_speed) * stride), angle)
    even = np.linspace(0.0, 1.0, LAP_SAMPLES + 1)
    people = range(len(generators))
    return WalkingPaths(
        shape,
        lap=seconds[-1],
        angle=np.array([np.interp(even * seconds[-1, p], seconds[:, p], angle[:, 0]) for p in people]),
        gait_cycles=np.array([np.interp(even * seconds[-1, p], seconds[:, p], cycles[:, p]) for p in people]),
        start=start,
        drift=drift.reshape(-1, 2, 2).swapaxes(1, 2),
    )


def in_view(position: Complex) -> NDArray[np.bool_]:
    """Returns whether people at these positions, x + i z in metres, are completely in view."""
    x, z = position.real, position.imag
    return (z >= MIN_DISTANCE) & (z <= MAX_DISTANCE) & (np.abs(x) <= VIEW_TANGENT * z - SIDE_MARGIN)


def _draw_shape(generator: np.random.Generator) -> Complex:
    """Draws bent ellipses until one lies in view; each failure makes the next one slightly smaller."""
    angle = np.linspace(0.0, 2 * np.pi, 96, endpoint=False)[:, None]
    size = 1.0
    while True:
        long, short = size * generator.uniform(1.0, 1.4), size * generator.uniform(0.6, 0.8)
        orientation = np.exp(1j * generator.uniform(0.0, np.pi))
        center = generator.uniform(-0.8, 0.8) + 1j * generator.uniform(2.6, 3.8)
        bend = 0.1 * short * np.exp(2j * np.pi * generator.random())
        forward, backward = 0.5 * (long + short) * orientation, 0.5 * (long - short) * orientation
        to_right = generator.random() < 0.5
        coefficients = (forward, backward, bend, 0.0) if to_right else (backward, forward, 0.0, bend)
        shape = np.array([center, *coefficients])
        position, first, second = _curve(shape[None], angle)
        if in_view(position).all() and (np.abs(_curvature(first, second)) <= 1.0 / MIN_RADIUS).all():
            return shape
        size = max(0.998 * size, 0.75)


def _curve(shape: Complex, angle: Array) -> tuple[Complex, Complex, Complex]:
    """Returns the position and its first two derivatives with respect to u, each (times, people)."""
    rotation = np.exp(1j * angle)
    center, *factors = shape.T
    b, c = factors[0] * rotation, factors[1] / rotation
    d, e = factors[2] * rotation**2, factors[3] / rotation**2
    return center + b + c + d + e, 1j * (b - c + 2.0 * (d - e)), -b - c - 4.0 * (d + e)


def _curvature(first: Complex, second: Complex) -> Array:
    """Returns the curvature, positive to the left (X is the sensor's left: left of a heading is times -i)."""
    return np.asarray(-(np.conj(first) * second).imag / np.abs(first) ** 3)


def _relative_speed(curvature: Array) -> Array:
    return np.asarray(np.minimum(1.0, (np.abs(curvature) * FREE_RADIUS + 1e-9) ** (-1 / 3)))


def _integral(values: Array, at: Array) -> Array:
    steps = 0.5 * (values[1:] + values[:-1]) * np.diff(at, axis=0)
    return np.vstack([np.zeros_like(steps[:1]), np.cumsum(steps, axis=0)])


def _interpolate(table: Array, fraction: Array) -> Array:
    """Interpolates each person's table, (people, n + 1), at fractions 0..1 of it, (times, people)."""
    index = fraction * (table.shape[1] - 1)
    left = np.minimum(index.astype(np.int64), table.shape[1] - 2)
    person = np.arange(len(table))
    low = table[person, left]
    return np.asarray(low + (index - left) * (table[person, left + 1] - low))
