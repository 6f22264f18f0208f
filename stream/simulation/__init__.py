"""Simulated people in front of a simulated Kinect v1, for load tests and demonstrations only.

The people walk like the average of published studies plus a personal style of assumed spread, so recognition
rates measured on them say nothing about real people.

`random_parameters` draws the parameters of people, `anthropometry` their body sizes and `gait` their style of
walking, from the published joint angles in `curves`. `forward_kinematics` converts angles to joints,
`trajectories` provides the walking paths, `simulated_people` combines all of these, and `sensor_noise` adds
the noise and faults of a Kinect v1.
"""

from __future__ import annotations

from stream.simulation.sensor_noise import SimulatedKinect
from stream.simulation.simulated_people import SimulatedPeople

__all__ = ["SimulatedKinect", "SimulatedPeople"]
