"""The numbers of tracks: unique over all sources of a run without coordination.

Source i of n, counted from 0, gives its tracks the numbers i + 1, i + 1 + n, i + 1 + 2n, ...
"""

from __future__ import annotations

__all__ = ["opened_up_to", "source_of", "track_number"]


def track_number(source: int, sources: int, opened: int) -> int:
    """Returns the number of the track that a source opens after `opened` others."""
    return source + 1 + opened * sources


def source_of(track: int, sources: int) -> int:
    """Returns the number of the source, from 0, that a track belongs to."""
    return (track - 1) % sources


def opened_up_to(track: int, sources: int) -> int:
    """Returns how many tracks its source had opened when it opened this one, this one included."""
    return (track - 1) // sources + 1
