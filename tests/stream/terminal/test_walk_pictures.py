"""`sge-stream enroll --list`: a picture and a line for everybody who walks in files."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console

from stream.errors import RunError, UserError
from stream.terminal.walk_pictures import list_people
from stream.view.drawing import BACKGROUND, COLOURS

TWO = "walkers:n=2,seed=11,seconds=8,live=0"


def listed(*specs: str, folder: Path) -> str:
    out, err = (Console(width=160, color_system=None) for _ in range(2))
    with out.capture() as written, err.capture():
        list_people(specs, folder, out=out, err=err)
    return written.get()


def test_everybody_has_a_line_a_picture_and_the_command(tmp_path: Path) -> None:
    text = listed(TWO, folder=tmp_path)
    lines = [re.split(r" *\u2502 *", line)[1:-1] for line in text.splitlines() if "\u2502" in line]
    assert [line[0] for line in lines] == ["1", "2"]
    for track, walking, when, source, picture in lines:
        assert re.fullmatch(r"\d\.\d s", walking)
        assert re.fullmatch(r"\d\.\d to \d\.\d s", when)
        assert source == "walkers:n=2,seed=11,seconds=8,live=0"
        assert picture == str(tmp_path / f"track-{track}.png")
    assert f"sge-stream enroll NAME --source {TWO} --track N" in text


def test_the_pictures_show_the_person_in_another_colour_and_only_the_owner_reads_them(tmp_path: Path) -> None:
    listed(TWO, folder=tmp_path)
    shown = []
    for track in (1, 2):
        path = tmp_path / f"track-{track}.png"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        image = cv2.imread(str(path))
        assert image is not None
        for colour in (COLOURS["person"], COLOURS["collecting"], BACKGROUND):
            assert (image == colour).all(axis=2).sum() > 200
        shown.append(image)
    assert not np.array_equal(shown[0], shown[1])


@pytest.mark.parametrize(
    ("specs", "reason"),
    [
        ((), "give it with --source"),
        (("walkers:n=1",), "walkers:n=1 is live; its tracks are on the dashboard"),
        (("walkers:n=1,live=0",), "reads files to their end"),
        (("walkers:n=1,seconds=1,live=0",), "nobody who could be enrolled"),
    ],
)
def test_what_cannot_be_listed_is_refused(specs: tuple[str, ...], reason: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=reason):
        listed(*specs, folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="give a writable folder with --out"):
        listed(TWO, folder=tmp_path / "gone")
