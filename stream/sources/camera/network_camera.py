"""A network camera as a source: a stream that OpenCV reads through FFmpeg."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from stream.body import SourceInfo
from stream.errors import SourceError, UserError
from stream.sources.camera.camera_address import CameraAddress, parse_address
from stream.sources.camera.camera_options import parse_camera_options
from stream.sources.camera.http_answer import A_FILE, ONE_PICTURE, why_no_stream
from stream.sources.camera.model_choice import LivePipelines
from stream.sources.live_source import Device, LiveSource, Timeouts

if TYPE_CHECKING:
    import cv2

__all__ = ["open_network_camera"]

TIMEOUTS = Timeouts(open=7.0)
OPEN_MS = 4000
READ_MS = 1500
"""FFmpeg's time-outs; with the question why, shorter than `TIMEOUTS`, so that the reason is reported."""

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

    pipelines = LivePipelines(camera_options)

    def connect() -> Device:
        # OpenCV and MediaPipe take a second to import; only the process that reads the source needs them.
        from stream.sources.camera.camera_device import CameraDevice, CameraOpener  # noqa: PLC0415

        opener = CameraOpener(lambda: _open(address), address.name, lambda pictures: _lost(address, pictures))
        return CameraDevice(opener, camera_options, pipelines)

    info = SourceInfo(address.name, "camera", "mediapipe", live=True, finite=False)
    return LiveSource(info, connect, hint=_HINT, timeouts=TIMEOUTS)


def _open(address: CameraAddress) -> cv2.VideoCapture:
    started = time.monotonic()
    camera = _connect(address)
    opened = camera.isOpened()
    reason = _why_finite(address, camera) if opened else ""
    if opened and not reason:
        return camera
    timed_out = time.monotonic() - started >= OPEN_MS / 1000
    camera.release()  # first, because many cameras allow one connection
    if reason := reason or why_no_stream(address.url):
        raise _failure(address, reason)
    reason = f"did not answer within {OPEN_MS / 1000:g} s" if timed_out else "could not be opened"
    raise SourceError(f"{address.name} {reason}: {_HINT}")


def _connect(address: CameraAddress) -> cv2.VideoCapture:
    from stream.sources.camera.quiet_opencv import cv2  # noqa: PLC0415

    # Each further decoding thread delays every picture by one frame.
    settings = {
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: OPEN_MS,
        cv2.CAP_PROP_READ_TIMEOUT_MSEC: READ_MS,
        cv2.CAP_PROP_N_THREADS: 1,
    }
    return cv2.VideoCapture(address.url, cv2.CAP_FFMPEG, [n for pair in settings.items() for n in pair])


def _why_finite(address: CameraAddress, camera: cv2.VideoCapture) -> str:
    """Returns what an http address gives if it states a number of pictures; a stream does not."""
    from stream.sources.camera.quiet_opencv import cv2  # noqa: PLC0415

    count = camera.get(cv2.CAP_PROP_FRAME_COUNT)
    if not address.url.lower().startswith("http") or count < 1:
        return ""
    return ONE_PICTURE if count == 1 else A_FILE


def _lost(address: CameraAddress, pictures: int) -> UserError:
    """Returns why a stream ended; one that worked is not asked, because many cameras allow one connection."""
    reason = why_no_stream(address.url) if pictures <= 1 else ""
    if reason in (ONE_PICTURE, A_FILE) or (reason and not pictures):
        return _failure(address, reason)
    return SourceError("its stream stopped")


def _failure(address: CameraAddress, reason: str) -> UserError:
    """Returns the error of an address that gives no stream; one of a picture or a file never will."""
    text = f"{address.name} {reason}"
    return UserError(text) if reason in (ONE_PICTURE, A_FILE) else SourceError(text)
