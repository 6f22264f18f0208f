"""Recording of a source into a file."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from stream.body import BodyFrame
from stream.errors import EndOfSource
from stream.recording import RecordingWriter
from stream.sources.source import Source

__all__ = ["record"]

_READ_S = 0.1


def record(
    source: Source,
    target: Path,
    *,
    seconds: float | None,
    stop: threading.Event,
    on_frame: Callable[[BodyFrame], None] | None = None,
) -> int:
    """Records a source until it ends, `seconds` have passed or `stop` is set.

    The recording is complete in every case. If the source fails (for example, a truncated file), its error is
    raised after the recording is finished.

    Args:
        source: the source to read; it is not closed.
        target: the recording to create.
        seconds: duration to record, in source time from the first frame; None records everything.
        stop: ends the recording within 0.1 s.
        on_frame: called with each written frame.

    Returns:
        The number of frames written; if it is 0, no file exists.

    Raises:
        UserError: the target exists or cannot be written, or the source fails.
        RunError: the disk is full or not available.
    """
    frames = 0
    end_ns: int | None = None
    with RecordingWriter(target, source.info) as writer:
        while not stop.is_set():
            try:
                frame = source.read(_READ_S)
            except EndOfSource:
                break
            if frame is None:
                continue
            if end_ns is None and seconds is not None:
                end_ns = frame.time_ns + round(seconds * 1e9)
            if end_ns is not None and frame.time_ns >= end_ns:
                break
            if not frames:
                writer.info = source.info  # the pose model of a camera is known from the first frame on
            writer.write(frame)
            frames += 1
            if on_frame is not None:
                on_frame(frame)
    return frames
