"""JSON files of measured figures; whether they can be written is known before a long measurement."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stream.errors import UserError
from stream.paths import path_exists

__all__ = ["check_writable", "figures_json", "make_folder", "write_errors", "write_json"]


def make_folder(folder: Path) -> None:
    """Creates a folder; called before a long computation whose results go there.

    Raises:
        UserError: the folder cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot create the folder {folder}: {error.strerror}; give another path") from error


def check_writable(path: Path) -> None:
    """Checks that a file can be written, before a long computation; the file stays unchanged.

    Raises:
        UserError: the file cannot be written.
    """
    existed = path_exists(path)
    with write_errors(path):
        path.open("a").close()
        if not existed:
            path.unlink()


def figures_json(content: Mapping[str, Any]) -> bytes:
    """Returns figures as the text of a JSON file."""
    return (json.dumps(content, indent=1) + "\n").encode()


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Writes figures as JSON.

    Raises:
        UserError: the file cannot be written.
    """
    with write_errors(path):
        path.write_bytes(figures_json(content))


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turns errors of writing into a `UserError` that names the file."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; give another path as --out") from error
