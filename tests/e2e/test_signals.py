"""Signals that end a command: its output is whole, and its exit status that of Ctrl-C."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.program import Program, read_frames

if sys.platform == "win32":
    pytest.skip("Windows has no such signals", allow_module_level=True)

pytestmark = pytest.mark.usefixtures("hang_up_ends_children")


@pytest.fixture
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("run")
    return Program(folder / "g.db", folder / "run")


@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGHUP, signal.SIGHUP]])
def test_a_live_run_writes_its_final_lines(program: Program, signals: list[signal.Signals]) -> None:
    with program.start("--source", "walkers:n=2,seed=11,walk=2", "--json") as system:
        while system.line()["t"] < 1:
            pass
        for number in signals:  # a shell and the kernel may each send one
            system.process.send_signal(number)
        finals = [line["track"] for line in system.rest() if line["final"]]
        assert system.wait() == 0, system.errors()
        assert sorted(finals) == [1, 2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_recording_is_closed_and_said(program: Program, tmp_path: Path, number: signal.Signals) -> None:
    target = tmp_path / "walk.mcap"
    command = [sys.executable, "-m", "stream", "record", str(target), "--source", "walkers:n=1,seed=11"]
    with subprocess.Popen(
        command, env=program.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while not any(path.stat().st_size for path in tmp_path.iterdir()):
            assert process.poll() is None, process.communicate()
        process.send_signal(number)
        said, errors = process.communicate(timeout=90)
    frames = len(list(read_frames(target)))
    assert (process.returncode, said) == (0, f"{target}: {frames} frames\n"), errors
    assert frames > 0


def test_a_run_that_was_started_with_nohup_ignores_the_end_of_its_terminal(program: Program) -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a child inherits that
    try:
        started = program.start("--source", "walkers:n=1,seed=11", "--json")
    finally:
        signal.signal(signal.SIGHUP, former)
    with started as system:
        system.line()
        system.process.send_signal(signal.SIGHUP)
        before = system.line()["t"]
        while system.line()["t"] < before + 1:
            pass
        system.interrupt()
        assert system.wait() == 0, system.errors()


@pytest.mark.skipif(not shutil.which("setsid"), reason="needs setsid")
def test_a_dashboard_ends_quietly_with_its_terminal(program: Program, tmp_path: Path) -> None:
    master, terminal = os.openpty()
    command = ["setsid", "--ctty", sys.executable, "-m", "stream", "--source", "walkers:n=1,seed=11"]
    with (
        (tmp_path / "errors").open("w+") as errors,
        subprocess.Popen(
            command,
            env={**program.environment, "TERM": "xterm"},
            stdin=terminal,
            stdout=terminal,
            stderr=errors,
        ) as process,
    ):
        os.close(terminal)
        shown = b""
        while not (b"collecting" in shown or b"unknown" in shown):  # the first decision is shown
            shown += os.read(master, 4096)
        os.close(master)
        assert process.wait(90) == 0
        errors.seek(0)
        text = errors.read()
    for word in ("Traceback", "rror"):
        assert word not in text
    assert list(program.runtime.iterdir()) == []
