"""One connection to a Kinect v2: the driver's thread delivers body frames, `read` returns the newest.

The sensor detects the floor; skeletons are turned so that it is level.
"""

from __future__ import annotations

import contextlib
import math
from collections import deque
from typing import Any

import numpy as np

from stream.body import Body, BodyFrame, FloatArray
from stream.errors import SourceError
from stream.levelling import levelling_turn
from stream.skeleton import LAYOUTS
from stream.sources.kinect.pykinect import PyKinect2
from stream.sources.latest_value import LatestValue

__all__ = ["KinectDevice", "bodies_of", "floor_of"]

Plane = tuple[float, float, float, float]
"""(a, b, c, d) of a plane a x + b y + c z + d = 0, metres, in the axes of `stream.body.Body`."""

JOINTS = len(LAYOUTS["kinect-v2"].joints)
CONFIDENCE = np.array([0, 0.5, 1], np.float32)
"""Confidence by tracking state: not tracked, inferred, tracked."""

FLOORS = 150
"""Newest floor planes, of 5 s, whose median levels: a single one may be off."""

STEEPEST_DEG = 60.0
"""A plane that is tilted by more is no floor."""

SHOWN_DEG = 2.0
"""Least tilt that is shown."""


class KinectDevice:
    """A `stream.sources.live_source.Device`; the sensor also delivers frames while it tracks no person."""

    ready = True

    def __init__(self, pykinect2: PyKinect2) -> None:
        """Opens the sensor.

        Raises:
            SourceError: the driver could not open it.
        """
        self._latest = LatestValue[BodyFrame]()
        self._floor: Plane | None = None
        self._floors: deque[Plane] = deque(maxlen=FLOORS)
        self._up = (0.0, 1.0, 0.0)
        try:
            self._runtime = pykinect2.runtime(self._arrived, self._latest.fail)
        except Exception as error:  # COM errors have no common base class
            raise SourceError(
                f"the Kinect v2 could not be opened ({type(error).__name__}: {error}): check that it has "
                "power and is plugged into USB 3, and that the service KinectMonitor runs"
            ) from error

    @property
    def dropped(self) -> int:
        """Number of frames replaced by newer ones before they were read."""
        return self._latest.dropped

    @property
    def floor(self) -> Plane | None:
        """The floor plane last detected, whose d is the sensor's height; None before the first."""
        return self._floor

    @property
    def description(self) -> str:
        """Model of the sensor, its height above the floor, and its tilt."""
        if self._floor is None:
            return "Kinect v2, floor not seen"
        height = f"Kinect v2, {self._floor[3]:.2f} m above the floor"
        tilt = _tilt_deg(self._up)
        return f"{height}, tilted by {tilt:.0f} degrees" if tilt >= SHOWN_DEG else height

    def read(self, timeout: float) -> BodyFrame | None:
        """Waits up to `timeout` seconds for the newest frame; its time is that of its arrival.

        Raises:
            SourceError: the driver stopped.
        """
        return self._latest.take(timeout)

    def close(self) -> None:
        """Releases the sensor."""
        with contextlib.suppress(Exception):  # closing an unplugged sensor fails
            self._runtime.close()

    def _arrived(self, time_ns: int, frame: Any) -> None:
        floor = floor_of(frame)
        if floor is not None:
            self._floor = floor
            self._floors.append(floor)
            x, y, z = np.median([plane[:3] for plane in self._floors], axis=0).tolist()
            self._up = (x, y, z)
        self._latest.put(BodyFrame(time_ns, bodies_of(frame, levelling_turn(self._up))))


def bodies_of(frame: Any, turn: FloatArray) -> tuple[Body, ...]:
    """Returns the tracked bodies of a frame of pykinect2.

    A Kinect v2 uses metres and the axes of `stream.body.Body`, so nothing is converted.

    Args:
        frame: of pykinect2.
        turn: (3, 3) float32, makes the skeletons level.
    """
    return tuple(_body(body, turn) for body in frame.bodies if body.is_tracked)


def floor_of(frame: Any) -> Plane | None:
    """Returns the floor plane of a frame of pykinect2; None if the sensor did not detect a floor."""
    plane = frame.floor_clip_plane
    if plane is None:
        return None
    floor = (float(plane.x), float(plane.y), float(plane.z), float(plane.w))
    if not all(map(math.isfinite, floor)) or not any(floor[:3]):
        return None
    return floor if _tilt_deg(floor[:3]) <= STEEPEST_DEG else None


def _tilt_deg(up: tuple[float, float, float]) -> float:
    """Returns the angle between a direction and the Y axis, degrees."""
    return math.degrees(math.atan2(math.hypot(up[0], up[2]), up[1]))


def _body(body: Any, turn: FloatArray) -> Body:
    raw = [body.joints[joint] for joint in range(JOINTS)]
    joints = np.array([(j.Position.x, j.Position.y, j.Position.z) for j in raw], np.float32)
    confidence = CONFIDENCE[np.clip([joint.TrackingState for joint in raw], 0, 2)]
    confidence[~np.isfinite(joints).all(axis=1)] = 0
    joints[confidence == 0] = np.nan
    return Body(int(body.tracking_id), joints @ turn.T, confidence)
