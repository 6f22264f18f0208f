"""The browser view of a running system: only with its address, and never at the cost of the run."""

from __future__ import annotations

import re
import socket
import sys
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.program import WAIT_S, Program, System

FILES = 128
"""Open files that the run may have."""


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "g.db", tmp_path / "run")


def printed_address(system: System) -> re.Match[str]:
    found: list[re.Match[str]] = []

    def printed() -> bool:
        found.extend(re.finditer(r"pictures: (http://127\.0\.0\.1:(\d+)/)(\S*)", system.errors()))
        return bool(found)

    system.wait_until(printed)
    return found[0]


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process")
def test_idle_connections_do_not_end_a_run(program: Program) -> None:
    resource = pytest.importorskip("resource")

    with program.start("--source", "walkers:n=1", "--json", "--view", "0") as system, ExitStack() as opened:
        address = printed_address(system)
        resource.prlimit(system.process.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
        for _ in range(2 * FILES):
            opened.enter_context(socket.create_connection(("127.0.0.1", int(address[2])), WAIT_S))
        with urllib.request.urlopen(address[0].removeprefix("pictures: "), timeout=WAIT_S) as page:
            assert "walkers" in page.read().decode()
        system.child("encoder").kill()
        system.wait_until(lambda: system.child("encoder", wait=True).is_running())
        system.line()
        system.interrupt()
        system.rest()
        assert system.wait() == 0, system.errors()


def test_the_printed_address_is_needed(program: Program) -> None:
    with program.start("--source", "walkers:n=1", "--json", "--view", "0") as system:
        address = printed_address(system)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(address[1], timeout=WAIT_S)
        with urllib.request.urlopen(f"{address[1]}{address[3]}1", timeout=WAIT_S) as stream:
            assert stream.readline().startswith(b"--picture")


def test_an_address_as_view_is_refused_without_its_password(program: Program, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('sources = ["walkers:n=1,seconds=2"]\nview = "http://ada:secret@host/"\n')
    done = program.run("--config", str(config), "--json", folder=tmp_path)
    assert done.returncode == 2
    assert "--view: expected a folder or a port number" in done.stderr
    assert "secret" not in done.stdout + done.stderr
    assert not (tmp_path / "http:").exists()
