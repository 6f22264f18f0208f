"""Text files of data sets: their beginnings, their texts, tables of numbers in them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.errors import DataError, UserError
from stream.paths import is_there

__all__ = ["files_at", "load_array", "read_rows", "read_text", "text_head", "unreadable"]


def files_at(path: Path) -> Iterator[Path]:
    """The file at a path, or all below it: folder by folder, those of a folder sorted by name.

    Raises:
        UserError: nothing is there, or it cannot be looked at.
    """
    if is_there(path, Path.is_file):
        yield path
        return
    if not path.is_dir():
        raise UserError(f"{path}: no such file or folder; check the path")
    for folder, inside, names in os.walk(path):
        inside.sort()
        yield from (Path(folder, name) for name in sorted(names))


def text_head(path: Path) -> str:
    """The first 4 kB of a file as text, whatever it holds: enough to tell its format.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(4096).decode("utf-8", errors="replace")
    except OSError as error:
        raise unreadable(path, error) from error


def read_text(path: Path) -> str:
    """A whole text file; bytes that are no text become question marks.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise unreadable(path, error) from error


def read_rows(path: Path, rows: int, columns: range) -> NDArray[np.float64]:
    """Numbers in the first `rows` lines of a comma-separated file.

    Args:
        path: the file, one line a joint.
        rows: how many lines are wanted; later ones are left alone.
        columns: which columns are wanted, counted from 0; others may hold anything.

    Returns:
        (rows, len(columns)) float64.

    Raises:
        DataError: the file has fewer lines, or a line fewer columns, or one of them is no number.
    """
    lines = read_text(path).splitlines()[:rows]
    if len(lines) < rows:
        raise DataError(
            f"{path}: expected a line for each of {rows} joints, got {len(lines)}; the file is cut off, "
            "fetch it again, or delete it to leave this frame out"
        )
    cells = [line.split(",")[columns.start : columns.stop] for line in lines]
    try:
        return np.array(cells).astype(np.float64).reshape(rows, len(columns))
    except ValueError:
        number = next(n for n, row in enumerate(cells, 1) if not _are_numbers(row, len(columns)))
    raise DataError(
        f"{path}, line {number}: expected numbers in columns {columns.start + 1} to {columns.stop}, with "
        f"commas between, got {lines[number - 1][:60]!r}; fetch the file again, or delete it to leave this "
        "frame out"
    )


def load_array(path: Path) -> NDArray[Any]:
    """The array in a .npy file, mapped: what is not touched is not read. Pickled objects are never loaded.

    Raises:
        DataError: the file cannot be read, is no whole .npy file, or holds pickled objects.
    """
    try:
        return np.asarray(np.lib.format.open_memmap(path, mode="r"))
    except (ValueError, EOFError, OSError) as error:
        raise DataError(
            f"{path} is not a whole .npy file of plain numbers ({error}); fetch it again, or save its array "
            "anew without pickled objects"
        ) from error


def _are_numbers(cells: list[str], count: int) -> bool:
    try:
        return len([float(cell) for cell in cells]) == count
    except ValueError:
        return False


def unreadable(path: Path, error: OSError) -> DataError:
    """The error to raise for a file that the system does not let be read."""
    return DataError(f"{path} cannot be read: {error.strerror}; make it readable, or give a copy of it")
