"""Standard output that cannot be written: its error, and how the program still ends cleanly."""

from __future__ import annotations

import errno
import os
from typing import IO, Any

from stream.errors import RunError

__all__ = ["DISK_FULL", "discard_output", "output_error"]

DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
"""Error numbers of a full disk and of a used up quota."""


def output_error(error: OSError) -> RunError:
    """Returns the error to raise when standard output, or a file, cannot be written."""
    target = error.filename or "standard output"
    hint = "make room on its disk" if error.errno in DISK_FULL else "check where it goes"
    return RunError(
        f"{target} cannot be written: {error.strerror or error}; {hint}, then run the command again"
    )


def discard_output(stream: IO[Any]) -> None:
    """Redirects a stream to the null device; otherwise its flush at exit fails again."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
