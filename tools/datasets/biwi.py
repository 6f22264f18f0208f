"""BIWI RGBD-ID and IAS-Lab RGBD-ID (Munaro et al., 2013 and 2014): folders of `*_skel.txt`, a file per frame.

`.../<session>/<person>/<id>[letter]_<frame>[-<stream>][_<stamp>]_skel.txt`; the session is Training,
Testing/Still, Testing/Walking (BIWI), Training, TestingA, TestingB (IAS-Lab). Comma-separated, one row per
joint of the Kinect v1, 14 columns: id, x, y, z (metres), x, y (pixels), tracking state (0 not tracked,
1 inferred, 2 tracked), quality flag, two joint indices, a quaternion. Rows after the 20th are ignored. The
folder names the person; the id does not.

Time. No public description states the unit of the stamp. `tools.datasets.frame_times.stamp_times` chooses the
unit that gives about 10 frames/s, the rate in BIWI's own description; the choice also fits 30 frames/s. Files
without a stamp are timed by their frame numbers, at 30 frames/s.

Axes. BIWI's rows are in the Kinect SDK's coordinates. A public reader of IAS-Lab inverts Y, so its Y may
point down; `tools.datasets.recorded_walk.turn_upright` rotates a walk in which the head is below the feet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np

from stream.body import FloatArray
from stream.errors import DataError
from stream.skeleton import CANONICAL, get_layout
from stream.unseen_joints import mark_unseen_in_walk
from tools.datasets.frame_times import stamp_times
from tools.datasets.recorded_walk import IntArray, Walk, WalkRef, turn_upright
from tools.datasets.text_files import read_rows

__all__ = ["find", "matches", "read"]

RATE_HZ = 10.0
UNSTAMPED_RATE_HZ = 30.0
COLUMNS = range(14)

_FRAME = re.compile(r"\d+[A-Za-z]?_(?P<frame>\d+)(?:-[a-z])?(?:_(?P<stamp>\d+))?_skel\.txt")
_CONFIDENCE_BY_STATE = np.array([0, 0.5, 1], np.float32)
_WRISTS_AND_ANKLES, _HANDS_AND_FEET = (
    [CANONICAL.index(part + side) for part in parts for side in ("Left", "Right")]
    for parts in (("Wrist", "Ankle"), ("Hand", "Foot"))
)


def matches(path: Path, head: str) -> bool:
    """Returns whether a file that begins with `head` holds one frame of a BIWI or IAS-Lab walk."""
    return path.name.endswith("_skel.txt") and head.partition("\n")[0].count(",") == len(COLUMNS) - 1


def find(files: Iterable[Path]) -> Iterator[WalkRef]:
    """Yields the walks among a data set's files: `<session>/<person>` is a folder of frames."""
    frames = (path for path in files if path.name.endswith("_skel.txt"))
    for folder, paths in groupby(frames, key=lambda path: path.parent):
        person, session = folder.resolve().name, folder.resolve().parent.name
        yield WalkRef(
            person, session, partial(read, list(paths), person, session), session=session, rate_hz=RATE_HZ
        )


def read(paths: list[Path], person: str, session: str) -> Walk:
    """Reads one walk from the files of its frames.

    Raises:
        DataError: a file is not a frame, or frames go back in time; the text names the file and the line.
    """
    stamps, stamped, paths = _in_order(paths)
    table = np.stack([read_rows(path, len(CANONICAL), COLUMNS) for path in paths])
    joints, state = table[..., 1:4].astype(np.float32), table[..., 6]
    if not np.isin(state, (0, 1, 2)).all():
        frame, row = np.argwhere(~np.isin(state, (0, 1, 2)))[0]
        raise DataError(
            f"{paths[frame]}, line {row + 1}: expected a tracking state of 0, 1 or 2 in column 7, got "
            f"{state[frame, row]:g}; download the file again"
        )
    layout = get_layout("kinect-v1")
    joints, confidence = mark_unseen_in_walk(layout, joints, _CONFIDENCE_BY_STATE[state.astype(np.intp)])
    joints = turn_upright(layout, joints)
    dataset, sensor = ("ias-lab", "nite") if _is_from_nite(joints) else ("biwi", "kinect-v1")
    time_ns = stamp_times(stamps, RATE_HZ if stamped else UNSTAMPED_RATE_HZ)
    name = f"{dataset}/{person}/{session}"
    return Walk(person, session, sensor, "kinect-v1", time_ns, joints, confidence, name, session=session)


def _in_order(paths: list[Path]) -> tuple[IntArray, bool, list[Path]]:
    """Sorts the files of a walk by time.

    Returns:
        (T,) strictly increasing stamps, or frame numbers if not all files have a stamp; whether these are
        stamps; the T files.
    """
    frames = []
    for path in paths:
        match = _FRAME.fullmatch(path.name)
        if match is None:
            raise DataError(
                f"{path}: expected a name like 000_000000-d_8349192_skel.txt, with the frame number; restore "
                "the original file name, or remove the file from the folder"
            )
        frames.append((int(match["frame"]), int(match["stamp"] or -1), path))
    frames.sort(key=lambda frame: frame[0])
    stamped = all(stamp >= 0 for _, stamp, _ in frames)
    # A repeated stamp is the same skeleton written twice.
    times = [stamp if stamped else number for number, stamp, _ in frames]
    kept = [i for i, time in enumerate(times) if i == 0 or time != times[i - 1]]
    for before, after in pairwise(kept):
        if times[after] < times[before]:
            raise DataError(
                f"{frames[after][2]}: expected a later time than that of the frame before it "
                f"({frames[before][2].name}); two recordings are mixed in this folder: remove one of them"
            )
    return np.array([times[i] for i in kept], np.int64), stamped, [frames[i][2] for i in kept]


def _is_from_nite(joints: FloatArray) -> bool:
    """Returns whether the wrists and ankles are copies of the hands and feet.

    NiTE estimates neither wrists nor ankles; the authors of IAS-Lab filled them with these copies.
    """
    copies, originals = joints[:, _WRISTS_AND_ANKLES], joints[:, _HANDS_AND_FEET]
    seen = np.isfinite(copies).all(axis=-1)
    return bool(seen.any()) and bool((copies == originals)[seen].all())
