"""The entry of `sge-stream` and `python -m stream`: light, so that Ctrl-C is heard while the rest loads."""

from __future__ import annotations

import sys

from stream.system.secrecy import hide_secrets

__all__ = ["main"]


def main() -> None:
    """Load the command line and run it."""
    try:
        hide_secrets()
        from stream.terminal.app import main as run  # noqa: PLC0415 - takes a second, in which the user may leave

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
