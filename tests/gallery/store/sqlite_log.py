"""Applies an SQLite write-ahead log as a checkpoint does, one write at a time (https://sqlite.org/fileformat.html)."""

from __future__ import annotations

import struct
from pathlib import Path

__all__ = ["checkpoint_writes", "write_part"]


def checkpoint_writes(log: Path) -> list[tuple[int, bytes]]:
    """Returns the writes of a checkpoint in order: (offset, page), the last committed one of each page."""
    raw = log.read_bytes()
    (size,) = struct.unpack(">I", raw[8:12])
    pages: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    for start in range(32, len(raw) - 23, 24 + size):
        number, committed = struct.unpack(">II", raw[start : start + 8])
        if raw[start + 8 : start + 16] != raw[16:24]:
            break  # left over from before the log was restarted
        pending[number] = raw[start + 24 : start + 24 + size]
        if committed:
            pages |= pending
            pending = {}
    return [((number - 1) * size, pages[number]) for number in sorted(pages)]


def write_part(path: Path, writes: list[tuple[int, bytes]], count: int, torn: int = 0) -> None:
    """Applies the first `count` writes to a file, and `torn` bytes of the next."""
    parts = writes[:count]
    if torn:
        offset, page = writes[count]
        parts = [*parts, (offset, page[:torn])]
    with path.open("r+b") as file:
        for offset, part in parts:
            file.seek(offset)
            file.write(part)
