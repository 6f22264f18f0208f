"""Progress of long commands: lines of text without a terminal, bars with one."""

from __future__ import annotations

import re
import threading
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from stream.terminal import progress_lines
from stream.terminal.progress_lines import LineProgress, track
from tests.tools.training.test_train import SETTINGS, write_packed
from tools.evaluation.terminal_tables import progress_bars
from tools.training.train import train_command

COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())


class LineOutput(StringIO):
    """Text output that another thread can wait for."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = threading.Condition()

    def write(self, text: str) -> int:
        with self._changed:
            count = super().write(text)
            self._changed.notify_all()
        return count

    def wait_for(self, text: str, times: int = 1) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.getvalue().count(text) >= times, timeout=60)


@pytest.fixture
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    assert progress_lines.INTERVAL_S == 30.0
    monkeypatch.setattr(progress_lines, "INTERVAL_S", 0.001)


@pytest.mark.usefixtures("_often")
def test_lines_come_again_and_again_also_while_nothing_advances() -> None:
    output = LineOutput()
    with LineProgress(*COLUMNS, console=Console(file=output, width=20)) as progress:
        task = progress.add_task("reads a folder", total=4)
        output.wait_for("reads a folder  0/4\n", times=3)
        progress.update(task, completed=2)
        output.wait_for("reads a folder  2/4\n", times=2)
        progress.update(task, completed=4)
        other = progress.add_task("compares", total=None)
        output.wait_for("compares  0/?\n")
        progress.update(other, total=1)
    lines = set(output.getvalue().splitlines())
    assert lines <= {f"reads a folder  {n}/4" for n in (0, 2)} | {
        "compares  0/?",
        "compares  0/1",
    }
    count = len(output.getvalue())
    threads = [thread for thread in threading.enumerate() if "_print_lines" in thread.name]
    assert (threads, len(output.getvalue())) == ([], count)


@pytest.mark.usefixtures("_often")
def test_a_terminal_shows_bars_and_no_lines() -> None:
    output = LineOutput()
    console = Console(file=output, width=80, force_terminal=True, color_system=None, _environ={})
    assert list(track([1, 2, 3], "reads", console=console)) == [1, 2, 3]
    assert "━" in output.getvalue()
    assert "\n" not in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", output.getvalue()).strip()


@pytest.mark.usefixtures("_often")
def test_items_pass_through_while_lines_are_printed() -> None:
    output = LineOutput()
    for item in track([1, 2], "walks", console=Console(file=output)):
        output.wait_for("walks", times=item)


@pytest.mark.usefixtures("_often")
def test_an_output_that_is_closed_ends_only_the_lines() -> None:
    output = LineOutput()
    with LineProgress(*COLUMNS, console=Console(file=output)) as progress:
        progress.add_task("reads", total=2)
        output.wait_for("reads")
        output.close()


@pytest.mark.usefixtures("_often")
def test_methods_of_an_evaluation_have_lines() -> None:
    output = LineOutput()
    with progress_bars(Console(file=output, width=40)) as progress:
        progress("sgela", 0.25, "reverse: epoch 2 of 6")
        output.wait_for("sgela  25%  0:0")
        output.wait_for("reverse: epoch 2 of 6\n")


@pytest.mark.slow
@pytest.mark.usefixtures("_often")
def test_a_training_has_lines(tmp_path: Path) -> None:
    file = str(write_packed(tmp_path / "a.npz", ["1", "2"]))
    output = StringIO()
    settings = SETTINGS | {"epochs": 60}
    train_command([file], tmp_path / "out", settings=settings, out=Console(file=output, width=40))
    line = r"epoch \d+/60  \d+/\d+  L_S \S+  L_A \S+  L_C \S+  \d+ windows/s  \d:\d\d:\d\d left"
    assert re.search(f"^{line}$", output.getvalue(), re.MULTILINE)
    assert not re.search(r"[━╸]", output.getvalue())
