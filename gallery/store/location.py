"""Where the gallery is: a URL or a path, the environment, or the user's data folder."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from stream.errors import GalleryError

__all__ = ["gallery_path"]


def gallery_path(url: str | None) -> Path:
    """The file that `url` means; None is the environment's SGE_GALLERY, else the user's data folder.

    Raises:
        GalleryError: neither a path nor `sqlite:///path`.
    """
    text = os.environ.get("SGE_GALLERY", "") if url is None else url
    if url is None and not text:
        return platformdirs.user_data_path("sge-stream", appauthor=False) / "gallery.db"
    scheme, separator, rest = text.partition("://")
    if not separator:
        path = text
    elif scheme == "sqlite" and rest.startswith("/"):
        path = rest[1:]
    else:
        # What follows the scheme is not repeated: it may hold a password.
        msg = f"a gallery is sqlite:///path or a path, and {scheme!a}:// is neither; give one of these"
        raise GalleryError(msg)
    if not path or path == ":memory:" or "\0" in path:
        msg = f"a gallery is kept in a file, and {text!a} names none; give sqlite:///path or a path"
        raise GalleryError(msg)
    try:
        return Path(path).expanduser()
    except RuntimeError:
        msg = f"the home folder in {path} is not known; give the gallery's path in full"
    raise GalleryError(msg)
