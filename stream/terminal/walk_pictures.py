"""`sge-stream enroll --list`: who walks in files, each person as a drawn skeleton with a number."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gallery.enrolment import LOWEST_MIN_SECONDS
from stream.body import Image
from stream.capture.walk_listing import FileWalks, ListedWalk, list_walks
from stream.errors import RunError, UserError
from stream.file_writing import replace_file
from stream.skeleton import Layout, get_layout
from stream.sources import Source, open_source
from stream.windows.window_advice import not_counted

__all__ = ["draw_walk", "list_people"]


def list_people(specs: Sequence[str], folder: Path, *, out: Console, err: Console) -> None:
    """Draws each track of some files that can be enrolled into a picture, and prints a table of them.

    Args:
        specs: the files, as `--source` takes them; tracks are numbered as in a run on all of them.
        folder: an existing folder; the pictures are `track-1.png` and so on, which only the owner may read.
        out: for the table.
        err: for progress and warnings.

    Raises:
        UserError: no source is given, one is no file, or nobody walks long enough.
        RunError: a picture cannot be written.
        SgeError: a file cannot be read.
    """
    if not specs:
        msg = "--list shows who walks in a file: give it with --source"
        raise UserError(msg)
    table = Table("track", "walking", "when", "source", "picture")
    found = short = 0
    for index, spec in enumerate(specs):
        with contextlib.closing(_open_file(spec)) as source:
            walks = _read(source, index, len(specs), err)
            layout, name = get_layout(source.info.layout), source.info.name
        if walks.cut_off:
            err.print(f"warning: {walks.cut_off}", highlight=False, soft_wrap=True)
        enough = [walk for walk in walks.walks if walk.seconds >= LOWEST_MIN_SECONDS]
        found, short = found + len(enough), short + len(walks.walks) - len(enough)
        if not enough:
            why = not_counted(walks.causes)
            text = f"nobody walked {LOWEST_MIN_SECONDS:g} s in full view in {name}{why}"
            err.print(text, highlight=False, soft_wrap=True)
        for walk in enough:
            picture = folder / f"track-{walk.track}.png"
            _write(picture, draw_walk(walk, layout))
            table.add_row(*_cells(walk, name, picture))
    if not found:
        msg = "nobody who could be enrolled walks in what was given"
        raise UserError(msg)
    out.print(table)
    if short:
        out.print(f"tracks that walked less than {LOWEST_MIN_SECONDS:g} s and are not shown: {short}")
    sources = " ".join(f"--source {shlex.quote(spec)}" for spec in specs)
    out.print(f"enrol one: sge-stream enroll NAME {sources} --track N", highlight=False, soft_wrap=True)


def draw_walk(walk: ListedWalk, layout: Layout) -> Image:
    """Draws everybody in view at one moment of a walk, the person who walks in another colour."""
    from stream.view.drawing import BACKGROUND, Label, draw  # noqa: PLC0415 - loads OpenCV

    moment = walk.moment
    labels = {
        body: Label(f"track {number}", "person" if number == walk.track else "collecting")
        for body, number in moment.tracks.items()
    }
    caption = f"track {walk.track}: {walk.seconds:.1f} s of walking, {_when(walk)}; here at "
    return draw(moment.frame(BACKGROUND), layout, labels, f"{caption}{moment.time_ns / 1e9:.1f} s")


def _open_file(spec: str) -> Source:
    """Opens a source that is read to its end.

    Raises:
        UserError: it is a sensor, or does not end.
    """
    source = open_source(spec, speed=0)
    if source.info.live or not source.info.finite:
        name = source.info.name
        source.close()
        msg = f"--list reads files to their end, and {name} is live; its tracks are on the dashboard"
        raise UserError(msg)
    return source


def _read(source: Source, index: int, sources: int, err: Console) -> FileWalks:
    name = source.info.name
    with err.status(Text(f"reading {name}")) as status:

        def progress(seconds: float) -> None:
            status.update(Text(f"reading {name}: {seconds:.0f} s"))

        return list_walks(source, index=index, sources=sources, progress=progress)


def _write(path: Path, image: Image) -> None:
    from stream.sources.camera.quiet_opencv import cv2  # noqa: PLC0415 - loads slowly

    try:
        replace_file(path, cv2.imencode(".png", image)[1].tobytes(), private=True)
    except OSError as error:
        msg = f"cannot write the picture {path} ({error.strerror}); give a writable folder with --out"
        raise RunError(msg) from None


def _cells(walk: ListedWalk, name: str, picture: Path) -> list[Text]:
    cells = (str(walk.track), f"{walk.seconds:.1f} s", _when(walk), name, str(picture))
    return [Text(cell, overflow="fold") for cell in cells]


def _when(walk: ListedWalk) -> str:
    return f"{walk.first:.1f} to {walk.last:.1f} s"
