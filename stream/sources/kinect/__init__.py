"""A Kinect v2 as a source (`kinect`), through Microsoft's SDK and the package pykinect2, on Windows.

Tested with the original pykinect2 0.1.0 over a fake Kinect library (see the tests), not with a real sensor.
"""

from __future__ import annotations

from collections.abc import Mapping

from stream.body import SourceInfo
from stream.errors import SourceError
from stream.sources.kinect.kinect_device import KinectDevice
from stream.sources.kinect.pykinect import load_pykinect2
from stream.sources.live_source import LiveSource

__all__ = ["missing", "open_kinect"]

INFO = SourceInfo("kinect", "kinect-v2", "kinect-v2", live=True, finite=False)
HINT = "check that the sensor has power and is plugged into USB 3, and that its light is on"


def open_kinect(options: Mapping[str, str]) -> LiveSource:
    """Returns the Kinect v2 of this machine as a source; the first read opens the sensor.

    Args:
        options: must be empty.

    Raises:
        SourceError: an option was given, or Windows, the SDK or the package is missing.
    """
    if options:
        given = ", ".join(options)
        raise SourceError(
            f"kinect has no options (the SDK supports one sensor per machine); leave out {given}"
        )
    pykinect2 = load_pykinect2()
    return LiveSource(INFO, lambda: KinectDevice(pykinect2), hint=HINT)


def missing() -> str:
    """Returns what this machine lacks for a Kinect v2 and what to do; empty if nothing."""
    try:
        load_pykinect2()
    except SourceError as error:
        return str(error)
    return ""
