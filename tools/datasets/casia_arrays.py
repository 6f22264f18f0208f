"""CASIA-B's estimated 3D skeletons: one array of 14 joints per sequence.

Files are `<xxx-mm-nn-vvv>.npy`, or any `*.npy` in folders `xxx/mm-nn/vvv`, or one .npz with an array
`xxx-mm-nn-vvv` for each sequence. An array is (T, 14, 3) or (T, 42), at 25 frames/s; a joint that is not
finite was not seen. The 14 joints are OpenPose's first, lifted to 3D (the paper, Sec. 4.1, and the joint
tables of its authors' later code): head, neck, right arm, left arm, right leg, left leg. Metres, X to the
sensor's left, Y up, Z away; a sequence whose Y points down is rotated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.errors import DataError
from stream.skeleton import get_layout
from stream.unseen_joints import mark_unseen_in_walk
from tools.datasets.casia import RATE_HZ, CasiaSequence, parse_sequence
from tools.datasets.frame_times import nominal_times
from tools.datasets.npz import array_names, read_arrays
from tools.datasets.recorded_walk import Walk, WalkRef, turn_upright
from tools.datasets.text_files import load_array, read_head

__all__ = ["find", "matches"]

LAYOUT = "openpose-14"

_MEMBER_NAME = re.compile(r"\d{3}-(nm|bg|cl)-\d{2}-\d{3}\.npy", re.IGNORECASE)
_HEADER_AND_NAME = 80
"""Characters of a zip file's head that hold its first member's name; the bytes before it may share one."""


def matches(path: Path, head: str) -> bool:
    """Returns whether a file that begins with `head` holds arrays of CASIA-B."""
    if path.suffix == ".npz":
        return head.startswith("PK\x03\x04") and _MEMBER_NAME.search(head[:_HEADER_AND_NAME]) is not None
    return path.suffix == ".npy" and "NUMPY" in head[:8] and _sequence_at(path) is not None


def find(files: Iterable[Path]) -> Iterator[WalkRef]:
    """Yields the sequences among a data set's files.

    Raises:
        DataError: a .npz is incomplete, or a sequence occurs twice.
    """
    found: dict[CasiaSequence, str] = {}
    for path in files:
        if path.suffix in (".npy", ".npz") and matches(path, read_head(path)):
            for sequence, place, load in _arrays(path):
                if sequence in found:
                    raise DataError(
                        f"{place} holds sequence {sequence.person}-{sequence.walk}, and so does "
                        f"{found[sequence]}: remove one of them"
                    )
                found[sequence] = place
                yield sequence.ref(partial(_read, sequence, place, load), LAYOUT)


def _sequence_at(path: Path) -> CasiaSequence | None:
    folders = "/".join(path.resolve().parts[-4:-1])
    return parse_sequence(path.stem) or parse_sequence(folders)


def _arrays(path: Path) -> Iterator[tuple[CasiaSequence, str, Callable[[], NDArray[Any]]]]:
    """Yields the sequences in a file, each with its place for messages and a function that loads it."""
    if path.suffix == ".npy":
        sequence = _sequence_at(path)
        if sequence is not None:
            yield sequence, str(path), partial(load_array, path)
        return
    for name in array_names(path):
        sequence = parse_sequence(name)
        if sequence is not None:
            yield sequence, f"{path}, array {name}", partial(_load_member, path, name)


def _load_member(path: Path, name: str) -> NDArray[Any]:
    return read_arrays(path, name.__eq__)[name]


def _read(sequence: CasiaSequence, place: str, load: Callable[[], NDArray[Any]]) -> Walk:
    layout = get_layout(LAYOUT)
    joints = len(layout.joints)
    array = load()
    if array.dtype.kind not in "fiu" or array.ndim < 2 or array.shape[1:] not in ((joints, 3), (3 * joints,)):
        raise DataError(
            f"{place}: expected numbers of shape (frames, 14, 3) or (frames, 42), 14 joints in 3D, got "
            f"{array.dtype} of shape {array.shape}; 2D skeletons of 17 joints are read from GaitGraph's .csv"
        )
    skeletons, confidence = mark_unseen_in_walk(layout, np.array(array, np.float32).reshape(-1, joints, 3))
    return Walk(
        sequence.person,
        sequence.walk,
        "camera",
        LAYOUT,
        nominal_times(len(skeletons), RATE_HZ),
        turn_upright(layout, skeletons),
        confidence,
        f"casia-b/{sequence.person}/{sequence.walk}",
        view=sequence.view,
        condition=sequence.condition,
        session=sequence.session,
    )
