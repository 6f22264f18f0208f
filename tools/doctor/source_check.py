"""What the doctor does with a source: opens it, waits for somebody in view, and draws what it sees."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from stream.body import BodyFrame
from stream.errors import EndOfSource, RunError
from stream.skeleton import get_layout
from stream.sources import Source, open_source
from stream.sources.live_source import LiveSource
from stream.sources.spec import shown
from tools.doctor.findings import Finding, guarded

__all__ = ["check_source"]

LOOK_S = 2.0
"""How long somebody is waited for once frames come; a webcam's first pictures are often dark."""


def check_source(spec: str, target: Path) -> Finding:
    """Open what `--source` names, wait for its first frame, and draw one into a PNG.

    Args:
        spec: the source.
        target: the PNG, written anew; readable by its owner alone, for people may be to be seen on it.
    """
    return guarded(f"source {shown(spec)}", lambda: _check(spec, target))


def _check(spec: str, target: Path) -> Finding:
    with contextlib.closing(open_source(spec)) as source:
        what = f"source {source.info.name}"
        return guarded(what, lambda: _look(what, source, target))


def _look(what: str, source: Source, target: Path) -> Finding:
    began = time.monotonic()
    frame = _first(source)
    if frame is None:
        return Finding(what, "broken", "it holds no frame", "choose another")
    waited = time.monotonic() - began
    frame = _somebody(source, frame)
    _draw(source, frame, target)
    device = source.description if isinstance(source, LiveSource) else ""
    told = (
        f"{device or source.info.sensor}; the first frame came after {waited:.1f} s, "
        f"people in it: {len(frame.bodies)}; drawn: {target}"
    )
    return Finding(what, "works", told)


def _first(source: Source) -> BodyFrame | None:
    while True:  # a source that gives none raises
        try:
            frame = source.read(1.0)
        except EndOfSource:
            return None
        if frame is not None:
            return frame


def _somebody(source: Source, frame: BodyFrame) -> BodyFrame:
    """The first frame with people in it, of those that come soon; else the last of them."""
    deadline = time.monotonic() + LOOK_S
    while not frame.bodies and (left := deadline - time.monotonic()) > 0:
        try:
            frame = source.read(left) or frame
        except EndOfSource:
            break
    return frame


def _draw(source: Source, frame: BodyFrame, target: Path) -> None:
    # OpenCV takes a while to load, which the doctor's other looks need not wait for.
    from stream.sources.camera.quiet_opencv import cv2  # noqa: PLC0415
    from stream.view.drawing import draw  # noqa: PLC0415

    image = draw(frame, get_layout(source.info.layout), {}, source.info.name)
    coded = cv2.imencode(".png", image)[1].tobytes()
    try:
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(coded)
    except OSError as error:
        msg = f"cannot write the picture {target} ({error.strerror}); give a folder of yours by --out"
        raise RunError(msg) from None
