"""Files and folders that the program makes: whole or not at all, never through a link, private if asked."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

__all__ = ["make_private_folder", "remove_unfinished", "replace_file"]

_OWNER_ONLY, _BY_UMASK = 0o600, 0o666
_PREFIX, _SUFFIX = ".sge-", ".part"


def replace_file(path: Path, content: bytes, *, private: bool = False, sync: bool = False) -> None:
    """Writes a file; an earlier one of that name stays until the new one is complete.

    The content goes into a new file of a random name in the same folder, so that nobody can prepare that
    name. A link at `path` is replaced itself; what it names stays as it is.

    Args:
        path: the file.
        content: all of it.
        private: only the owner may read the file.
        sync: the content is on the disk before the earlier file goes.

    Raises:
        OSError: it cannot be written; nothing has changed.
    """
    part = path.with_name(f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}")
    mode = _OWNER_ONLY if private else _BY_UMASK
    try:
        # "x": the file must be new; no link is followed.
        with open(part, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(content)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def remove_unfinished(folder: Path) -> None:
    """Removes the files that `replace_file` left in a folder when its process was killed.

    Raises:
        OSError: one cannot be removed.
    """
    for part in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        part.unlink(missing_ok=True)


def make_private_folder(folder: Path) -> None:
    """Makes a folder and its missing parents, each for its owner only; one that exists stays as it is.

    Raises:
        OSError: one cannot be made, or something else has its name.
    """
    if not folder.parent.exists():
        make_private_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
