"""Entry point of `sge-stream` and `python -m stream`; imports little, so that Ctrl-C works at once."""

from __future__ import annotations

import contextlib
import os
import sys

from stream.lasting_imports import lasting_imports
from stream.system.secrecy import hide_secrets

__all__ = ["main", "occupy_closed_streams"]


def main() -> None:
    """Loads the command line and runs it."""
    try:
        occupy_closed_streams()
        hide_secrets()
        with lasting_imports():
            from stream.terminal.app import main as run  # noqa: PLC0415 - Ctrl-C works meanwhile

        run()
    except KeyboardInterrupt:
        sys.exit(130)


def occupy_closed_streams() -> None:
    """Opens the null device for each standard stream that the caller has closed.

    Otherwise a file opened later has its number, and a library that prints writes into that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with contextlib.suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # has the lowest free number


if __name__ == "__main__":
    main()
