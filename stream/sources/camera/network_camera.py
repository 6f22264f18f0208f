"""A network camera: an address that OpenCV reads a stream of pictures from, by FFmpeg."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from stream.body import SourceInfo
from stream.errors import SourceError
from stream.sources.camera.camera_address import Address, parse_address
from stream.sources.camera.camera_options import parse_seeing
from stream.sources.live_source import Device, LiveSource, Patience

if TYPE_CHECKING:
    import cv2

__all__ = ["open_network_camera"]

PATIENCE = Patience(open=5.0)
OPEN_MS = 4000
READ_MS = 1500
"""How long FFmpeg waits for a server, less than `PATIENCE`, so that it is told why."""

_MEND = "check the address, its user and password, and that the camera is on and within reach"


def open_network_camera(text: str, options: Mapping[str, str] | None = None) -> LiveSource:
    """A network camera by its address; nothing is contacted before it is read.

    Args:
        text: the address.
        options: see `stream.sources.camera.camera_options`.

    Raises:
        SourceError: it is no address, see `parse_address`; or an option is unknown or wrong.
    """
    address = parse_address(text)
    seeing = parse_seeing("network camera", options or {})

    def connect() -> Device:
        # OpenCV and MediaPipe take a second to load, which only the process that sees has to spend.
        from stream.sources.camera.camera_device import CameraDevice, Opening  # noqa: PLC0415

        opening = Opening(lambda: _open(address), address.name, lost="its stream stopped")
        return CameraDevice(opening, seeing)

    info = SourceInfo(address.name, "camera", "mediapipe", live=True, finite=False)
    return LiveSource(info, connect, hint=_MEND, patience=PATIENCE)


def _open(address: Address) -> cv2.VideoCapture:
    from stream.sources.camera.quiet_opencv import cv2  # noqa: PLC0415

    began = time.monotonic()
    # Several threads would decode as many pictures at once, and give each that much later.
    settings = {
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: OPEN_MS,
        cv2.CAP_PROP_READ_TIMEOUT_MSEC: READ_MS,
        cv2.CAP_PROP_N_THREADS: 1,
    }
    camera = cv2.VideoCapture(address.url, cv2.CAP_FFMPEG, [n for pair in settings.items() for n in pair])
    if not camera.isOpened():
        late = time.monotonic() - began >= OPEN_MS / 1000
        what = f"did not answer within {OPEN_MS / 1000:g} s" if late else "could not be opened"
        raise SourceError(f"{address.name} {what}: {_MEND}")
    return camera
