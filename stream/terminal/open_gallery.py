"""Opens the gallery for a command; SQLAlchemy is loaded only then, so that other commands start faster."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gallery.store.gallery import Gallery

__all__ = ["open_gallery"]


def open_gallery(url: str | None = None, *, create: bool = True) -> Gallery:
    """Opens a gallery; see `gallery.store.gallery.open_gallery`."""
    from gallery.store.gallery import open_gallery as load_and_open  # noqa: PLC0415

    return load_and_open(url, create=create)
