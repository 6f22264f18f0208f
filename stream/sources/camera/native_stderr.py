"""Suppression of what native libraries write to stderr, bypassing Python."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

__all__ = ["suppress_native_stderr"]

STDERR = 2


@contextlib.contextmanager
def suppress_native_stderr() -> Iterator[None]:
    """Discards what any thread of this process writes to stderr inside the context."""
    try:
        original = os.dup(STDERR)
    except OSError:  # no stderr, as under pythonw
        yield
        return
    try:
        with open(os.devnull, "wb") as devnull:  # noqa: PTH123
            os.dup2(devnull.fileno(), STDERR)
        yield
    finally:
        os.dup2(original, STDERR)
        os.close(original)
