"""The program loads large packages only for commands that use them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from stream.terminal.app import app

ROOT = Path(__file__).resolve().parents[3]

HEAVY = {
    "av", "cv2", "fastapi", "jinja2", "lz4", "matplotlib", "mcap", "mediapipe", "numpy",
    "prometheus_client", "safetensors",
    "scipy", "sklearn", "sqlalchemy", "starlette", "torch", "uvicorn", "zmq", "zstandard",
}  # fmt: skip
"""Not pydantic: typer itself loads it where it is installed."""


def imported(*arguments: str, code: int = 0) -> set[str]:
    """Runs the program; returns the top-level packages that it imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "stream", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    # import time: self [us] | cumulative | imported package
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [(), ("people",), ("gallery",), ("watch",), ("calibrate",), ("people", "list")], ids=" ".join
)
def test_help_needs_no_large_package(arguments: tuple[str, ...]) -> None:
    packages = imported(*arguments, "--help")
    assert {"stream", "typer"} <= packages
    assert not packages & HEAVY


@pytest.mark.slow
def test_the_version_needs_no_large_package() -> None:
    assert not imported("--version") & HEAVY


@pytest.mark.slow
def test_a_command_that_reads_the_gallery_loads_the_database_but_no_network(tmp_path: Path) -> None:
    packages = imported("people", "list", "--gallery", str(tmp_path / "none.db"), code=2)
    assert "sqlalchemy" in packages
    assert not packages & {"torch", "cv2", "mediapipe", "sklearn", "matplotlib"}


ALL_HELP = """
import json, sys
from contextlib import redirect_stdout
from io import StringIO
from stream.__main__ import main
for command in json.loads(sys.argv[1]):
    sys.argv = ["sge-stream", *command, "--help"]
    try:
        with redirect_stdout(StringIO()):
            main()
    except SystemExit as stop:
        assert not stop.code, command
    assert not (heavy := set(json.loads(HEAVY)) & set(sys.modules)), (command, heavy)
"""


def command_names(group: TyperGroup) -> list[list[str]]:
    """Returns the words of every command, those of groups too."""
    found = []
    for name, command in group.commands.items():
        found.append([name])
        if isinstance(command, TyperGroup):
            found += [[name, *words] for words in command_names(command)]
    return found


@pytest.mark.slow
def test_the_help_of_no_command_needs_a_large_package() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    names = command_names(group)
    assert ["people", "list"] in names
    code = f"HEAVY = {json.dumps(sorted(HEAVY))!r}\n{ALL_HELP}"
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(names)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
