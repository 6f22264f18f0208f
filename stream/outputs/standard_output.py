"""Standard streams that cannot be written: their errors, and how the program still ends cleanly."""

from __future__ import annotations

import errno
import os
import sys
from typing import IO, Any

from rich.console import Console

from stream.errors import RunError

__all__ = [
    "DISK_FULL",
    "ReaderLeft",
    "StandardConsole",
    "discard_closed_terminal",
    "discard_output",
    "output_error",
]

DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
"""Error numbers of a full disk and of a used up quota."""


class ReaderLeft(Exception):  # noqa: N818 - a reader that leaves is not an error
    """The reader of an output has left, as `head` does; the output needs no more."""


class StandardConsole(Console):
    """A console on standard output or standard error, whose reader may leave.

    Without a reader of standard error the command goes on.
    """

    def on_broken_pipe(self) -> None:
        """Discards all further output.

        Raises:
            ReaderLeft: it is standard output.
        """
        self.quiet = True
        discard_output(self.file)
        if not self.stderr:
            raise ReaderLeft


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


def discard_closed_terminal() -> bool:
    """Redirects the standard streams of a terminal that was closed to the null device.

    Returns:
        Whether there was one.
    """
    if sys.platform == "win32":
        return False
    import termios  # noqa: PLC0415 - not on Windows

    found = False
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            continue
        try:
            termios.tcgetattr(stream.fileno())
        except termios.error as error:
            if error.args[0] == errno.EIO:
                discard_output(stream)
                found = True
        except (OSError, ValueError):  # it has no descriptor
            continue
    return found
