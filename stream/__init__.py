"""Live gait identification: sources, windows, the bus, the running system and the command line.

The names exported here are the public interface; each is loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stream.consent import Consent
    from stream.decision import Decision
    from stream.errors import DataError, GalleryError, RunError, SgeError, SourceError, UserError
    from stream.system.live import Live
    from stream.system.notices import Notice
    from stream.system.observe import observe, observe_events
    from stream.system.run_folder import running
    from stream.visits.events import Arrived, Doubted, Identified, Left
    from stream.visits.presence import Presence

__all__ = [
    "Arrived",
    "Consent",
    "DataError",
    "Decision",
    "Doubted",
    "GalleryError",
    "Identified",
    "Left",
    "Live",
    "Notice",
    "Presence",
    "RunError",
    "SgeError",
    "SourceError",
    "UserError",
    "observe",
    "observe_events",
    "running",
]

_MODULES = {
    "Arrived": "stream.visits.events",
    "Consent": "stream.consent",
    "DataError": "stream.errors",
    "Decision": "stream.decision",
    "Doubted": "stream.visits.events",
    "GalleryError": "stream.errors",
    "Identified": "stream.visits.events",
    "Left": "stream.visits.events",
    "Live": "stream.system.live",
    "Notice": "stream.system.notices",
    "Presence": "stream.visits.presence",
    "RunError": "stream.errors",
    "SgeError": "stream.errors",
    "SourceError": "stream.errors",
    "UserError": "stream.errors",
    "observe": "stream.system.observe",
    "observe_events": "stream.system.observe",
    "running": "stream.system.run_folder",
}


def __getattr__(name: str) -> Any:
    # Lazy, because worker processes import `stream.*` too and must not load what only the parent needs.
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
