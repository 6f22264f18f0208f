"""`python -m stream` is `sge-stream`."""

from __future__ import annotations

from stream.cli import main

if __name__ == "__main__":
    main()
