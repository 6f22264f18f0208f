"""Recordings (MCAP files) as sources."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from stream.recording import read_recording
from stream.sources.playback import Clip, Playback

__all__ = ["open_recording"]


def open_recording(
    path: Path, *, speed: float = 1.0, clip: Clip | None = None, name: str | None = None
) -> Playback:
    """Opens a recording; frames are read from the file as they are played.

    Args:
        path: the MCAP file.
        speed: 1 is real time, 0 is as fast as possible.
        clip: the part to play, seconds in the recording's own time; None for all.
        name: the display name; the path if not given.

    Raises:
        DataError: the file does not exist, is not a recording, or its beginning is damaged or truncated.
    """
    recording = read_recording(path)
    return Playback(replace(recording.info, name=name or str(path)), recording, speed=speed, clip=clip)
