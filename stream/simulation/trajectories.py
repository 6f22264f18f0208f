"""Where the simulated people walk: closed curves in the sensor's view, slower where they bend.

Sources:
    - Field of view of a Kinect v1: 57 by 43 degrees (Microsoft, Kinect for Windows SDK). Bodies stay inside
      from side to side; that feet are cut off nearer than about 2.3 m is not simulated.
    - Speed falls with the cube root of the curvature (the one-third power law; Zago, Matic, Flash,
      Gomez-Marin and Lacquaniti, Exp. Brain Res. 236 (2018) 69-82; found for walking by Vieilledent et al.).
    - Speed drifts slowly by 2.3 % (coefficient of variation; Collins and Kuo, PLoS ONE 8 (2013) e73597).

The shapes, their sizes and the curvature at which people begin to slow down were chosen here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream.simulation.traits import Array

__all__ = ["FARTHEST", "NEAREST", "SENSOR_HEIGHT", "Paths", "Track", "draw_paths", "in_view"]

SENSOR_HEIGHT = 0.9
"""Metres of the sensor over the floor."""

NEAREST, FARTHEST = 1.8, 4.5
"""Metres from the sensor to the nearest and farthest place of a path."""

VIEW_TANGENT = 0.54
"""Tangent of half the horizontal field of view."""

SIDE_MARGIN = 0.40
"""Metres between a path and the edge of the view, for shoulders and arms."""

FREE_RADIUS = 1.2
"""Metres; on wider bends people walk as fast as straight ahead."""

TIGHTEST_RADIUS = 0.4
"""Metres; no path bends more than this."""

DRIFT = 0.023
"""Coefficient of variation of the speed along a walk."""

STEPS_A_LAP = 720

Complex = NDArray[np.complex128]


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Where some people are, each array (times, people).

    Attributes:
        place: complex, x + i z of the pelvis in the sensor's axes, metres.
        heading: complex of length 1, the direction of the walk in the same plane.
        turn: radians a metre, positive where the path bends to the person's left.
        pace: speed over the person's own speed straight ahead.
        strides: gait cycles since the walk began.
    """

    place: Complex
    heading: Complex
    turn: Array
    pace: Array
    strides: Array


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """The closed curves of some people and their timing.

    Attributes:
        shape: (people, 5) complex a, b, c, d, e, metres, of the curve
            place(u) = a + b e^(iu) + c e^(-iu) + d e^(2iu) + e e^(-2iu).
        lap: (people,) seconds that a lap takes at the mean speed.
        angle: (people, `STEPS_A_LAP` + 1) u at even times of a lap.
        strides: (people, `STEPS_A_LAP` + 1) gait cycles at the same times, from 0.
        start: (people, 2) lap and gait cycle at which the walk begins.
        drift: (people, 2, 2) angular frequency (1/s) and phase of two slow waves of the speed.
    """

    shape: Complex
    lap: Array
    angle: Array
    strides: Array
    start: Array
    drift: Array

    def at(self, seconds: Array) -> Track:
        """Everybody's place at some times, (times,) seconds since the walk began."""
        frequency, phase = self.drift[:, :, 0], self.drift[:, :, 1]
        # A speed of 1 + DRIFT (cos + cos) has this time of its own as its integral; it starts at 0.
        waves = np.sin(frequency * seconds[:, None, None] + phase) - np.sin(phase)
        own = seconds[:, None] + DRIFT * (waves / frequency).sum(axis=-1)
        laps, part = np.divmod(own / self.lap + self.start[:, 0], 1.0)
        angle = _between(self.angle, part)
        strides = _between(self.strides, part) + laps * self.strides[:, -1] + self.start[:, 1]
        return self._track(angle, strides)

    def _track(self, angle: Array, strides: Array) -> Track:
        place, slope, bend = _curve(self.shape, angle)
        turn = _turn(slope, bend)
        return Track(place, slope / np.abs(slope), turn, _pace(turn), strides)


