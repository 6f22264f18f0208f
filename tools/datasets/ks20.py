"""KS20, the VisLab Multi-View Kinect Skeleton data set (Nambiar et al., 2017): folders, one file per frame.

`<view>/<take>_body<N>_<stamp>...`: the view is frontal, left_diagonal, left_lateral, right_diagonal or
right_lateral, the take gc1 to gc3, N the person. Each file has 25 comma-separated rows, one per joint of the
Kinect v2. Columns 2 to 4 are x, y, z in metres (Kinect camera space: Y up, X to the sensor's left, Z away).
There is no confidence: a joint at (0, 0, 0) was not seen. The unit of the stamp is not documented;
`tools.datasets.frame_times.stamp_times` chooses the unit that gives the sensor's 30 frames/s.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np

from stream.errors import DataError
from stream.skeleton import get_layout
from stream.unseen_joints import mark_unseen_in_walk
from tools.datasets.frame_times import stamp_times
from tools.datasets.recorded_walk import Walk, WalkRef
from tools.datasets.text_files import read_rows

__all__ = ["find", "matches", "read"]

LAYOUT = "kinect-v2"
RATE_HZ = 30.0

_FRAME = re.compile(r"(?P<take>gc\d+)_body(?P<person>\d+)_(?P<stamp>\d+)(?!\d).*", re.DOTALL)
_XYZ = range(1, 4)


def matches(path: Path, head: str) -> bool:
    """Returns whether a file that begins with `head` holds one frame of a KS20 walk."""
    return _FRAME.fullmatch(path.name) is not None and head.partition("\n")[0].count(",") >= len(_XYZ)


def find(files: Iterable[Path]) -> Iterator[WalkRef]:
    """Yields the walks among a data set's files: a person's take in one view, named `<view>-<take>`.

    Raises:
        DataError: two files of a walk have the same stamp.
    """
    for folder, inside in groupby(files, key=lambda path: path.parent):
        view = folder.resolve().name
        frames: dict[tuple[int, str], dict[int, Path]] = {}
        for path in inside:
            if match := _FRAME.fullmatch(path.name):
                stamps = frames.setdefault((int(match["person"]), match["take"]), {})
                if (other := stamps.setdefault(int(match["stamp"]), path)) != path:
                    raise DataError(
                        f"{path} has the same time as {other.name}: remove one of them from the folder"
                    )
        for (person, take), by_stamp in sorted(frames.items()):
            walk = f"{view}-{take}"
            yield WalkRef(
                str(person),
                walk,
                partial(read, by_stamp, str(person), view, take),
                view=view,
                session=take,
                layout=LAYOUT,
                rate_hz=RATE_HZ,
            )


def read(by_stamp: dict[int, Path], person: str, view: str, take: str) -> Walk:
    """Reads one walk from the files of its frames, by the stamps in their names.

    Raises:
        DataError: a file is not a frame of 25 joints; the text names the file and the line.
    """
    stamps = sorted(by_stamp)
    layout = get_layout(LAYOUT)
    table = np.stack([read_rows(by_stamp[stamp], len(layout.joints), _XYZ) for stamp in stamps])
    joints, confidence = mark_unseen_in_walk(layout, table.astype(np.float32))
    time_ns = stamp_times(np.array(stamps, np.int64), RATE_HZ)
    walk = f"{view}-{take}"
    return Walk(
        person,
        walk,
        "kinect-v2",
        layout.name,
        time_ns,
        joints,
        confidence,
        f"ks20/{person}/{walk}",
        view=view,
        session=take,
    )
