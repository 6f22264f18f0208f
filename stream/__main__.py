"""Entry point of `sge-stream` and `python -m stream`; imports little, so that Ctrl-C works at once."""

from __future__ import annotations

import sys

from stream.system.secrecy import hide_secrets

__all__ = ["main"]


def main() -> None:
    """Loads the command line and runs it."""
    try:
        hide_secrets()
        from stream.terminal.app import main as run  # noqa: PLC0415 - takes a second; Ctrl-C works meanwhile

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
