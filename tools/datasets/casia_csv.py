"""CASIA-B's 2D skeletons as published by GaitGraph (Teepe et al., ICIP 2021): one .csv of all frames.

The header row begins with `image_name`. Each further row is a frame with 52 columns: the image
`.../<xxx-mm-nn-vvv>/<frame>.jpg` and, for each of COCO's 17 joints, x, y (pixels) and a confidence. An empty
cell is a joint that was not found. The frame number gives the time, at 25 frames/s.

The joints are image positions, not positions in space. Their layout is `coco17-2d`, in pixels: X to the
image's left and Y up (both inverted, to match a sensor's view of the person), Z = 0.
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
from stream.unseen_joints import mark_unseen_in_walk
from tools.datasets.casia import RATE_HZ, CasiaSequence, parse_sequence
from tools.datasets.recorded_walk import Walk, WalkRef
from tools.datasets.text_files import read_error, read_head

__all__ = ["find", "matches"]

LAYOUT = "coco17-2d"
_COLUMNS = 1 + 3 * 17
_FIRST_COLUMN = "image_name"
_MAX_FRAME_DIGITS = 9


@dataclass(slots=True)
class _RowBlock:
    """Consecutive rows of one sequence.

    Attributes:
        line: number of the first line, counted from 1.
        start: byte position of the first row.
        end: byte position after the last row.
    """

    line: int
    start: int
    end: int


def matches(path: Path, head: str) -> bool:
    """Returns whether a file that begins with `head` is GaitGraph's .csv."""
    first = head.partition("\n")[0]
    return path.suffix == ".csv" and first.startswith(_FIRST_COLUMN) and first.count(",") == _COLUMNS - 1


def find(files: Iterable[Path]) -> Iterator[WalkRef]:
    """Yields the sequences of the .csv files; reads each file once to index its rows.

    Raises:
        DataError: a row does not name a sequence, or two files hold the same sequence.
    """
    found: dict[CasiaSequence, tuple[Path, list[_RowBlock]]] = {}
    for path in files:
        if matches(path, read_head(path)):
            for sequence, blocks in _index(path).items():
                other, _ = found.setdefault(sequence, (path, blocks))
                if other != path:
                    raise DataError(
                        f"{path} holds sequence {sequence.person}-{sequence.walk}, and so does {other.name}: "
                        "remove one of the files, or give one file"
                    )
    for sequence, (path, blocks) in sorted(found.items()):
        yield sequence.ref(partial(_read, path, sequence, blocks), LAYOUT)


def _index(path: Path) -> dict[CasiaSequence, list[_RowBlock]]:
    """Returns the row blocks of each sequence; rows may be in any order."""
    index: dict[CasiaSequence, list[_RowBlock]] = {}
    known: dict[str, CasiaSequence] = {}
    try:
        with path.open("rb") as file:
            end = len(head := next(file))
            if b"\0" in head:
                raise DataError(f"{path} is a text in UTF-16 or UTF-32: save it as UTF-8")
            for number, line in enumerate(file, 2):
                start, end = end, end + len(line)
                image = line.partition(b",")[0].decode("utf-8", errors="replace").strip()
                if not image:
                    continue
                folder = PurePosixPath(image).parent.name
                sequence = known.get(folder) or parse_sequence(folder)
                if sequence is None:
                    _raise_bad_row(path, number, image)
                known[folder] = sequence
                blocks = index.setdefault(sequence, [])
                if blocks and blocks[-1].end == start:
                    blocks[-1].end = end
                else:
                    blocks.append(_RowBlock(number, start, end))
    except OSError as error:
        raise read_error(path, error) from error
    return index


def _read(path: Path, sequence: CasiaSequence, blocks: list[_RowBlock]) -> Walk:
    frames: dict[int, NDArray[np.float64]] = {}
    for number, line in _lines(path, blocks):
        frame, values = _parse(path, number, line)
        if frame in frames:
            raise DataError(
                f"{path}, line {number}: frame {frame} of {sequence.person}-{sequence.walk} occurs twice; "
                "delete one of the two rows"
            )
        frames[frame] = values
    order = np.array(sorted(frames), np.int64)
    table = np.stack([frames[frame] for frame in order.tolist()])
    joints = np.stack([-table[..., 0], -table[..., 1], np.zeros(table.shape[:2])], axis=-1)
    scores = np.clip(table[..., 2], 0, 1).astype(np.float32)
    joints_32, confidence = mark_unseen_in_walk(get_layout(LAYOUT), joints.astype(np.float32), scores)
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


def _lines(path: Path, blocks: list[_RowBlock]) -> Iterator[tuple[int, str]]:
    try:
        with path.open("rb") as file:
            for block in blocks:
                file.seek(block.start)
                text = file.read(block.end - block.start).decode("utf-8", errors="replace")
                yield from enumerate(text.splitlines(), block.line)
    except OSError as error:
        raise read_error(path, error) from error


def _parse(path: Path, number: int, line: str) -> tuple[int, NDArray[np.float64]]:
    image, *cells = line.split(",")
    frame = PurePosixPath(image.strip()).stem
    if len(cells) != _COLUMNS - 1 or not frame.isdecimal() or len(frame) > _MAX_FRAME_DIGITS:
        _raise_bad_row(path, number, line)
    values = np.empty(len(cells))
    for i, cell in enumerate(cells):
        try:
            values[i] = float(cell) if cell.strip() else np.nan
        except ValueError:
            _raise_bad_row(path, number, cell)
    return int(frame), values.reshape(len(get_layout(LAYOUT).joints), 3)


def _raise_bad_row(path: Path, number: int, found: str) -> NoReturn:
    raise DataError(
        f"{path}, line {number}: expected <folder>/<xxx-mm-nn-vvv>/<frame>.jpg and {_COLUMNS - 1} numbers "
        f"(x, y and confidence of 17 joints), got {found[:60]!r}; download the file again, or delete the row "
        "to omit this frame"
    )
