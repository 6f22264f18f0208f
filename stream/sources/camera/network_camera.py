"""A network camera as a source: a stream that OpenCV reads through FFmpeg."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from stream.body import SourceInfo
from stream.errors import SourceError
from stream.sources.camera.camera_address import CameraAddress, parse_address
from stream.sources.camera.camera_options import parse_camera_options
from stream.sources.live_source import Device, LiveSource, Timeouts

if TYPE_CHECKING:
    import cv2

__all__ = ["open_network_camera"]

TIMEOUTS = Timeouts(open=5.0)
OPEN_MS = 4000
READ_MS = 1500
"""FFmpeg's time-outs; shorter than `TIMEOUTS`, so that FFmpeg's reason is reported."""

_HINT = "check the address, its user and password, and that the camera is on and reachable"


def open_network_camera(text: str, options: Mapping[str, str] | None = None) -> LiveSource:
    """Returns a network camera as a source; the first read contacts it.

    Args:
        text: the address.
        options: see `stream.sources.camera.camera_options`.

    Raises:
        SourceError: the address (see `parse_address`) or an option is invalid.
    """
    address = parse_address(text)
    camera_options = parse_camera_options("network camera", options or {})

    def connect() -> Device:
        # OpenCV and MediaPipe take a second to import; only the process that reads the source needs them.
        from stream.sources.camera.camera_device import CameraDevice, CameraOpener  # noqa: PLC0415

        opener = CameraOpener(lambda: _open(address), address.name, lost_message="its stream stopped")
        return CameraDevice(opener, camera_options)

    info = SourceInfo(address.name, "camera", "mediapipe", live=True, finite=False)
    return LiveSource(info, connect, hint=_HINT, timeouts=TIMEOUTS)


def _open(address: CameraAddress) -> cv2.VideoCapture:
    from stream.sources.camera.quiet_opencv import cv2  # noqa: PLC0415

    started = time.monotonic()
    # Each further decoding thread delays every picture by one frame.
    settings = {
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: OPEN_MS,
        cv2.CAP_PROP_READ_TIMEOUT_MSEC: READ_MS,
        cv2.CAP_PROP_N_THREADS: 1,
    }
    camera = cv2.VideoCapture(address.url, cv2.CAP_FFMPEG, [n for pair in settings.items() for n in pair])
    if not camera.isOpened():
        timed_out = time.monotonic() - started >= OPEN_MS / 1000
        reason = f"did not answer within {OPEN_MS / 1000:g} s" if timed_out else "could not be opened"
        raise SourceError(f"{address.name} {reason}: {_HINT}")
    return camera
