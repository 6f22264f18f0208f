"""Tells a process that still runs from another one that has its number now."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["start_mark"]

_START_TIME = 22 - 3
"""Index of the field starttime in /proc/PID/stat, counted after the name; see proc(5)."""


def start_mark(pid: int) -> int | None:
    """Returns a number that tells a process from a later one with the same id; None if it does not run.

    On Linux it is the time of its start. On macOS it is always 0. On Windows it is always None: the question
    cannot be asked without harm there.
    """
    if pid <= 0 or sys.platform == "win32":
        return None
    if sys.platform == "linux":
        try:
            state, *fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
            return None if state in ("Z", "X") else int(fields[_START_TIME - 1])
        except (OSError, ValueError, IndexError):
            return None
    try:
        os.kill(pid, 0)  # sends nothing
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return 0
