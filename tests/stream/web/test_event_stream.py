"""The stream of events: order, resuming, slow clients, many clients."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from stream.system.notices import Notice
from stream.web.broadcast import INCOMING, Broadcast, Message
from stream.web.event_stream import event_lines
from stream.web.service import REMEMBERED_EVENTS, ServiceOutput
from tests.stream.outputs.simulated_run import make_verdict, simulated_live
from tests.stream.web.visit_events import arrived, identified
from tests.stream.web.web_server import WebServer, web_server

CLIENTS = 100


def records(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """Yields the events of a stream; comments and the time to reconnect are left out."""
    found: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            found[name] = value
            continue
        if "data" in found:
            yield found
        found = {}


def await_streams(server: WebServer, count: int) -> None:
    """Waits until the server has so many open streams."""
    waiting = threading.Event()
    for _ in range(600):
        if server.client.get("/api/v1/health").json()["clients"] == count:
            return
        waiting.wait(0.05)
    pytest.fail(f"not {count} open streams within 30 s")


def test_events_come_as_they_are_written_and_a_client_resumes_after_the_last(server: WebServer) -> None:
    with server.client.stream("GET", "/api/v1/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = records(answer.iter_lines())
        await_streams(server, 1)
        output = ServiceOutput(server.service, simulated_live())
        output.write(make_verdict(1, person="Ada"))  # decisions are not asked for
        output.write_event(arrived(1))
        output.write_event(identified(1, "Ada"))
        server.service.notify(Notice("source-down", "2026-01-12T09:30:12+00:00", "door is down", "door"))
        first, second, third = next(stream), next(stream), next(stream)
    assert (first["event"], first["id"]) == ("arrived", "e-1")
    assert (second["event"], json.loads(second["data"])["person"]) == ("identified", "Ada")
    assert (third["event"], json.loads(third["data"])["source"]) == ("notice", "door")
    with server.client.stream("GET", "/api/v1/events", headers={"Last-Event-ID": "e-1"}) as answer:
        stream = records(answer.iter_lines())
        assert [next(stream)["event"], next(stream)["event"]] == ["identified", "notice"]


def test_decisions_are_streamed_when_asked_for(server: WebServer) -> None:
    with server.client.stream("GET", "/api/v1/events?events=all") as answer:
        stream = records(answer.iter_lines())
        await_streams(server, 1)
        server.service.update(make_verdict(1, person="Ada"))
        server.service.update_event(arrived(1))
        kinds = {next(stream)["event"], next(stream)["event"]}
    assert kinds == {"decision", "arrived"}
    assert server.client.get("/api/v1/events?events=everything").status_code == 422


def test_who_resumes_after_what_is_forgotten_is_told(server: WebServer) -> None:
    for number in range(REMEMBERED_EVENTS + 10):
        server.service.update_event(arrived(number))
    with server.client.stream("GET", "/api/v1/events", headers={"Last-Event-ID": "e-2"}) as answer:
        stream = records(answer.iter_lines())
        first, second = next(stream), next(stream)
    assert first["event"] == "dropped"
    assert second["id"] == "e-10"


def test_events_with_a_name_that_was_erased_are_forgotten(server: WebServer) -> None:
    server.service.update_event(arrived(1))
    server.service.update_event(identified(1, "Ada"))
    assert server.client.delete("/api/v1/people/Ada").status_code == 200
    with server.client.stream("GET", "/api/v1/events", headers={"Last-Event-ID": "e-1"}) as answer:
        stream = records(answer.iter_lines())
        first, second = next(stream), next(stream)
    assert (first["event"], second["event"]) == ("dropped", "people")


def test_a_hundred_clients_get_every_event(server: WebServer) -> None:
    received: list[list[str]] = []

    async def read(client: httpx.AsyncClient, ready: asyncio.Semaphore) -> list[str]:
        ids = []
        async with client.stream("GET", "/api/v1/events") as answer:
            ready.release()
            async for line in answer.aiter_lines():
                if line.startswith("id: "):
                    ids.append(line[4:])
                    if len(ids) == 20:
                        break
        return ids

    async def read_all() -> None:
        limits = httpx.Limits(max_connections=CLIENTS)
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(
            base_url=server.url, headers=headers, limits=limits, timeout=30, trust_env=False
        ) as client:
            ready = asyncio.Semaphore(0)
            tasks = [asyncio.create_task(read(client, ready)) for _ in range(CLIENTS)]
            for _ in tasks:
                await ready.acquire()
            await asyncio.to_thread(await_streams, server, CLIENTS)
            for number in range(20):
                server.service.update_event(arrived(number))
            received.extend(await asyncio.gather(*tasks))

    asyncio.run(read_all())
    assert received == [[f"e-{number}" for number in range(20)]] * CLIENTS
    await_streams(server, 0)
    assert server.client.get("/api/v1/health").json()["events_dropped"] == 0


def test_the_streams_end_with_the_server(tmp_path: Path) -> None:
    ended = threading.Event()

    def read(serving: WebServer, opened: threading.Event) -> None:
        with httpx.Client(base_url=serving.url, timeout=30, trust_env=False) as client:
            headers = {"Authorization": f"Bearer {serving.token}"}
            with client.stream("GET", "/api/v1/events", headers=headers) as answer:
                opened.set()
                list(answer.iter_lines())
        ended.set()

    with web_server(tmp_path, live=simulated_live()) as serving:
        opened = threading.Event()
        reader = threading.Thread(target=read, args=(serving, opened))
        reader.start()
        assert opened.wait(30)
    reader.join(30)
    assert ended.is_set()


def test_a_slow_client_loses_what_does_not_fit_and_is_told_how_much() -> None:
    async def run() -> tuple[list[bytes], int]:
        broadcast = Broadcast(queue=3)
        broadcast.bind(asyncio.get_running_loop())
        lines = event_lines([broadcast])
        found = [await anext(lines)]  # from now on it is a client
        for number in range(10):
            broadcast.publish(Message("arrived", f"e-{number}", b"{}"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        found += [await anext(lines) for _ in range(4)]
        await lines.aclose()  # type: ignore[attr-defined]
        return found, broadcast.dropped

    found, dropped = asyncio.run(run())
    assert dropped == 7
    assert found[1] == b'event: dropped\ndata: {"count":7}\n\n'
    assert found[2] == b"id: e-0\nevent: arrived\ndata: {}\n\n"
    assert found[4] == b"id: e-2\nevent: arrived\ndata: {}\n\n"


def test_a_server_that_does_not_keep_up_drops_and_counts_and_nobody_waits() -> None:
    broadcast = Broadcast()
    for number in range(INCOMING + 5):
        broadcast.publish(Message("arrived", str(number), b"{}"))
    assert broadcast.dropped == 5
