"""Reading the files of data sets: file lists, text, tables of numbers, .npy arrays."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.errors import DataError, UserError, data_errors
from stream.paths import path_exists
from stream.user_text import decode_text

__all__ = ["files_at", "load_array", "read_error", "read_head", "read_rows", "read_text"]


def files_at(path: Path) -> Iterator[Path]:
    """Yields the file at a path, or all files below it, folder by folder and sorted by name.

    Raises:
        UserError: the path does not exist, or cannot be accessed.
    """
    if path_exists(path, Path.is_file):
        yield path
        return
    if not path.is_dir():
        raise UserError(f"{path}: no such file or folder; check the path")
    for folder, inside, names in os.walk(path):
        inside.sort()
        yield from (Path(folder, name) for name in sorted(names))


def read_head(path: Path) -> str:
    """Returns the first 4 kB of a file as text, also of a binary file; used to detect its format.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return decode_text(file.read(4096), errors="replace")
    except OSError as error:
        raise read_error(path, error) from error


def read_text(path: Path) -> str:
    """Returns the text of a file: UTF-8, unless its byte order mark says otherwise; line ends are line feeds.

    Bytes that are not of its encoding become replacement characters.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        return decode_text(path.read_bytes(), errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise read_error(path, error) from error


def read_rows(path: Path, rows: int, columns: range) -> NDArray[np.float64]:
    """Reads numbers from the first lines of a comma-separated file.

    Args:
        path: the file, one line per joint.
        rows: number of lines to read; later lines are ignored.
        columns: columns to read, counted from 0; others may hold anything.

    Returns:
        (rows, len(columns)) float64.

    Raises:
        DataError: the file has fewer lines, a line has fewer columns, or a cell is not a number.
    """
    lines = read_text(path).splitlines()[:rows]
    if len(lines) < rows:
        raise DataError(
            f"{path}: expected a line for each of {rows} joints, got {len(lines)}; the file is truncated: "
            "download it again, or delete it to omit this frame"
        )
    cells = [line.split(",")[columns.start : columns.stop] for line in lines]
    try:
        return np.array(cells).astype(np.float64).reshape(rows, len(columns))
    except ValueError:
        number = next(n for n, row in enumerate(cells, 1) if not _are_numbers(row, len(columns)))
    raise DataError(
        f"{path}, line {number}: expected numbers in columns {columns.start + 1} to {columns.stop}, "
        f"separated by commas, got {lines[number - 1][:60]!r}; download the file again, or delete it to omit "
        "this frame"
    )


def load_array(path: Path) -> NDArray[Any]:
    """Returns the array of a .npy file, memory-mapped. Pickled objects are never loaded.

    Raises:
        DataError: the file cannot be read, is not a complete .npy file, or holds pickled objects.
    """
    with data_errors(
        lambda cause: (
            f"{path} is not a complete .npy file of plain numbers ({cause}); download it again, or "
            "save its array without pickled objects"
        )
    ):
        return np.asarray(np.lib.format.open_memmap(path, mode="r"))


def _are_numbers(cells: list[str], count: int) -> bool:
    try:
        return len([float(cell) for cell in cells]) == count
    except ValueError:
        return False


def read_error(path: Path, error: OSError) -> DataError:
    """Returns the error to raise for a file that cannot be read."""
    return DataError(f"{path} cannot be read: {error.strerror}; make it readable, or give a copy of it")
