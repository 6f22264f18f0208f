"""Gallery of enrolled people: storage, scores and decisions; `matcher_process` is the matcher's process."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gallery.store.gallery import Gallery, open_gallery

__all__ = ["Gallery", "open_gallery"]


def __getattr__(name: str) -> Any:
    # Loaded on demand: processes that import other modules of this package must not load the database.
    if name in __all__:
        return getattr(import_module("gallery.store.gallery"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
