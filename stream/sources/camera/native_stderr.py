"""Native libraries write to stderr past Python; while they load, it leads nowhere."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

__all__ = ["hush"]

STDERR = 2


@contextlib.contextmanager
def hush() -> Iterator[None]:
    """Let what is written to stderr meanwhile, by any thread of this process, be lost."""
    try:
        kept = os.dup(STDERR)
    except OSError:  # there is none, as under pythonw
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), STDERR)
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
