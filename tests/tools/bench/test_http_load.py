"""The load of event streams and requests, against a server that the test runs."""

from __future__ import annotations

import asyncio

from tools.bench.http_load import Load, load


async def loaded(status: int, seconds: float = 0.3) -> tuple[Load, list[str]]:
    """Loads a server that answers with a status; returns what came of it and the heads of the requests."""
    heads: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                heads.append(head)
                if "/events" in head:
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
                    writer.write(b"retry: 2000\n\nevent: arrived\ndata: {}\n\n")
                else:
                    writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\n[]".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        return await load(f"http://127.0.0.1:{port}", "secret", streams=3, rate=50, seconds=seconds), heads


def test_streams_and_requests_are_counted() -> None:
    found, heads = asyncio.run(loaded(200))
    assert (found.streams, found.failed, found.events) == (3, 0, 3)
    assert found.answered == len(found.milliseconds) == sum("/events" not in head for head in heads)
    assert found.answered > 0
    assert all("Authorization: Bearer secret" in head for head in heads)


def test_other_answers_have_failed() -> None:
    found, _ = asyncio.run(loaded(503))
    assert found.answered == 0
    assert found.failed == len(found.milliseconds) > 0
