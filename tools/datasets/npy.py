"""Precut windows: .npy files in which later papers publish the data sets, already cut into windows.

`.../<set>/<f>/train_npy_data/` holds `source_x_<set>_<f>.npy`, the same for y and z, and
`frame_id_<set>_<f>.npy`. `.../test_npy_data/<part>/` holds the same files as `t_source_...`; the part is
Walking, Still, A, B, gallery, probe or another. A source reshapes to (n, f, J), window by window, not
centred. `frame_id` holds the person of each window. `ids_...` holds the same as a pickled dictionary and is
never opened.

The files do not state the recording of a window (`PrecutWindows.runs` approximates it), the frame rate, or
the names of the joints. Joints are taken in the order of the sensor of the data set. KGBD may be in the order
of its raw text (head first): the heights show this, and the joints are reordered. A Y that points down is
corrected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray
from stream.errors import DataError
from stream.skeleton import CANONICAL, Layout, get_layout
from stream.unseen_joints import FARTHEST
from tools.datasets.kgbd import FILE_ORDER
from tools.datasets.recorded_walk import IntArray, turn_upright
from tools.datasets.text_files import files_at, load_array

__all__ = ["PrecutDataset", "PrecutWindows", "PrecutWindowsRef", "find_precut", "is_window_file"]

_SOURCE = re.compile(r"(?P<test>t_)?source_(?P<axis>[xyz])_(?P<set>.+)_(?P<f>[1-9]\d{0,4})\.npy")
_SETS = {
    "CASIA_B": "casia-b",
    "CAISA_B": "casia-b",
}  # the second is a misspelling in the program of one paper
_JOINTS = {"ks20": 25, "casia-b": 14}  # of a one-dimensional source; other data sets have 20
_LAYOUTS = {14: "openpose-14", 20: "kinect-v1", 25: "kinect-v2"}
_HIP, _HEAD = CANONICAL.index("HipCenter"), CANONICAL.index("Head")


@dataclass(frozen=True, slots=True, eq=False)
class PrecutWindows:
    """The windows of one part of a data set.

    Attributes:
        part: train, or the name of the folder below `test_npy_data`.
        windows: (n, f, J, 3) float32, not centred, Y up; metres if the data set has them.
        people: the person of each of the n windows.
        runs: (n,) int64, index of each window's run, from 0. A run is a maximal sequence of windows of one
            person: one recording, or several consecutive ones of that person.
    """

    part: str
    windows: FloatArray
    people: tuple[str, ...]
    runs: IntArray


@dataclass(frozen=True, slots=True)
class PrecutWindowsRef:
    """Reference to a part that is not read yet.

    Attributes:
        part: as `PrecutWindows.part`.
        read: reads the part; raises `stream.errors.DataError` if files are broken.
    """

    part: str
    read: Callable[[], PrecutWindows]


@dataclass(frozen=True, slots=True)
class PrecutDataset:
    """The parts found in one folder.

    Attributes:
        name: name of the data set, from the file names, in lower case.
        f: skeletons per window.
        layout: joint layout, a name for `stream.skeleton.get_layout`.
        parts: the parts, train first.
    """

    name: str
    f: int
    layout: str
    parts: tuple[PrecutWindowsRef, ...]


def is_window_file(path: Path) -> bool:
    """Returns whether a file holds precut windows, by its name."""
    return _SOURCE.fullmatch(path.name) is not None


def find_precut(folder: Path) -> PrecutDataset:
    """Finds the parts in `.../<set>/<f>`, the folder that holds `train_npy_data` and `test_npy_data`.

    Raises:
        DataError: there are no parts, files of several data sets or window lengths, or a part occurs twice.
    """
    sources = list(_sources(folder))
    if not sources:
        raise DataError(
            f"{folder} holds no source_x_<set>_<f>.npy: expected the folder with train_npy_data and "
            "test_npy_data, such as Datasets/BIWI/6"
        )
    kinds = sorted({(_set_name(match["set"])[0], int(match["f"])) for _, match in sources})
    if len(kinds) > 1:
        shown = ", ".join(f"{name} with f = {f}" for name, f in kinds)
        raise DataError(f"{folder} holds windows of several kinds ({shown}): give the folder of one kind")
    name, f = kinds[0]
    joints = _count_joints(*sources[0], name)
    parts: dict[str, Path] = {}
    for path, match in sources:
        part = _part(path, match)
        if part in parts:
            raise DataError(
                f"{folder} holds {part} twice ({parts[part]} and {path}): give a folder with one of them"
            )
        parts[part] = path
    refs = [PrecutWindowsRef(part, partial(_read, path, part, f, joints)) for part, path in parts.items()]
    refs.sort(key=lambda ref: (ref.part != "train", ref.part))
    return PrecutDataset(name, f, _LAYOUTS[joints], tuple(refs))


def _sources(folder: Path) -> Iterator[tuple[Path, re.Match[str]]]:
    """Yields the files of X in a folder; those of Y and Z are in the same place."""
    for path in files_at(folder):
        match = _SOURCE.fullmatch(path.name)
        if match is not None and match["axis"] == "x":
            yield path, match


def _set_name(text: str) -> tuple[str, str]:
    """Splits the set in a file name into data set and part; most names, unlike `IAS-A`, have no part."""
    name, _, part = text.partition("-")
    return _SETS.get(name, name.lower()), part


def _part(path: Path, match: re.Match[str]) -> str:
    if match["test"] is None:
        return "train"
    folder = path.parent.name
    return _set_name(match["set"])[1] or ("test" if folder.endswith("test_npy_data") else folder)


def _count_joints(path: Path, match: re.Match[str], name: str) -> int:
    source = load_array(path)
    joints = source.shape[-1] if source.ndim > 1 else _JOINTS.get(name, 20)
    if joints not in _LAYOUTS:
        known = ", ".join(map(str, _LAYOUTS))
        raise DataError(
            f"{path}: expected rows of {known} joints, got an array of shape {source.shape}; save it as "
            "(windows, f, joints)"
        )
    return joints


def _read(path: Path, part: str, f: int, joints: int) -> PrecutWindows:
    axes = [_load(path.with_name(path.name.replace("source_x_", f"source_{axis}_", 1))) for axis in "xyz"]
    count, rest = divmod(axes[0].size, f * joints)
    if rest or len({axis.size for axis in axes}) > 1:
        sizes = ", ".join(str(axis.size) for axis in axes)
        raise DataError(
            f"{path}: expected as many numbers as in the files of y and z, a multiple of {f} times {joints}, "
            f"got {sizes}; download the three files again"
        )
    windows = np.stack([axis.reshape(count, f, joints) for axis in axes], axis=-1).astype(np.float32)
    people = _people(path, count)
    layout = get_layout(_LAYOUTS[joints])
    changes = [after != before for before, after in pairwise(people)]
    runs = np.concatenate([np.zeros(min(count, 1), np.int64), np.cumsum(changes, dtype=np.int64)])
    return PrecutWindows(part, turn_upright(layout, _in_sdk_order(layout, windows)), people, runs)


def _load(path: Path) -> NDArray[Any]:
    source = load_array(path)
    if source.dtype.kind not in "fiu" or not (np.abs(source) <= FARTHEST).all():
        raise DataError(
            f"{path}: expected finite numbers up to {FARTHEST:g}, got other values; download the file again"
        )
    return source


def _people(path: Path, count: int) -> tuple[str, ...]:
    match = _SOURCE.fullmatch(path.name)
    assert match is not None
    id_path = path.with_name(f"frame_id_{match['set']}_{match['f']}.npy")
    people = load_array(id_path)
    if people.shape != (count,):
        raise DataError(
            f"{id_path}: expected the person of each of the {count} windows in {path.name}, got an array of "
            f"shape {people.shape}; download both files again"
        )
    return tuple(str(person) for person in people.tolist())


def _in_sdk_order(layout: Layout, windows: FloatArray) -> FloatArray:
    """Reorders Kinect v1 joints from the order of KGBD's text to that of the SDK, if necessary."""
    if len(layout.joints) != len(CANONICAL) or not len(windows):
        return windows
    heights = windows[..., 1].mean(axis=(0, 1), dtype=np.float64)
    by_text = heights[[FILE_ORDER.index(_HEAD), FILE_ORDER.index(_HIP)]]
    by_sdk = heights[[_HEAD, _HIP]]
    # In the true order the head is about half a metre above the hips, in the wrong one it is not.
    if np.ptp(by_text) > np.ptp(by_sdk):
        ordered: FloatArray = windows[..., np.argsort(FILE_ORDER), :]
        return ordered
    return windows
