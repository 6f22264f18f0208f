"""The doctor's findings about the machine: what was tried, and how they look on a terminal of 80 columns."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from tools.doctor.examine import examine


def examined(folder: Path, width: int) -> str:
    text = io.StringIO()
    assert examine(str(folder / "g.db"), out=Console(file=text, width=width)) == 0
    return text.getvalue()


def rows(text: str) -> dict[str, tuple[str, str]]:
    """Returns state and finding by subject, from lines that are wide enough for each row."""
    cells = [[cell.strip() for cell in line.split("│")] for line in text.splitlines() if "│" in line]
    return {subject: (state, finding) for subject, state, finding in cells if subject}


@pytest.fixture(scope="module", autouse=True)
def _runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SGE_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        yield


@pytest.mark.slow
def test_only_what_was_tried_works(tmp_path: Path) -> None:
    found = rows(examined(tmp_path, 600))
    tried = {subject for subject, (state, _) in found.items() if state == "works"}
    assert {"Python", "encoder", "back-end", "sockets", "source walkers"} <= tried
    assert "a message arrived" in found["sockets"][1]
    assert "a frame was read" in found["source walkers"][1]
    for subject in ("packages", "source network camera", "source video", "source recording"):
        assert found[subject][0] == "not tried"
    assert found["packages"][1].startswith("installed: torch ")


@pytest.mark.slow
def test_sockets_with_encryption_are_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SGE_TRANSPORT", "tcp")
    assert rows(examined(tmp_path, 600))["sockets"][1].startswith("tcp with CURVE, a message arrived")


@pytest.mark.slow
def test_80_columns_break_no_word(tmp_path: Path) -> None:
    text = examined(tmp_path, 80)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) < 55
    for word in ("opencv-python-headless", "rtsp://user:password@host/path", "source network camera"):
        assert word in text
    assert "-> enrol a person: sge-stream enroll" in text
