"""Database engines for galleries, by URL scheme; the default location of the gallery.

To add an engine, implement `Store` and `StoreOpener` of `gallery.store.store_protocol` (the database needs an
SQLAlchemy dialect), add it to `ENGINES`, and its URL to `tests/gallery/store/conftest.py`, which runs the
contract tests with it.
"""

from __future__ import annotations

import os

import platformdirs

from gallery.store.sqlite import SqliteFile
from gallery.store.store_protocol import Store, StoreOpener
from stream.errors import GalleryError

__all__ = ["ENGINES", "open_store"]

ENGINES: dict[str, StoreOpener] = {"sqlite": SqliteFile}
"""Engines by URL scheme."""


def open_store(url: str | None, *, wait: float, create: bool) -> Store:
    """Opens the store that a URL or a path names.

    Args:
        url: `scheme://address` with a scheme of `ENGINES`, or the path of an SQLite file; None is the
            environment's SGE_GALLERY, else `gallery.db` in the user's data folder.
        wait: see `StoreOpener`.
        create: see `StoreOpener`.

    Raises:
        GalleryError: the scheme is unknown, or the store cannot be opened.
    """
    text = _default_location() if url is None else url
    scheme, separator, _ = text.partition("://")
    if not separator:
        scheme, text = "sqlite", f"sqlite:///{text}"
    if scheme not in ENGINES:
        # The rest of the URL is not repeated: it may hold a password.
        msg = f"unknown kind of gallery {scheme!a}; give sqlite:///path or a path"
        raise GalleryError(msg)
    return ENGINES[scheme](text, wait=wait, create=create)


def _default_location() -> str:
    data = platformdirs.user_data_path("sge-stream", appauthor=False)
    return os.environ.get("SGE_GALLERY") or str(data / "gallery.db")
