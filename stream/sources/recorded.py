"""Recordings as a source."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from stream.recording import read_recording
from stream.sources.playback import Clip, Playback

__all__ = ["open_recording"]


def open_recording(
    path: Path, *, speed: float = 1.0, clip: Clip | None = None, name: str | None = None
) -> Playback:
    """Play a recording; it is read as it is played.

    Args:
        path: the MCAP file.
        speed: 1 is real time, 0 as fast as it is read.
        clip: play only this part, seconds in the source's own time.
        name: how it is shown; its path if not given.

    Raises:
        DataError: there is no such file, it is not a recording, or its beginning is damaged or cut off.
    """
    recording = read_recording(path)
    return Playback(replace(recording.info, name=name or str(path)), recording, speed=speed, clip=clip)
