"""What moves: sources, tracks, windows, the bus, the screen; the command line and the supervisor."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stream.decision import Decision
    from stream.system.live import Live

__all__ = ["Decision", "Live"]

_HOMES = {"Decision": "stream.decision", "Live": "stream.system.live"}


def __getattr__(name: str) -> Any:
    # `from stream import Live` must not make every worker process load what only the parent needs.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(name)
