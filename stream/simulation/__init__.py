"""Simulated people before a simulated Kinect: for load tests and demonstrations only.

The people walk like the average of published studies plus a personal style of assumed spread, so nothing
measured on them says how well real people are told apart.

`traits` draws who somebody is, `anthropometry` their bones, `curves` holds the published joint angles,
`gait` makes them one person's walk, `pose` turns angles into joints, `paths` says where they walk,
`crowd` puts them together and `sensor` spoils the result as a Kinect v1 does.
"""

from __future__ import annotations

from stream.simulation.crowd import Crowd
from stream.simulation.sensor_noise import SimulatedKinect

__all__ = ["Crowd", "SimulatedKinect"]
