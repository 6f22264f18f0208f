"""Reading .npz files: plain arrays only, with a limit on what is unpacked.

A .npz is a zip of .npy files. What a member and its header state is compared with the limits before anything
is unpacked: a small file may state gigabytes.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from stream.errors import data_errors

__all__ = ["MAX_BYTES", "MAX_RATIO", "SMALL_BYTES", "array_names", "read_arrays"]

SMALL_BYTES = 64 * 2**20
"""Arrays of this size together are read whatever their packed size is."""

MAX_RATIO = 100
"""Unpacked size over packed size of larger ones; skeletons reach about 10."""

MAX_BYTES = 4 * 2**30
"""Largest unpacked size of the arrays that are read together."""

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def array_names(path: Path) -> list[str]:
    """Returns the names of the arrays in a file.

    Raises:
        DataError: it is no complete .npz file.
    """
    with data_errors(_incomplete(path)), zipfile.ZipFile(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]


def read_arrays(path: Path, wanted: Callable[[str], bool]) -> dict[str, NDArray[Any]]:
    """Reads those arrays of a file whose names are wanted.

    Raises:
        DataError: it is no complete .npz file of plain arrays, or they are too large.
    """
    with data_errors(_incomplete(path)), zipfile.ZipFile(path) as archive:
        members = {
            name: member
            for member in archive.infolist()
            if wanted(name := member.filename.removesuffix(".npy"))
        }
        _check_sizes(list(members.values()))
        return {name: _read_member(archive, member) for name, member in members.items()}


def _incomplete(path: Path) -> Callable[[str], str]:
    return lambda cause: f"{path} is not a complete .npz file of plain arrays ({cause}); download it again"


def _check_sizes(members: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if unpacked > min(MAX_BYTES, max(SMALL_BYTES, MAX_RATIO * packed)):
        raise ValueError(
            f"it states {unpacked / 2**20:.0f} MiB of arrays in {packed / 2**20:.1f} MiB; at most "
            f"{MAX_BYTES / 2**20:.0f} MiB and {MAX_RATIO} times the packed size are read"
        )
    for member in members:
        # Others may take any amount of memory, and NumPy writes none.
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{member.filename} is not packed with deflate")


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(member) as file:
        size = _stated_size(file)
    # NumPy allocates what the header states.
    if size > member.file_size:
        raise ValueError(f"{member.filename} states {size} bytes, but has {member.file_size}")
    with archive.open(member) as file:
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
        return array


def _stated_size(file: IO[bytes]) -> int:
    """Returns the bytes of the array that a .npy header states."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"version {version} of .npy is unknown")
    shape, _, dtype = _HEADERS[version](file)
    if dtype.hasobject:
        raise ValueError("pickled objects are not read")
    size = dtype.itemsize
    for length in shape:
        size *= length
    return size
