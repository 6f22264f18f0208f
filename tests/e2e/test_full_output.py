"""Standard output that is full, closed or left by its reader."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.program import Program, record

FULL = Path("/dev/full")
pytestmark = pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("walk")
    return record("walkers:n=1,seed=4,seconds=4,live=0", folder / "walk.mcap")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "g.db", tmp_path / "run")


def run(program: Program, output: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command with a redirection of its standard output."""
    line = ["bash", "-c", f'"$@" {output}', "bash", sys.executable, "-P", "-m", "stream", *arguments]
    return subprocess.run(
        line, env=program.environment, capture_output=True, text=True, timeout=90, check=False
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("--version",),
        ("--help",),
        ("--speed", "0", "--json", "--source"),
        ("--speed", "0", "--source"),
    ],
)
def test_a_full_disk_behind_standard_output_is_said(
    arguments: tuple[str, ...], program: Program, walk: Path
) -> None:
    source = (str(walk),) if arguments[-1] == "--source" else ()
    done = run(program, f">{FULL}", *arguments, *source)
    assert done.returncode == 1
    sentence = "sge-stream: standard output cannot be written: No space left on device; make room on its disk"
    assert sum(line.startswith(sentence) for line in done.stderr.splitlines()) == 1
    for word in ("Traceback", "internal error", "Exception ignored"):
        assert word not in done.stderr


def test_a_closed_standard_output_is_said_where_it_is_needed(program: Program, walk: Path) -> None:
    done = run(program, ">&-", "--speed", "0", "--json", "--source", str(walk))
    assert done.returncode == 2
    assert "standard output is closed; --json needs a file" in done.stderr
    assert "internal error" not in done.stderr
    assert run(program, ">&-", "--version").returncode == 0


def test_a_reader_that_leaves_is_no_error(program: Program, walk: Path) -> None:
    done = run(program, "| head -1", "--speed", "0", "--json", "--source", str(walk))
    assert done.stdout.count("\n") == 1
    for word in ("Traceback", "error", "Exception ignored"):
        assert word not in done.stderr