def draw_paths(generators: Sequence[np.random.Generator], speed: Array, stride: Array) -> Paths:
    """Draw a path for each person's walk and time it.

    Args:
        generators: one a person.
        speed: (people,) metres a second straight ahead.
        stride: (people,) metres of a gait cycle straight ahead.
    """
    shape = np.array([_shape(g) for g in generators]).reshape(-1, 5)
    start = np.array([g.random(2) for g in generators]).reshape(-1, 2)
    drift = np.array([(g.uniform(0.3, 1.0, 2), g.uniform(0.0, 2 * np.pi, 2)) for g in generators])
    angle = np.linspace(0.0, 2 * np.pi, STEPS_A_LAP + 1)[:, None]
    _, slope, bend = _curve(shape, angle)
    pace = _pace(_turn(slope, bend))
    # Time and gait cycles as integrals over u; both the length of steps and their rate take the root.
    seconds = _integral(np.abs(slope) / (pace * speed), angle)
    cycles = _integral(np.abs(slope) / (np.sqrt(pace) * stride), angle)
    even = np.linspace(0.0, 1.0, STEPS_A_LAP + 1)
    people = range(len(generators))
    return Paths(
        shape,
        lap=seconds[-1],
        angle=np.array([np.interp(even * seconds[-1, p], seconds[:, p], angle[:, 0]) for p in people]),
        strides=np.array([np.interp(even * seconds[-1, p], seconds[:, p], cycles[:, p]) for p in people]),
        start=start,
        drift=drift.reshape(-1, 2, 2).swapaxes(1, 2),
    )


def in_view(place: Complex) -> NDArray[np.bool_]:
    """Whether somebody walking at these places, x + i z in metres, is wholly seen."""
    x, z = place.real, place.imag
    return (z >= NEAREST) & (z <= FARTHEST) & (np.abs(x) <= VIEW_TANGENT * z - SIDE_MARGIN)


def _shape(generator: np.random.Generator) -> Complex:
    """A bent ellipse, drawn until it lies in the view; every failure lets the next one be smaller."""
    angle = np.linspace(0.0, 2 * np.pi, 96, endpoint=False)[:, None]
    size = 1.0
    while True:
        long, short = size * generator.uniform(1.0, 1.4), size * generator.uniform(0.6, 0.8)
        towards = np.exp(1j * generator.uniform(0.0, np.pi))
        middle = generator.uniform(-0.8, 0.8) + 1j * generator.uniform(2.6, 3.8)
        bent = 0.1 * short * np.exp(2j * np.pi * generator.random())
        forth, back = 0.5 * (long + short) * towards, 0.5 * (long - short) * towards
        to_right = generator.random() < 0.5
        shape = np.array([middle, forth, back, bent, 0.0] if to_right else [middle, back, forth, 0.0, bent])
        place, slope, bend = _curve(shape[None], angle)
        if in_view(place).all() and (np.abs(_turn(slope, bend)) <= 1.0 / TIGHTEST_RADIUS).all():
            return shape
        size = max(0.998 * size, 0.75)


def _curve(shape: Complex, angle: Array) -> tuple[Complex, Complex, Complex]:
    """Place and its first two derivatives by u, each (times, people)."""
    turning = np.exp(1j * angle)
    middle, *waves = shape.T
    b, c, d, e = waves[0] * turning, waves[1] / turning, waves[2] * turning**2, waves[3] / turning**2
    return middle + b + c + d + e, 1j * (b - c + 2.0 * (d - e)), -b - c - 4.0 * (d + e)


def _turn(slope: Complex, bend: Complex) -> Array:
    """Curvature; left of a heading in the plane x + i z is towards z times -i: X is the sensor's left."""
    return np.asarray(-(np.conj(slope) * bend).imag / np.abs(slope) ** 3)


def _pace(turn: Array) -> Array:
    return np.asarray(np.minimum(1.0, (np.abs(turn) * FREE_RADIUS + 1e-9) ** (-1 / 3)))


def _integral(values: Array, at: Array) -> Array:
    steps = 0.5 * (values[1:] + values[:-1]) * np.diff(at, axis=0)
    return np.vstack([np.zeros_like(steps[:1]), np.cumsum(steps, axis=0)])


def _between(table: Array, part: Array) -> Array:
    """Each person's own table, (people, n + 1), read at parts 0..1 of it, (times, people)."""
    at = part * (table.shape[1] - 1)
    left = np.minimum(at.astype(np.int64), table.shape[1] - 2)
    person = np.arange(len(table))
    low = table[person, left]
    return np.asarray(low + (at - left) * (table[person, left + 1] - low))
