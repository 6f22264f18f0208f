"""The doctor's check of a source: opens it, waits for a person in view, and draws a frame."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from stream.body import BodyFrame
from stream.errors import EndOfSource, RunError
from stream.file_writing import replace_file
from stream.skeleton import get_layout
from stream.sources import Source, open_source
from stream.sources.live_source import LiveSource
from stream.sources.source_registry import redacted
from tools.doctor.findings import Finding, run_check

__all__ = ["check_source"]

WAIT_FOR_PERSON_S = 2.0
"""Maximum wait for a person after the first frame; the first images of a webcam are often dark."""


def check_source(spec: str, target: Path) -> Finding:
    """Opens a source, waits for its first frame, and draws a frame into a PNG.

    Args:
        spec: the source, as in `--source`.
        target: the PNG, replaced; readable by its owner only, because it may show people.
    """
    return run_check(f"source {redacted(spec)}", lambda: _open_and_check(spec, target))


def _open_and_check(spec: str, target: Path) -> Finding:
    with contextlib.closing(open_source(spec)) as source:
        subject = f"source {source.info.name}"
        return run_check(subject, lambda: _check_frames(subject, source, target))


def _check_frames(subject: str, source: Source, target: Path) -> Finding:
    began = time.monotonic()
    frame = _first_frame(source)
    if frame is None:
        return Finding(subject, "broken", "it has no frames", "choose another source")
    waited = time.monotonic() - began
    frame = _wait_for_person(source, frame)
    _draw(source, frame, target)
    sensor, model = source.info.sensor, source.info.pose_model
    described = source.description if isinstance(source, LiveSource) else ""
    described = described or (f"{sensor}, model {model}" if model else sensor)
    result = (
        f"{described}; the first frame came after {waited:.1f} s, "
        f"people in view: {len(frame.bodies)}; picture: {target}"
    )
    return Finding(subject, "works", result)


def _first_frame(source: Source) -> BodyFrame | None:
    while True:  # a source that never gives a frame raises an error
        try:
            frame = source.read(1.0)
        except EndOfSource:
            return None
        if frame is not None:
            return frame


def _wait_for_person(source: Source, frame: BodyFrame) -> BodyFrame:
    """Returns the first frame with a person within `WAIT_FOR_PERSON_S`, or else the last frame."""
    deadline = time.monotonic() + WAIT_FOR_PERSON_S
    while not frame.bodies and (left := deadline - time.monotonic()) > 0:
        try:
            frame = source.read(left) or frame
        except EndOfSource:
            break
    return frame


def _draw(source: Source, frame: BodyFrame, target: Path) -> None:
    # OpenCV loads slowly; the other checks do not need it.
    from stream.sources.camera.quiet_opencv import cv2  # noqa: PLC0415
    from stream.view.drawing import draw  # noqa: PLC0415

    image = draw(frame, get_layout(source.info.layout), {}, source.info.name)
    coded = cv2.imencode(".png", image)[1].tobytes()
    try:
        replace_file(target, coded, private=True)
    except OSError as error:
        msg = f"cannot write the picture {target} ({error.strerror}); give a writable folder with --out"
        raise RunError(msg) from None
