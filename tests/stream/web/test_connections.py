"""Connections that ask for nothing keep nobody out, and leave the run its open files."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from stream.system.serve_settings import ServeSettings
from stream.web.connections import limited_protocol, most_connections
from stream.web.listen_address import listen
from tests.stream.outputs.simulated_run import simulated_live
from tests.stream.web.web_server import WebServer, web_server

MOST = 8


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """A server that takes few connections."""
    monkeypatch.setattr("stream.web.server_thread.most_connections", lambda: MOST)
    with web_server(tmp_path, live=simulated_live()) as serving:
        yield serving


def silent_connections(server: WebServer, count: int, stack: ExitStack) -> list[socket.socket]:
    address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
    return [stack.enter_context(socket.create_connection(address, 30)) for _ in range(count)]


def is_closed(connection: socket.socket) -> bool:
    """Waits until the other side has closed a connection; returns False if it sends something."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_silent_connections_keep_nobody_out(small: WebServer) -> None:
    with ExitStack() as stack:
        opened = silent_connections(small, 5 * MOST, stack)
        assert small.client.get("/api/v1/people").status_code == 200
        assert is_closed(opened[0]), "the oldest is closed"


def test_streams_are_never_closed_for_other_connections(small: WebServer) -> None:
    with ExitStack() as stack:
        streams = [stack.enter_context(small.client.stream("GET", "/api/v1/events")) for _ in range(MOST)]
        lines = [stream.iter_lines() for stream in streams]
        assert [next(each) for each in lines] == ["retry: 2000"] * MOST
        (refused,) = silent_connections(small, 1, stack)
        assert refused.recv(12) == b"HTTP/1.1 503"
        streams[0].close()
        while True:  # the server learns of it a moment later
            (connection,) = silent_connections(small, 1, stack)
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            if connection.recv(12) == b"HTTP/1.1 200":
                break


def test_a_connection_that_sends_half_a_request_is_closed_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream.web.server_thread.limited_protocol", lambda most: limited_protocol(most, 0.2))
    with web_server(tmp_path, live=simulated_live()) as serving, ExitStack() as stack:
        (slow,) = silent_connections(serving, 1, stack)
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHos")
        assert is_closed(slow)
        with serving.client.stream("GET", "/api/v1/events") as stream:
            assert next(stream.iter_lines()) == "retry: 2000", "what has asked is left alone"


def test_the_server_leaves_most_of_the_files_to_the_run() -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:
        assert most_connections() == 66
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_answers_are_sent_without_delay() -> None:
    """Otherwise the body waits for the client to acknowledge the head: 40 ms a request on one connection."""
    with listen(ServeSettings().override({"listen": "127.0.0.1:0"})) as listening:
        assert listening.proto == socket.IPPROTO_TCP
