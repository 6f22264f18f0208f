"""Reads damaged video files until the time is up: each gives pictures or a `DataError`, never anything else.

    python -m tools.trials.fuzz_videos [--seconds 60] [--seed 1]

A file of a random format gets changed bytes, a missing part or a false end. After a crash of the process, the
file that it read is in --folder.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from stream.errors import DataError
from stream.sources.camera.video_reader import VideoReader
from tools.trials.video_files import FORMATS, write_video

__all__ = ["damaged", "main", "read_all"]


def damaged(raw: bytes, chance: random.Random) -> bytes:
    """Returns a file with random damage."""
    changed = bytearray(raw)
    kind = chance.randrange(4)
    if kind == 0:
        del changed[chance.randrange(len(raw)) :]
    elif kind == 1:
        start = chance.randrange(len(raw))
        del changed[start : start + chance.randrange(1, 200)]
    # Headers and index matter most, and are small.
    reach = len(changed) if kind == 2 else min(len(changed), 2000)
    for _ in range(chance.choice((1, 3, 20))):
        if reach:
            at = chance.randrange(reach)
            at = at if chance.random() < 0.5 else len(changed) - 1 - at
            changed[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    return bytes(changed)


def read_all(path: Path) -> str:
    """Returns how reading a file ended: `whole`, or the class of the error.

    Raises:
        AssertionError: times did not increase.
        Exception: whatever is not a `DataError`; this is what the trial looks for.
    """
    last_ns = -1
    try:
        reader = VideoReader(path)
    except DataError as error:
        return type(error).__name__
    try:
        for picture in reader.pictures():
            assert picture.time_ns > last_ns
            last_ns = picture.time_ns
            picture.image()
    except DataError as error:
        return type(error).__name__
    finally:
        reader.close()
    return "whole"


def run(
    seconds: Annotated[float, typer.Option(help="Time for all files.")] = 60.0,
    seed: Annotated[int, typer.Option(help="Chooses the damage.")] = 1,
    folder: Annotated[Path | None, typer.Option(help="Write the damaged files here.")] = None,
) -> None:
    """Read damaged video files, and count how reading ended."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as temporary:
        wholes = {
            name: write_video(Path(temporary, name), times[:30], form).read_bytes()
            for name, (form, times) in FORMATS.items()
        }
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            name = chance.choice(list(wholes))
            path = Path(folder or temporary, name)
            path.write_bytes(damaged(wholes[name], chance))
            ends[read_all(path)] += 1
    typer.echo(f"{ends.total()} damaged files: {dict(ends.most_common())}")


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(run)


if __name__ == "__main__":
    main()
