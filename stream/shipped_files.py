"""Files that ship with the package, verified by SHA-256 before use.

A folder of shipped files has a file `SHA256SUMS` in the format of `sha256sum`. A changed number of
a network or a threshold would give wrong answers without any error.
"""

from __future__ import annotations

import hashlib
from importlib.resources.abc import Traversable
from pathlib import Path

from stream.errors import DataError

__all__ = ["CHECKSUMS", "read_shipped", "write_checksums"]

CHECKSUMS = "SHA256SUMS"
_FIX = "install sge-stream again"


def read_shipped(folder: Traversable, name: str) -> bytes:
    """Returns the content of a file.

    Args:
        folder: contains the file and `SHA256SUMS`.
        name: the file name.

    Raises:
        DataError: the file is missing, or differs from the one that shipped.
    """
    try:
        content = folder.joinpath(name).read_bytes()
        expected = _read_checksums(folder)[name]
    except (OSError, KeyError, ValueError):
        raise DataError(f"the file {name} is missing in {folder}: {_FIX}") from None
    if hashlib.sha256(content).hexdigest() != expected:
        raise DataError(f"{folder.joinpath(name)} is damaged or was replaced: {_FIX}")
    return content


def write_checksums(folder: Path, *names: str) -> None:
    """Writes the checksums of files in a folder to `SHA256SUMS`; those of other files remain.

    Raises:
        OSError: a file cannot be read or written.
    """
    known = _read_checksums(folder) if (folder / CHECKSUMS).is_file() else {}
    known |= {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    lines = [f"{known[name]}  {name}\n" for name in sorted(known) if (folder / name).is_file()]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="ascii")


def _read_checksums(folder: Traversable) -> dict[str, str]:
    """Returns SHA-256 by file name."""
    lines = folder.joinpath(CHECKSUMS).read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}
