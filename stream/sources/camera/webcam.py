"""A webcam: which there are, and how one is opened."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stream.body import SourceInfo
from stream.errors import SourceError
from stream.sources.camera.camera_options import parse_seeing
from stream.sources.live_source import Device, LiveSource, Patience

if TYPE_CHECKING:
    import cv2

__all__ = ["missing", "open_webcam"]

NODES = Path("/dev")
NAMES = Path("/sys/class/video4linux")
"""Where Linux has webcams, and what they are called."""

PATIENCE = Patience(open=5.0)
SIZE = (1280, 720)
"""What is asked for: at 640 x 480, the usual default, people a few steps away are too small."""

_MEND = "check that it is plugged in, that no other program uses it, and that programs may use cameras here"


def open_webcam(number: int, options: Mapping[str, str] | None = None) -> LiveSource:
    """A webcam by its number; it is opened when it is read first.

    Args:
        number: of the webcam, from 0.
        options: see `stream.sources.camera.camera_options`.

    Raises:
        SourceError: an option is unknown or wrong.
    """
    seeing = parse_seeing("webcam", options or {})

    def connect() -> Device:
        # OpenCV and MediaPipe take a second to load, which only the process that sees has to spend.
        from stream.sources.camera.camera_device import CameraDevice, Opening  # noqa: PLC0415

        label = _label(number)
        return CameraDevice(Opening(lambda: _open(number), label, f"{label} gives no more pictures"), seeing)

    info = SourceInfo(f"webcam {number}", "camera", "mediapipe", live=True, finite=False)
    return LiveSource(info, connect, hint=_MEND, patience=PATIENCE)


def missing() -> str:
    """What this machine lacks for a webcam; empty where there is one, or nobody can tell."""
    return "no webcam is plugged in" if sys.platform == "linux" and not _numbers() else ""


def _open(number: int) -> cv2.VideoCapture:
    from stream.sources.camera.quiet_opencv import cv2  # noqa: PLC0415

    if sys.platform == "linux" and number not in (numbers := _numbers()):
        there = ", ".join(map(_label, numbers)) or "none at all"
        raise SourceError(f"there is no webcam {number} here, but {there}: plug it in, or choose another")
    # Windows' newer driver model takes half a minute to open some webcams.
    driver = {"linux": cv2.CAP_V4L2, "win32": cv2.CAP_DSHOW}.get(sys.platform, cv2.CAP_ANY)
    camera = cv2.VideoCapture(number, driver)
    if not camera.isOpened():
        raise SourceError(f"{_label(number)} could not be opened: {_MEND}")
    # Uncompressed, USB 2 carries this size only at a few pictures a second.
    camera.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    camera.set(cv2.CAP_PROP_FRAME_WIDTH, SIZE[0])
    camera.set(cv2.CAP_PROP_FRAME_HEIGHT, SIZE[1])
    return camera


def _numbers() -> list[int]:
    return sorted(int(node.name[5:]) for node in NODES.glob("video*") if node.name[5:].isdecimal())


def _label(number: int) -> str:
    """`HD Webcam (webcam 0)`; only Linux tells names."""
    try:
        name = (NAMES / f"video{number}" / "name").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        name = ""
    return f"{name} (webcam {number})" if name else f"webcam {number}"
