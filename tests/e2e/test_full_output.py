"""Standard output that is full, closed or left by its reader."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gallery.store.gallery import open_gallery
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


def enrol_nobody(program: Program) -> None:
    """Makes an empty gallery."""
    with open_gallery(program.environment["SGE_GALLERY"]):
        pass


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
        ("people", "list"),
    ],
)
def test_a_full_disk_behind_standard_output_is_said(
    arguments: tuple[str, ...], program: Program, walk: Path
) -> None:
    source = (str(walk),) if arguments[-1] == "--source" else ()
    enrol_nobody(program)
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
    output = "| head -1; exit ${PIPESTATUS[0]}"
    done = run(program, output, "--speed", "0", "--json", "--source", str(walk))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    for word in ("Traceback", "error", "Exception ignored"):
        assert word not in done.stderr


@pytest.mark.parametrize("stream", [1, 2])
@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("people", "list"),
        ("people", "list", "--help"),
        ("--speed", "0", "--source", "walk"),
        ("record", "copy.mcap", "--speed", "0", "--source", "walk"),
    ],
)
def test_a_reader_that_has_left_before_the_first_line_is_no_error(
    arguments: tuple[str, ...], stream: int, program: Program, walk: Path, tmp_path: Path
) -> None:
    enrol_nobody(program)
    command = [str(walk) if word == "walk" else word for word in arguments]
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as broken, (tmp_path / "other").open("w+") as other:
        streams = (broken, other) if stream == 1 else (other, broken)
        done = subprocess.run(
            [sys.executable, "-P", "-m", "stream", *command],
            cwd=tmp_path,
            env=program.environment,
            stdout=streams[0],
            stderr=streams[1],
            timeout=90,
            check=False,
        )
        other.seek(0)
        text = other.read()
    assert done.returncode == 0, text
    for word in ("Traceback", "rror", "Exception ignored"):
        assert word not in text
    if stream == 2:
        assert text, "the command has gone on"


SCRIPT = """
import os, sys
from stream.__main__ import occupy_closed_streams
occupy_closed_streams()
with open(sys.argv[1], "w") as file:
    file.write(str(file.fileno()))
"""


def test_no_file_takes_the_place_of_a_closed_stream(program: Program, tmp_path: Path) -> None:
    line = 'exec "$@" <&- >&- 2>&-'
    command = ["bash", "-c", line, "bash", sys.executable, "-c", SCRIPT, str(tmp_path / "number")]
    subprocess.run(command, env=program.environment, check=True, timeout=90)
    assert int((tmp_path / "number").read_text()) > 2
