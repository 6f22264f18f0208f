"""Imports of modules that stay loaded, with the garbage collector paused."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["lasting_imports"]


@contextmanager
def lasting_imports() -> Iterator[None]:
    """Pauses the collector of the whole process; later collections leave out what is there at the end.

    So it belongs at the start of a process. A tenth of the time of importing torch is collections, and later
    one over all its objects takes 60 ms. Cycles that the block leaves unreachable are never freed.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
