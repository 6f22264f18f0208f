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


def asking(address: re.Match[str], path: str) -> urllib.request.Request:
    """Returns a request with the token of the printed address."""
    token = address[3].partition("#token=")[2]
    return urllib.request.Request(address[1] + path, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process")
def test_idle_connections_do_not_end_a_run(program: Program) -> None:
    resource = pytest.importorskip("resource")

    with program.start("--source", "walkers:n=1", "--json", "--view", "0") as system, ExitStack() as opened:
        address = printed_address(system)
        resource.prlimit(system.process.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
        for _ in range(2 * FILES):
            opened.enter_context(socket.create_connection(("127.0.0.1", int(address[2])), WAIT_S))
        with urllib.request.urlopen(asking(address, "api/v1/sources"), timeout=WAIT_S) as answer:
            assert "walkers" in answer.read().decode()
        system.child("encoder").kill()
        system.wait_until(lambda: system.child("encoder", wait=True).is_running())
        system.line()
        system.interrupt()
        system.rest()
        assert system.wait() == 0, system.errors()


def test_the_printed_address_is_needed(program: Program) -> None:
    with program.start("--source", "walkers:n=1", "--json", "--view", "0") as system:
        address = printed_address(system)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{address[1]}api/v1/pictures/1", timeout=WAIT_S)
        with urllib.request.urlopen(asking(address, "api/v1/pictures/1"), timeout=WAIT_S) as stream:
            assert stream.readline().startswith(b"--picture")
            assert stream.readline().startswith(b"Content-Type: image/jpeg")
        with urllib.request.urlopen(f"{address[1]}pictures.html", timeout=WAIT_S) as page:
            assert address[3].partition("=")[2] not in page.read().decode()


def test_a_port_that_is_in_use_is_refused_at_once(program: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = program.run("--source", "walkers:n=1", "--json", "--view", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "--view 127.0.0.1:" in done.stderr
    assert "choose another" in done.stderr


def test_an_address_as_view_is_refused_without_its_password(program: Program, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('sources = ["walkers:n=1,seconds=2"]\nview = "http://ada:secret@host/"\n')
    done = program.run("--config", str(config), "--json", folder=tmp_path)
    assert done.returncode == 2
    assert "--view: expected a folder or a port number" in done.stderr
    assert "secret" not in done.stdout + done.stderr
    assert not (tmp_path / "http:").exists()
