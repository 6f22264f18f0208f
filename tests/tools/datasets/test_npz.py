"""Packed arrays: what a file states is compared with the limits before anything is unpacked."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stream.errors import DataError
from stream.skeleton import CANONICAL
from tools.datasets import read_walks
from tools.datasets.npz import array_names, read_arrays

MEBIBYTE = 2**20


def everything(path: Path) -> dict[str, np.ndarray]:
    return read_arrays(path, lambda name: True)


def header(shape: tuple[int, ...], dtype: str = "<f4") -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


def write(path: Path, content: bytes, name: str = "joints.npy", **options: int) -> Path:
    with zipfile.ZipFile(path, "w", options.get("compression", zipfile.ZIP_DEFLATED)) as archive:
        archive.writestr(name, content)
    return path


def zeros(path: Path, mebibytes: int) -> Path:
    """Writes an array of zeros, piece by piece; it packs to a thousandth."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("joints.npy", "w", force_zip64=True) as file,
    ):
        file.write(header((mebibytes * MEBIBYTE // 4,)))
        for _ in range(mebibytes):
            file.write(bytes(MEBIBYTE))
    return path


def test_arrays_are_read_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, a=np.arange(6).reshape(2, 3), b=np.array("text"), c=np.zeros((0, 3)))
    assert array_names(path) == ["a", "b", "c"]
    arrays = read_arrays(path, {"a", "b"}.__contains__)
    assert arrays.keys() == {"a", "b"}
    assert arrays["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert str(arrays["b"]) == "text"
    assert everything(path)["c"].shape == (0, 3)


def test_highly_packed_arrays_below_the_limit_are_read(tmp_path: Path) -> None:
    assert everything(zeros(tmp_path / "a.npz", 8))["joints"].sum() == 0


def flipped(path: Path, find: bytes, offset: int, value: bytes) -> Path:
    content = bytearray(path.read_bytes())
    place = content.rindex(find) + offset
    content[place : place + len(value)] = value
    path.write_bytes(content)
    return path


CENTRAL = b"PK\x01\x02"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (lambda path: zeros(path, 300), "it states 300 MiB of arrays in 0.3 MiB; at most"),
        (lambda path: write(path, header((10**12,)) + bytes(100)), "states 4000000000000 bytes, but has"),
        (lambda path: write(path, header((2**62, 2**62)) + bytes(100)), "bytes, but has"),
        (lambda path: write(path, header((5,), "|O") + bytes(100)), "pickled objects are not read"),
        (lambda path: write(path, b"no array"), "magic string"),
        (lambda path: write(path, header((3,)) + bytes(12), compression=zipfile.ZIP_LZMA), "with deflate"),
        (lambda path: write(path, header((3,)) + bytes(12), compression=zipfile.ZIP_BZIP2), "with deflate"),
        # an unknown compression method, encryption, and a wrong size in the directory
        (lambda path: flipped(write(path, bytes(50)), CENTRAL, 10, struct.pack("<H", 77)), "deflate"),
        (lambda path: flipped(write(path, bytes(50)), CENTRAL, 8, struct.pack("<H", 1)), "encrypted"),
        (
            lambda path: flipped(write(path, bytes(50)), CENTRAL, 24, struct.pack("<I", 2**32 - 2)),
            "it states 4096 MiB",
        ),
    ],
    ids=[
        "zeros", "shape", "product", "pickle", "no array", "lzma", "bzip2", "method", "encrypted", "size",
    ],
)  # fmt: skip
def test_files_that_state_too_much_are_refused_before_unpacking(
    make: Callable[[Path], Path], cause: str, tmp_path: Path
) -> None:
    path = make(tmp_path / "kgbd.npz")
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"is not a complete \.npz file of plain arrays") as error:
            everything(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert cause in str(error.value)
    assert str(path) in str(error.value)
    assert peak < 16 * MEBIBYTE


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"joint_names": np.array(3)}, "cannot be read"),
        ({"joints_scale": np.array("x")}, "has no array `joints_hi`"),
        ({"joints": np.zeros((8, 20, 3), [("a", "<f4")])}, "array `joints`: expected"),
        ({"joints": np.zeros((8, 20, 4), np.float32)}, ""),
        ({"fps": np.array(["x"])}, "array `fps`"),
        ({"offsets": np.array([0, 3, 2**63 - 1])}, ""),
        ({"toward_camera": np.array(["maybe", "x"])}, "cannot be read"),
    ],
)
def test_arrays_of_a_wrong_kind_are_refused(
    more: dict[str, np.ndarray], expected: str, tmp_path: Path
) -> None:
    columns = {
        "offsets": np.array([0, 3, 8]),
        "subject": np.array([4, 4]),
        "trial": np.array(["a", "b"]),
        "fps": np.float32(25),
        "joint_names": np.array(CANONICAL),
        "sensor_kind": np.array("radar"),
        "joints": np.ones((8, 20, 3), np.float32),
    }
    path = tmp_path / "mine.npz"
    np.savez(path, **(columns | more))  # type: ignore[arg-type]
    with pytest.raises(DataError) as error:
        list(read_walks(path))
    assert expected in str(error.value)
    assert str(path) in str(error.value)
