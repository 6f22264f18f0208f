"""Noise model of a Kinect v1: noise that grows with distance, spikes, inferred and dropped joints.

Source of the noise model: Khoshelham and Oude Elberink, "Accuracy and resolution of Kinect depth data for
indoor mapping applications", Sensors 12 (2012) 1437-1454: the random error of depth grows with the square of
the distance and reaches about 4 cm at 5 m. The share of it that remains in a joint, its correlation over time
and the rates of all faults are assumed, such that more than 90 % of windows of 0.2 s are complete.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray
from stream.simulation.random_parameters import Array

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
"""Standard deviation of depth at 1 m, metres; grows with the square of the distance (4 cm at 5 m)."""

SIDEWAYS_NOISE = 0.6
"""Noise across the line of sight over the noise along it."""

NOISE_SECONDS = 0.06
"""Correlation time of the noise."""

SPIKE_RATE = 0.02
"""Spikes per joint and second."""

SPIKE_GAIN = 8.0
"""Factor on the noise in a spike."""

INFERRED_NOISE = 2.0
"""Noise of an inferred joint over that of a tracked joint."""

DROP_SECONDS, INFER_SECONDS = 0.07, 0.25
"""Mean time that a joint stays dropped or inferred."""

TRACKED, INFERRED, DROPPED = 1.0, 0.5, 0.0
"""Confidence of a joint by its state."""

Mask = NDArray[np.bool_]

_TRUNK, _ARM, _WRIST, _HAND, _KNEE, _ANKLE, _FOOT = range(7)
_KIND = np.array([_TRUNK] * 4 + [_TRUNK, _ARM, _WRIST, _HAND] * 2 + [_TRUNK, _KNEE, _ANKLE, _FOOT] * 2)

JOINT_NOISE: Array = np.array([0.35, 0.5, 0.7, 0.9, 0.7, 0.9, 1.2])[_KIND]
"""(20,) share of the depth noise that remains in a joint, because the tracker averages many pixels."""

DROP_RATE: Array = np.array([0.0, 0.01, 0.03, 0.20, 0.01, 0.05, 0.20])[_KIND]
"""(20,) dropouts of a joint per second; mostly hands and feet."""

INFER_RATE: Array = np.array([0.0, 0.05, 0.10, 0.15, 0.05, 0.15, 0.20])[_KIND]
"""(20,) inferred periods of a joint per second."""


class SimulatedKinect:
    """Adds noise and faults to the joints of people, frame by frame, independently for each person.

    Args:
        generators: one per person.
        fps: frames per second.
    """

    def __init__(self, generators: Sequence[np.random.Generator], fps: int) -> None:
        people = len(generators)
        self._generators = generators
        self._seconds = 1.0 / fps
        self._autocorrelation = float(np.exp(-self._seconds / NOISE_SECONDS))
        self._noise: Array | None = None
        self._dropped = np.zeros((people, 20), dtype=np.bool_)
        self._inferred = np.zeros((people, 20), dtype=np.bool_)

    def observe(self, joints: Array) -> tuple[FloatArray, FloatArray]:
        """Adds noise and faults to the next frames.

        Args:
            joints: (frames, people, 20, 3) metres in the sensor's axes.

        Returns:
            (frames, people, 20, 3) float32 joints, NaN where dropped, and (frames, people, 20) float32
            confidences.
        """
        frames = len(joints)
        noise = np.stack([g.standard_normal((frames, 20, 3)) for g in self._generators], axis=1)
        uniform = np.stack([g.random((frames, 3, 20)) for g in self._generators], axis=1)
        inferred = self._fault_periods(self._inferred, uniform[:, :, 0], INFER_RATE, INFER_SECONDS)
        dropped = self._fault_periods(self._dropped, uniform[:, :, 1], DROP_RATE, DROP_SECONDS)
        noise[uniform[:, :, 2] < SPIKE_RATE * self._seconds] *= SPIKE_GAIN
        self._correlate(noise)
        scale = DEPTH_NOISE * joints[..., 2] ** 2 * JOINT_NOISE * np.where(inferred, INFERRED_NOISE, 1.0)
        observed = joints + scale[..., None] * noise * (SIDEWAYS_NOISE, SIDEWAYS_NOISE, 1.0)
        observed[dropped] = np.nan
        confidence = np.where(dropped, DROPPED, np.where(inferred, INFERRED, TRACKED))
        return observed.astype(np.float32), confidence.astype(np.float32)

    def _correlate(self, noise: Array) -> None:
        """Converts independent draws to a first-order autoregressive process of equal variance, in place."""
        phi, previous = self._autocorrelation, self._noise
        for frame in range(len(noise)):
            if previous is not None:
                noise[frame] = phi * previous + np.sqrt(1.0 - phi**2) * noise[frame]
            previous = noise[frame]
        self._noise = previous

    def _fault_periods(self, state: Mask, uniform: Array, rate: Array, seconds: float) -> Mask:
        """Returns when faults are active, with a rate per second and a mean duration; updates `state`."""
        begins = uniform < rate * self._seconds
        lasts = uniform >= min(1.0, self._seconds / seconds)
        active = np.empty(uniform.shape, dtype=np.bool_)
        for frame in range(len(uniform)):
            np.copyto(state, np.where(state, lasts[frame], begins[frame]))
            active[frame] = state
        return active
