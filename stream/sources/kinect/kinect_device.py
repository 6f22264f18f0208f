"""One connection to a Kinect v2: its driver's thread delivers body frames, the newest is read."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import numpy as np

from stream.body import Body, BodyFrame
from stream.errors import SourceError
from stream.skeleton import LAYOUTS
from stream.sources.kinect.pykinect import PyKinect2
from stream.sources.latest_value import Newest

__all__ = ["KinectDevice", "bodies_of", "floor_of"]

Plane = tuple[float, float, float, float]
"""(a, b, c, d) of a plane a x + b y + c z + d = 0, metres, in the axes of `stream.body.Body`."""

JOINTS = len(LAYOUTS["kinect-v2"].joints)
TRUST = np.array([0, 0.5, 1], np.float32)
"""Confidence by tracking state: not tracked, inferred, tracked."""


class KinectDevice:
    """A `stream.sources.live_source.Device`; the sensor says by a frame of no bodies that it sees nobody."""

    ready = True

    def __init__(self, pykinect2: PyKinect2) -> None:
        """Open the sensor.

        Raises:
            SourceError: the driver refused.
        """
        self._newest = Newest[BodyFrame]()
        self._floor: Plane | None = None
        try:
            self._runtime = pykinect2.runtime(self._arrived, self._newest.fail)
        except Exception as error:  # COM's errors have no base of their own
            raise SourceError(
                f"the Kinect v2 could not be opened ({type(error).__name__}: {error}): check that it has "
                "power and is plugged into USB 3, and that the service KinectMonitor runs"
            ) from error

    @property
    def dropped(self) -> int:
        """How many frames were dropped because newer ones came before the reader did."""
        return self._newest.dropped

    @property
    def floor(self) -> Plane | None:
        """The floor, as the sensor last saw it; None where it did not. d is the sensor's height."""
        return self._floor

    @property
    def description(self) -> str:
        """The sensor and how high it stands."""
        if self._floor is None:
            return "Kinect v2, floor not seen"
        return f"Kinect v2, {self._floor[3]:.2f} m above the floor"

    def read(self, timeout: float) -> BodyFrame | None:
        """Wait at most `timeout` seconds for the newest frame; its time is that of its arrival.

        Raises:
            SourceError: the driver stopped.
        """
        return self._newest.take(timeout)

    def close(self) -> None:
        """Release the sensor."""
        with contextlib.suppress(Exception):  # one that was unplugged cannot be closed in order
            self._runtime.close()

    def _arrived(self, time_ns: int, frame: Any) -> None:
        self._floor = floor_of(frame) or self._floor
        self._newest.put(BodyFrame(time_ns, bodies_of(frame)))


def bodies_of(frame: Any) -> tuple[Body, ...]:
    """The tracked bodies of a frame of pykinect2.

    A Kinect v2 speaks in metres and in the axes of `stream.body.Body`: nothing is turned.
    """
    return tuple(_body(body) for body in frame.bodies if body.is_tracked)


def floor_of(frame: Any) -> Plane | None:
    """The floor of a frame of pykinect2; None where the sensor did not see it."""
    plane = frame.floor_clip_plane
    if plane is None:
        return None
    floor = (float(plane.x), float(plane.y), float(plane.z), float(plane.w))
    return floor if all(map(math.isfinite, floor)) and any(floor[:3]) else None


def _body(body: Any) -> Body:
    seen = [body.joints[joint] for joint in range(JOINTS)]
    joints = np.array([(j.Position.x, j.Position.y, j.Position.z) for j in seen], np.float32)
    confidence = TRUST[np.clip([joint.TrackingState for joint in seen], 0, 2)]
    confidence[~np.isfinite(joints).all(axis=1)] = 0
    joints[confidence == 0] = np.nan
    return Body(int(body.tracking_id), joints, confidence)
