"""Windows that were cut already: the .npy files in which the later papers share the data sets.

`.../<set>/<f>/train_npy_data/` holds `source_x_<set>_<f>.npy`, the same for y and z, and
`frame_id_<set>_<f>.npy`; `.../test_npy_data/<part>/` the same as `t_source_...`, where the part is Walking,
Still, A, B, gallery, probe or another. A source reshapes to (n, f, J), window after window, not centred;
`frame_id` has the person of each window. `ids_...` says the same as a pickled dictionary and is never opened.

What the files do not say: which recording a window is from (`Prepared.runs` is the nearest to it), the frame
rate, or which joint is which. Joints are taken in the order of the sensor that the set was recorded with.
KGBD may stand in the order of its raw text (head first), which shows in the heights and is put right; so is a
Y that points down.
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
from tools.datasets.kgbd import FILE_ORDER
from tools.datasets.recorded_walk import IntArray, upright
from tools.datasets.text_files import files_at, load_array

__all__ = ["Prepared", "PreparedRef", "PreparedSet", "find_prepared", "recognises"]

_SOURCE = re.compile(r"(?P<test>t_)?source_(?P<axis>[xyz])_(?P<set>.+)_(?P<f>\d+)\.npy")
_SETS = {
    "CASIA_B": "casia-b",
    "CAISA_B": "casia-b",
}  # the second is how one of the papers' programs spells it
_JOINTS = {"ks20": 25, "casia-b": 14}  # of a source that is one long row of numbers; the others have 20
_LAYOUTS = {14: "openpose-14", 20: "kinect-v1", 25: "kinect-v2"}
_HIP, _HEAD = CANONICAL.index("HipCenter"), CANONICAL.index("Head")


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The windows of one part.

    Attributes:
        part: train, or the folder below `test_npy_data`.
        windows: (n, f, J, 3) float32, not centred; metres where the set has them, Y up.
        people: of n people, whose window it is.
        runs: (n,) int64, which unbroken run of one person's windows, counted from 0: a recording, or several
            of one person in a row.
    """

    part: str
    windows: FloatArray
    people: tuple[str, ...]
    runs: IntArray


@dataclass(frozen=True, slots=True)
class PreparedRef:
    """A part that was found and not yet read.

    Attributes:
        part: as `Prepared.part`.
        read: reads it; raises `stream.errors.DataError` for files that are broken.
    """

    part: str
    read: Callable[[], Prepared]


@dataclass(frozen=True, slots=True)
class PreparedSet:
    """The parts in one folder.

    Attributes:
        name: of the data set, as the files' names have it, in lower case.
        f: skeletons a window.
        layout: as `stream.skeleton.get_layout` knows it.
        parts: train first.
    """

    name: str
    f: int
    layout: str
    parts: tuple[PreparedRef, ...]


def recognises(path: Path) -> bool:
    """Whether a file is one of windows that were cut already."""
    return _SOURCE.fullmatch(path.name) is not None


def find_prepared(folder: Path) -> PreparedSet:
    """The parts in `.../<set>/<f>`, the folder that holds `train_npy_data` and `test_npy_data`.

    Raises:
        DataError: there are none, or files of several data sets or lengths, or one part twice.
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
        raise DataError(f"{folder} holds windows of several kinds ({shown}): give the folder of one of them")
    name, f = kinds[0]
    joints = _count_joints(*sources[0], name)
    parts: dict[str, Path] = {}
    for path, match in sources:
        part = _part(path, match)
        if part in parts:
            raise DataError(
                f"{folder} holds {part} twice ({parts[part]} and {path}): give the folder that holds one"
            )
        parts[part] = path
    refs = [PreparedRef(part, partial(_read, path, part, f, joints)) for part, path in parts.items()]
    refs.sort(key=lambda ref: (ref.part != "train", ref.part))
    return PreparedSet(name, f, _LAYOUTS[joints], tuple(refs))


def _sources(folder: Path) -> Iterator[tuple[Path, re.Match[str]]]:
    """The files of X in a folder; those of Y and Z lie beside them."""
    for path in files_at(folder):
        match = _SOURCE.fullmatch(path.name)
        if match is not None and match["axis"] == "x":
            yield path, match


def _set_name(written: str) -> tuple[str, str]:
    """A data set and, in `IAS-A`, its part."""
    name, _, part = written.partition("-")
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


def _read(path: Path, part: str, f: int, joints: int) -> Prepared:
    axes = [_load(path.with_name(path.name.replace("source_x_", f"source_{axis}_", 1))) for axis in "xyz"]
    count, rest = divmod(axes[0].size, f * joints)
    if rest or len({axis.size for axis in axes}) > 1:
        sizes = ", ".join(str(axis.size) for axis in axes)
        raise DataError(
            f"{path}: expected as many numbers as in its y and z, a whole number of windows of {f} times "
            f"{joints}, got {sizes}; fetch the three files again"
        )
    windows = np.stack([axis.reshape(count, f, joints) for axis in axes], axis=-1).astype(np.float32)
    people = _people(path, count)
    layout = get_layout(_LAYOUTS[joints])
    changes = [after != before for before, after in pairwise(people)]
    runs = np.concatenate([np.zeros(min(count, 1), np.int64), np.cumsum(changes, dtype=np.int64)])
    return Prepared(part, upright(layout, _in_order(layout, windows)), people, runs)


def _load(path: Path) -> NDArray[Any]:
    source = load_array(path)
    if source.dtype.kind not in "fiu" or not np.isfinite(source).all():
        raise DataError(f"{path}: expected finite numbers, got others; fetch the file again")
    return source


def _people(path: Path, count: int) -> tuple[str, ...]:
    match = _SOURCE.fullmatch(path.name)
    assert match is not None
    owners = path.with_name(f"frame_id_{match['set']}_{match['f']}.npy")
    people = load_array(owners)
    if people.shape != (count,):
        raise DataError(
            f"{owners}: expected the person of each of the {count} windows in {path.name}, got an array of "
            f"shape {people.shape}; fetch both files again"
        )
    return tuple(str(person) for person in people.tolist())


def _in_order(layout: Layout, windows: FloatArray) -> FloatArray:
    """Kinect v1 joints in the SDK's order, where they came in that of KGBD's text."""
    if len(layout.joints) != len(CANONICAL) or not len(windows):
        return windows
    heights = windows[..., 1].mean(axis=(0, 1), dtype=np.float64)
    by_text = heights[[FILE_ORDER.index(_HEAD), FILE_ORDER.index(_HIP)]]
    by_sdk = heights[[_HEAD, _HIP]]
    # Whoever's order it is, the head is far above the hips there; half a metre in a grown person.
    if np.ptp(by_text) > np.ptp(by_sdk):
        ordered: FloatArray = windows[..., np.argsort(FILE_ORDER), :]
        return ordered
    return windows
