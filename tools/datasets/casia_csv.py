"""CASIA-B's 2D skeletons as GaitGraph shares them (Teepe et al., ICIP 2021): one .csv of all frames.

A header row that begins with `image_name`; then a row a frame, 52 columns: the frame's picture
`.../<xxx-mm-nn-vvv>/<frame>.jpg` and, for each of COCO's 17 joints, x, y (pixels of the picture) and a
confidence. An empty cell is a joint that was not found. The frame's number gives its time, at 25 frames/s.

The joints are places in a picture and not in space: the layout is `coco17-2d`, X to the picture's left, Y up
(both turned round, as a sensor would see the person), Z = 0, pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from stream.errors import DataError
from stream.skeleton import get_layout
from tools.datasets.casia import RATE_HZ, CasiaSequence, parse_sequence
from tools.datasets.recorded_walk import Walk, WalkRef, mark_unseen
from tools.datasets.text_files import text_head, unreadable

__all__ = ["find", "recognises"]

LAYOUT = "coco17-2d"
_CELLS = 1 + 3 * 17
_FIRST = "image_name"
_DIGITS = 9  # of a frame's number


@dataclass(slots=True)
class _Rows:
    """Rows of one sequence that follow each other: line numbers from 1, places in bytes."""

    line: int
    start: int
    end: int


def recognises(path: Path, head: str) -> bool:
    """Whether a file that begins with `head` is GaitGraph's .csv."""
    first = head.partition("\n")[0]
    return path.suffix == ".csv" and first.startswith(_FIRST) and first.count(",") == _CELLS - 1


def find(files: Iterable[Path]) -> Iterator[WalkRef]:
    """The sequences of the .csv files; each file is looked through once for where its sequences stand.

    Raises:
        DataError: a row names no sequence, or two files hold the same one.
    """
    found: dict[CasiaSequence, tuple[Path, list[_Rows]]] = {}
    for path in files:
        if recognises(path, text_head(path)):
            for sequence, rows in _index(path).items():
                twin, _ = found.setdefault(sequence, (path, rows))
                if twin != path:
                    raise DataError(
                        f"{path} holds sequence {sequence.person}-{sequence.walk}, which {twin.name} holds "
                        "as well: take one of the files out, or give one file"
                    )
    for sequence, (path, rows) in sorted(found.items()):
        yield sequence.ref(partial(_read, path, sequence, rows), LAYOUT)


def _index(path: Path) -> dict[CasiaSequence, list[_Rows]]:
    """Where the rows of each sequence stand; they may be in any order."""
    index: dict[CasiaSequence, list[_Rows]] = {}
    known: dict[str, CasiaSequence] = {}
    try:
        with path.open("rb") as file:
            end = len(next(file))
            for number, line in enumerate(file, 2):
                start, end = end, end + len(line)
                picture = line.partition(b",")[0].decode("utf-8", errors="replace").strip()
                if not picture:
                    continue
                folder = PurePosixPath(picture).parent.name
                sequence = known.get(folder) or parse_sequence(folder)
                if sequence is None:
                    _tell(path, number, picture)
                known[folder] = sequence
                blocks = index.setdefault(sequence, [])
                if blocks and blocks[-1].end == start:
                    blocks[-1].end = end
                else:
                    blocks.append(_Rows(number, start, end))
    except OSError as error:
        raise unreadable(path, error) from error
    return index


def _read(path: Path, sequence: CasiaSequence, blocks: list[_Rows]) -> Walk:
    frames: dict[int, NDArray[np.float64]] = {}
    for number, line in _lines(path, blocks):
        frame, values = _parse(path, number, line)
        if frame in frames:
            raise DataError(
                f"{path}, line {number}: frame {frame} of {sequence.person}-{sequence.walk} stands here a "
                "second time; delete one of the two rows"
            )
        frames[frame] = values
    order = np.array(sorted(frames), np.int64)
    table = np.stack([frames[frame] for frame in order.tolist()])
    joints = np.stack([-table[..., 0], -table[..., 1], np.zeros(table.shape[:2])], axis=-1)
    trusted = np.clip(table[..., 2], 0, 1).astype(np.float32)
    joints_32, confidence = mark_unseen(joints.astype(np.float32), trusted, origin_is_unseen=False)
    time_ns = np.round((order - order[0]) * 1e9 / RATE_HZ).astype(np.int64)
    return Walk(
        sequence.person,
        sequence.walk,
        "rgb-2d",
        LAYOUT,
        time_ns,
        joints_32,
        confidence,
        f"casia-b/{sequence.person}/{sequence.walk}",
        view=sequence.view,
        condition=sequence.condition,
        session=sequence.session,
    )


def _lines(path: Path, blocks: list[_Rows]) -> Iterator[tuple[int, str]]:
    try:
        with path.open("rb") as file:
            for rows in blocks:
                file.seek(rows.start)
                text = file.read(rows.end - rows.start).decode("utf-8", errors="replace")
                yield from enumerate(text.splitlines(), rows.line)
    except OSError as error:
        raise unreadable(path, error) from error


def _parse(path: Path, number: int, line: str) -> tuple[int, NDArray[np.float64]]:
    picture, *cells = line.split(",")
    frame = PurePosixPath(picture.strip()).stem
    if len(cells) != _CELLS - 1 or not frame.isdecimal() or len(frame) > _DIGITS:
        _tell(path, number, line)
    values = np.empty(len(cells))
    for place, cell in enumerate(cells):
        try:
            values[place] = float(cell) if cell.strip() else np.nan
        except ValueError:
            _tell(path, number, cell)
    return int(frame), values.reshape(len(get_layout(LAYOUT).joints), 3)


def _tell(path: Path, number: int, found: str) -> NoReturn:
    raise DataError(
        f"{path}, line {number}: expected <folder>/<xxx-mm-nn-vvv>/<frame>.jpg and {_CELLS - 1} numbers, x, "
        f"y and confidence of 17 joints, got {found[:60]!r}; fetch the file again, or delete "
        "the row to leave this frame out"
    )
