"""KGBD, the Kinect Gait Biometry Dataset (Andersson and Araujo, AAAI 2015): raw text, one file per walk.

`PersonNNN/k.txt`: lines `Joint;x;y;z` in a Kinect v1's coordinates, metres, 20 lines per frame, no separator
between frames. The files hold no times: the sensor's nominal 30 frames/s are used. Joints are identified by
name, because their order in the file is not that of the SDK.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NoReturn

import numpy as np

from stream.errors import DataError
from stream.skeleton import CANONICAL, get_layout
from stream.unseen_joints import mark_unseen_in_walk
from tools.datasets.frame_times import nominal_times
from tools.datasets.recorded_walk import IntArray, Walk, WalkRef
from tools.datasets.text_files import read_head, read_text

__all__ = ["find", "matches", "read"]

RATE_HZ = 30.0
MAX_DISTANCE_M = 50.0
"""A larger coordinate is not a position in metres in front of a Kinect."""

_FILE_ORDER = (
    "Head", "Shoulder-Center", "Shoulder-Right", "Shoulder-Left", "Elbow-Right", "Elbow-Left",
    "Wrist-Right", "Wrist-Left", "Hand-Right", "Hand-Left", "Spine", "Hip-centro", "Hip-Right", "Hip-Left",
    "Knee-Right", "Knee-Left", "Ankle-Right", "Ankle-Left", "Foot-Right", "Foot-Left",
)  # fmt: skip
_JOINTS = {
    name: CANONICAL.index("HipCenter" if name == "Hip-centro" else name.replace("-", ""))
    for name in _FILE_ORDER
}
FILE_ORDER = tuple(_JOINTS.values())
"""Indices of the canonical joints in the order of KGBD's text."""

_PERSON = re.compile(r"Person0*(\d+)", re.IGNORECASE)


def matches(path: Path, head: str) -> bool:
    """Returns whether a file that begins with `head` holds a KGBD walk."""
    name, *numbers = head.partition("\n")[0].split(";")
    return path.suffix == ".txt" and name in _JOINTS and len(numbers) == 3


def find(files: Iterable[Path]) -> Iterator[WalkRef]:
    """Yields the walks among a data set's files: `PersonNNN/k.txt` is walk k of person NNN."""
    for path in files:
        folder = path.resolve().parent.name
        numbered = _PERSON.fullmatch(folder)
        if path.suffix == ".txt" and (numbered or matches(path, read_head(path))):
            person = numbered[1] if numbered else folder
            yield WalkRef(person, path.stem, partial(read, path, person), rate_hz=RATE_HZ)


def read(path: Path, person: str) -> Walk:
    """Reads one walk.

    Raises:
        DataError: the file is truncated, a line is not `Joint;x;y;z` with plausible metres, or a frame lacks
            a joint; the text names the line.
    """
    lines = read_text(path).rstrip().split("\n")
    rows = [line.split(";") for line in lines]
    try:
        order = np.array([_JOINTS[row[0]] for row in rows])
        values = np.array(rows)[:, 1:].astype(np.float64).reshape(len(rows), 3)
    except (KeyError, ValueError):
        _raise_bad_line(path, lines)
    if (np.abs(values) > MAX_DISTANCE_M).any():
        _raise_bad_line(path, lines)
    if len(rows) % len(CANONICAL):
        raise DataError(
            f"{path} ends in line {len(rows)}, in the middle of a frame: expected 20 lines per frame; "
            f"download the file again, or delete its last {len(rows) % len(CANONICAL)} lines"
        )
    order = order.reshape(-1, len(CANONICAL))
    _check_frames(path, order)
    joints = np.empty((*order.shape, 3), np.float32)
    np.put_along_axis(joints, order[..., None], values.reshape(joints.shape).astype(np.float32), axis=1)
    joints, confidence = mark_unseen_in_walk(get_layout("kinect-v1"), joints)
    time_ns = nominal_times(len(joints), RATE_HZ)
    name = f"kgbd/{person}/{path.stem}"
    return Walk(person, path.stem, "kinect-v1", "kinect-v1", time_ns, joints, confidence, name)


def _check_frames(path: Path, order: IntArray) -> None:
    complete = np.sort(order, axis=1) == np.arange(len(CANONICAL))
    if complete.all():
        return
    frame = int((~complete.all(axis=1)).argmax())
    missing = next(name for name, joint in _JOINTS.items() if joint not in order[frame])
    first = frame * len(CANONICAL) + 1
    raise DataError(
        f"{path}, lines {first} to {first + 19}: expected each of the 20 joints once, got no {missing}; "
        "a line is missing or duplicated: download the file again"
    )


def _raise_bad_line(path: Path, lines: list[str]) -> NoReturn:
    number, line = next((n, line) for n, line in enumerate(lines, 1) if not _is_joint(line))
    raise DataError(
        f"{path}, line {number}: expected `Joint;x;y;z` with a joint name of KGBD and metres (within "
        f"{MAX_DISTANCE_M:g} of the sensor), got {line[:60]!r}; download the file again"
    )


def _is_joint(line: str) -> bool:
    name, *numbers = line.split(";")
    try:
        metres = [float(number) for number in numbers]
        return name in _JOINTS and len(metres) == 3 and not any(abs(m) > MAX_DISTANCE_M for m in metres)
    except ValueError:
        return False
