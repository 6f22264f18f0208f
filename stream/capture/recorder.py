"""Copying what a source gives into a recording."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
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
    started: datetime | None = None,
) -> int:
    """Record a source until it ends, `seconds` have passed or `stop` is set.

    The recording is whole in each case; also where the source fails, as one that is cut off does: its error
    is raised when the recording is finished.

    Args:
        source: read, not closed; how many frames it dropped is in its `dropped`.
        target: the recording to create.
        seconds: how much to record, by the source's own time from its first frame; None: all.
        stop: ends the recording within a tenth of a second.
        on_frame: called with each frame that was written.
        started: when the source began; now, where none is given.

    Returns:
        The number of frames written; after 0 there is no file.

    Raises:
        UserError: the target exists or cannot be written, or the source cannot go on.
        RunError: the disk is full or gone.
    """
    frames = 0
    end_ns: int | None = None
    with RecordingWriter(target, source.info, started=started) as writer:
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
            writer.write(frame)
            frames += 1
            if on_frame is not None:
                on_frame(frame)
    return frames
