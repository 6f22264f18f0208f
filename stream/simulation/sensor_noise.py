"""What a Kinect v1 makes of people: noise that grows with distance, spikes, inferred and dropped joints.

Source of the noise's law: Khoshelham and Oude Elberink, "Accuracy and resolution of Kinect depth data for
indoor mapping applications", Sensors 12 (2012) 1437-1454: the random error of depth grows with the square of
the distance and reaches about 4 cm at 5 m. How much of it is left in a joint, its correlation over time and
the rates of all faults were chosen here, so that more than nine windows of 0.2 s in ten stay whole.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray
from stream.simulation.traits import Array

__all__ = [
    "DEPTH_NOISE",
    "DROP_RATE",
    "DROP_SECONDS",
    "INFER_RATE",
    "INFER_SECONDS",
    "JOINT_NOISE",
    "SPIKE_RATE",
    "SimulatedKinect",
]

DEPTH_NOISE = 0.0016
"""Standard deviation of depth at 1 m, metres; times the square of the distance (4 cm at 5 m)."""

SIDEWAYS_NOISE = 0.6
"""Noise across the line of sight as a share of the noise along it."""

NOISE_SECONDS = 0.06
"""Time over which noise is correlated."""

SPIKE_RATE = 0.02
"""Spikes a joint and second."""

SPIKE_GAIN = 8.0
"""Size of a spike in standard deviations of the noise."""

INFERRED_NOISE = 2.0
"""Noise of an inferred joint over that of a tracked one."""

DROP_SECONDS, INFER_SECONDS = 0.07, 0.25
"""Mean time that a joint stays dropped and stays inferred."""

TRACKED, INFERRED, DROPPED = 1.0, 0.5, 0.0
"""Confidence of a joint."""

Mask = NDArray[np.bool_]

_TRUNK, _ARM, _WRIST, _HAND, _KNEE, _ANKLE, _FOOT = range(7)
_KIND = np.array([_TRUNK] * 4 + [_TRUNK, _ARM, _WRIST, _HAND] * 2 + [_TRUNK, _KNEE, _ANKLE, _FOOT] * 2)

JOINT_NOISE: Array = np.array([0.35, 0.5, 0.7, 0.9, 0.7, 0.9, 1.2])[_KIND]
"""(20,) share of the depth noise that is left in a joint, which the tracker finds from many pixels."""

DROP_RATE: Array = np.array([0.0, 0.01, 0.03, 0.20, 0.01, 0.05, 0.20])[_KIND]
"""(20,) how often a second a joint is lost: mostly hands and feet."""

INFER_RATE: Array = np.array([0.0, 0.05, 0.10, 0.15, 0.05, 0.15, 0.20])[_KIND]
"""(20,) how often a second a joint is inferred."""


class SimulatedKinect:
    """Looks at some people frame by frame; what it does to one does not depend on the others.

    Args:
        generators: one a person.
        fps: frames a second.
    """

    def __init__(self, generators: Sequence[np.random.Generator], fps: int) -> None:
        people = len(generators)
        self._generators = generators
        self._seconds = 1.0 / fps
        self._memory = float(np.exp(-self._seconds / NOISE_SECONDS))
        self._noise: Array | None = None
        self._dropped = np.zeros((people, 20), dtype=np.bool_)
        self._inferred = np.zeros((people, 20), dtype=np.bool_)

    def look(self, joints: Array) -> tuple[FloatArray, FloatArray]:
        """Spoil the next frames.

        Args:
            joints: (frames, people, 20, 3) metres in the sensor's axes.

        Returns:
            (frames, people, 20, 3) float32 joints, NaN where dropped, and (frames, people, 20) float32
            confidences.
        """
        frames = len(joints)
        noise = np.stack([g.standard_normal((frames, 20, 3)) for g in self._generators], axis=1)
        chance = np.stack([g.random((frames, 3, 20)) for g in self._generators], axis=1)
        inferred = self._bursts(self._inferred, chance[:, :, 0], INFER_RATE, INFER_SECONDS)
        dropped = self._bursts(self._dropped, chance[:, :, 1], DROP_RATE, DROP_SECONDS)
        noise[chance[:, :, 2] < SPIKE_RATE * self._seconds] *= SPIKE_GAIN
        self._correlate(noise)
        scale = DEPTH_NOISE * joints[..., 2] ** 2 * JOINT_NOISE * np.where(inferred, INFERRED_NOISE, 1.0)
        seen = joints + scale[..., None] * noise * (SIDEWAYS_NOISE, SIDEWAYS_NOISE, 1.0)
        seen[dropped] = np.nan
        confidence = np.where(dropped, DROPPED, np.where(inferred, INFERRED, TRACKED))
        return seen.astype(np.float32), confidence.astype(np.float32)

    def _correlate(self, noise: Array) -> None:
        """Turn independent draws into a first-order process of the same variance, in place."""
        before = self._noise
        for frame in range(len(noise)):
            if before is not None:
                noise[frame] = self._memory * before + np.sqrt(1.0 - self._memory**2) * noise[frame]
            before = noise[frame]
        self._noise = before

    def _bursts(self, state: Mask, chance: Array, rate: Array, seconds: float) -> Mask:
        """Faults that begin at a rate and end after a while; the state is carried on, in place."""
        begins = chance < rate * self._seconds
        lasts = chance >= min(1.0, self._seconds / seconds)
        bursts = np.empty(chance.shape, dtype=np.bool_)
        for frame in range(len(chance)):
            np.copyto(state, np.where(state, lasts[frame], begins[frame]))
            bursts[frame] = state
        return bursts
