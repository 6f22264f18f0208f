"""A webcam as a source."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stream.body import SourceInfo
from stream.errors import SourceError
from stream.sources.camera.camera_options import parse_camera_options
from stream.sources.camera.model_choice import LivePipelines
from stream.sources.live_source import Device, LiveSource, Timeouts

if TYPE_CHECKING:
    import cv2

__all__ = ["missing", "open_webcam"]

NODES = Path("/dev")
NAMES = Path("/sys/class/video4linux")
"""Device files and names of webcams on Linux."""

TIMEOUTS = Timeouts(open=5.0)
SIZE = (1280, 720)
"""Requested picture size: at 640 x 480, the usual default, people a few steps away are too small."""

_HINT = "check that it is plugged in, that no other program uses it, and that programs may use cameras"


def open_webcam(address: str, options: Mapping[str, str] | None = None) -> LiveSource:
    """Returns a webcam as a source; the first read opens it.

    Args:
        address: its number, from 0; or its device file, or a link to that, such as those in /dev/v4l/by-id,
            which stay the same when webcams are plugged in elsewhere or in another order.
        options: see `stream.sources.camera.camera_options`.

    Raises:
        SourceError: an option is unknown or invalid.
    """
    camera_options = parse_camera_options("webcam", options or {})

    pipelines = LivePipelines(camera_options)

    def connect() -> Device:
        # OpenCV and MediaPipe take a second to import; only the process that reads the source needs them.
        from stream.sources.camera.camera_device import CameraDevice, CameraOpener  # noqa: PLC0415

        number = _number(address)  # each time, because a link leads elsewhere after the webcam was unplugged
        label = _label(number)
        opener = CameraOpener(
            lambda: _open(number), label, lambda _: SourceError(f"{label} delivers no more pictures")
        )
        return CameraDevice(opener, camera_options, pipelines)

    name = f"webcam {int(address)}" if address.isdecimal() else address
    info = SourceInfo(name, "camera", "mediapipe", live=True, finite=False)
    return LiveSource(info, connect, hint=_HINT, timeouts=TIMEOUTS)


def missing() -> str:
    """Returns what this machine lacks for a webcam; empty if there is one, or if this is unknown."""
    return "no webcam found" if sys.platform == "linux" and not _numbers() else ""


def _number(address: str) -> int:
    """Returns the number of a webcam, of which Linux makes the name of its device file.

    Raises:
        SourceError: there is no such device file, or it is not that of a webcam.
    """
    if address.isdecimal():
        return int(address)
    found = re.fullmatch(r"video(\d+)", Path(address).resolve().name)
    if found and Path(address).exists():
        return int(found[1])
    reason = "is not a webcam" if Path(address).exists() else "not found"
    raise SourceError(f"{address} {reason}; plug the webcam in, or {_other_webcams()}")


def _other_webcams() -> str:
    numbers = _numbers()
    return f"use one of: {', '.join(map(_label, numbers))}" if numbers else "give another source"


def _open(number: int) -> cv2.VideoCapture:
    from stream.sources.camera.quiet_opencv import cv2  # noqa: PLC0415

    if sys.platform == "linux" and number not in (numbers := _numbers()):
        if not numbers:
            raise SourceError(f"webcam {number} not found (no webcam found at all): plug one in")
        raise SourceError(f"webcam {number} not found; plug it in, or {_other_webcams()}")
    # Windows' newer driver model (Media Foundation) takes half a minute to open some webcams.
    driver = {"linux": cv2.CAP_V4L2, "win32": cv2.CAP_DSHOW}.get(sys.platform, cv2.CAP_ANY)
    camera = cv2.VideoCapture(number, driver)
    if not camera.isOpened():
        raise SourceError(f"{_label(number)} could not be opened: {_HINT}")
    # Without compression, USB 2 carries this size only at a few frames per second.
    camera.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    camera.set(cv2.CAP_PROP_FRAME_WIDTH, SIZE[0])
    camera.set(cv2.CAP_PROP_FRAME_HEIGHT, SIZE[1])
    return camera


def _numbers() -> list[int]:
    return sorted(int(node.name[5:]) for node in NODES.glob("video*") if node.name[5:].isdecimal())


def _label(number: int) -> str:
    """Returns the display name, as in `HD Webcam (webcam 0)`; names are known on Linux only."""
    try:
        name = (NAMES / f"video{number}" / "name").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        name = ""
    return f"{name} (webcam {number})" if name else f"webcam {number}"
