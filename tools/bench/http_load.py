"""Loads the web server of `sge-stream serve`: open event streams and regular requests, from one process.

    python -m tools.bench.http_load URL TOKEN_FILE [--streams 100] [--rate 100] [--seconds 30]

Prints one line of JSON: what was answered, what failed, events that arrived, milliseconds of requests, and
processor seconds of the load itself.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import numpy as np
import typer

__all__ = ["Load", "load", "main"]

PATHS = ("/api/v1/presence", "/api/v1/tracks", "/api/v1/sources", "/api/v1/health")
CONNECTIONS = 10
ANSWER_S = 10.0


@dataclass(slots=True)
class Load:
    """What came of a load.

    Attributes:
        answered: requests with status 200.
        failed: all others, and streams that did not open or ended.
        streams: open streams at the end.
        events: lines of data that arrived on all streams.
        seconds: until the last answer; longer than asked for if the server delays requests.
        milliseconds: of each answered request.
    """

    answered: int = 0
    failed: int = 0
    streams: int = 0
    events: int = 0
    seconds: float = 0.0
    milliseconds: list[float] = field(default_factory=list)


async def load(url: str, token: str, streams: int, rate: float, seconds: float) -> Load:
    """Holds streams open and sends requests at a rate, for some seconds."""
    found = Load()
    server = _Server(url, token)
    open_streams = [asyncio.create_task(_listen(server, found)) for _ in range(streams)]
    workers = CONNECTIONS if rate > 0 else 0
    pace = workers / rate if rate > 0 else 0.0
    began = time.monotonic()
    end = began + seconds
    await asyncio.gather(*(_ask(server, found, n * pace / workers, pace, end) for n in range(workers)))
    await asyncio.sleep(max(0.0, end - time.monotonic()))
    found.seconds = time.monotonic() - began
    found.streams = sum(not task.done() for task in open_streams)
    found.failed += len(open_streams) - found.streams
    for task in open_streams:
        task.cancel()
    await asyncio.gather(*open_streams, return_exceptions=True)
    return found


@dataclass(frozen=True, slots=True)
class _Server:
    url: str
    token: str

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        parts = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            yield reader, writer
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def request(self, path: str) -> bytes:
        host = urlsplit(self.url).netloc
        return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {self.token}\r\n\r\n".encode()


async def _listen(server: _Server, found: Load) -> None:
    async with server.connect() as (reader, writer):
        writer.write(server.request("/api/v1/events?events=all"))
        status, _ = await _head(reader)
        if status != 200:
            return
        while line := await reader.readline():
            found.events += line.startswith(b"data:")


async def _ask(server: _Server, found: Load, begin: float, pace: float, end: float) -> None:
    """Asks at a pace on one connection; requests that the server delays are sent late, not left out."""
    try:
        async with server.connect() as (reader, writer):
            due, number = time.monotonic() + begin, 0
            while due < end:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                started = time.monotonic()
                writer.write(server.request(PATHS[number % len(PATHS)]))
                status, length = await asyncio.wait_for(_head(reader), ANSWER_S)
                await asyncio.wait_for(reader.readexactly(length), ANSWER_S)
                found.answered += status == 200
                found.failed += status != 200
                found.milliseconds.append(1000 * (time.monotonic() - started))
                due, number = due + pace, number + 1
    except (OSError, asyncio.IncompleteReadError, TimeoutError):
        found.failed += 1


async def _head(reader: asyncio.StreamReader) -> tuple[int, int]:
    """Reads the head of an answer; returns its status and the length of its body."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
    return int(lines[0].split()[1]), int(fields.get("content-length", 0))


def run(
    url: Annotated[str, typer.Argument(metavar="URL", help="Such as http://127.0.0.1:8600.")],
    token_file: Annotated[Path, typer.Argument(metavar="TOKEN_FILE", help="File with the token.")],
    streams: Annotated[int, typer.Option(min=0, help="Event streams held open.")] = 100,
    rate: Annotated[float, typer.Option(min=0, help="Requests a second.")] = 100.0,
    seconds: Annotated[float, typer.Option(min=1, help="Duration.")] = 30.0,
) -> None:
    """Load the web server of a running `sge-stream serve`."""
    found = asyncio.run(load(url, token_file.read_text().strip(), streams, rate, seconds))
    p50, p95, p99 = np.percentile(found.milliseconds or [0.0], [50, 95, 99]).round(1).tolist()
    shown: dict[str, float] = {"answered": found.answered, "failed": found.failed, "streams": found.streams}
    shown |= {"events": found.events, "p50": p50, "p95": p95, "p99": p99, "seconds": found.seconds}
    shown |= {"cpu": time.process_time()}
    typer.echo(json.dumps(shown))


def main() -> None:
    """Runs the load from the command line."""
    typer.run(run)


if __name__ == "__main__":
    main()
