"""The contract of `stream.outputs.output.Output` for every output of events, with a real receiver.

A new output adds a receiver to `RECEIVERS`.
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from stream.errors import RunError
from stream.outputs.output import OutputContext, write_results
from stream.outputs.output_registry import KINDS, create_outputs
from stream.system.settings import Settings
from stream.visits.events import VisitEvent, event_of
from tests.stream.outputs.broker import Broker, Watcher
from tests.stream.outputs.rerun_files import read_texts
from tests.stream.outputs.sample_events import SampleRun, doubted, visit
from tests.stream.outputs.simulated_run import make_verdict
from tests.stream.outputs.waiting import WAIT_S, wait_until
from tests.stream.outputs.web_server import WebServer

FIRST = [*visit("v1"), *visit("v2", "Zoë"), doubted("v3", "Ada")]
LAST = visit("v4", None)
DECISIONS = [make_verdict(1), make_verdict(1, person="Ada", final=True)]


@dataclass
class Peer:
    """A receiver.

    Attributes:
        output: entry of the settings that requests the output to it.
        lines: returns the events that it has received, as lines of JSON.
        stdout: standard output of the run.
        begin: waits until it can receive, with the output open.
    """

    output: str | dict[str, Any] | None
    lines: Callable[[], list[bytes]]
    stdout: io.TextIOWrapper = field(default_factory=lambda: io.TextIOWrapper(io.BytesIO()))
    begin: Callable[[], object] = lambda: None


@contextmanager
def json_reader(folder: Path) -> Iterator[Peer]:
    written = io.BytesIO()
    stdout = io.TextIOWrapper(written, encoding="utf-8", write_through=True)
    yield Peer(None, lambda: written.getvalue().splitlines(), stdout)


@contextmanager
def mqtt_client(folder: Path) -> Iterator[Peer]:
    if sys.platform == "win32":
        pytest.skip("starts a broker of Debian")
    with Broker(folder) as broker, Watcher(broker) as watcher:
        yield Peer(f"mqtt://127.0.0.1:{broker.port}/home", lambda: watcher.payloads("sge/home/event"))


@contextmanager
def web_server(folder: Path) -> Iterator[Peer]:
    with WebServer() as server:
        yield Peer({"kind": "webhook", "url": f"{server.url}/x"}, lambda: server.bodies)


@contextmanager
def lsl_recorder(folder: Path) -> Iterator[Peer]:
    pylsl = pytest.importorskip("pylsl", reason="needs the extra lsl")
    name = f"gait of {folder}"
    markers: list[bytes] = []
    reading = threading.Thread(target=lambda: read(inlet()))
    opened = threading.Event()

    def inlet() -> Any:
        (found,) = pylsl.resolve_byprop("name", name, 1, WAIT_S)
        return pylsl.StreamInlet(found, recover=False)

    def read(inlet: Any) -> None:
        inlet.open_stream(WAIT_S)
        opened.set()
        with suppress(pylsl.util.LostError):  # the end of the stream
            while True:
                markers.append(inlet.pull_sample()[0][0].encode())

    reading.start()
    yield Peer(f"lsl:{name}", lambda: list(markers), begin=lambda: opened.wait(WAIT_S))
    reading.join(WAIT_S)


@contextmanager
def rerun_file(folder: Path) -> Iterator[Peer]:
    pytest.importorskip("rerun", reason="needs the extra rerun")
    file = folder / "walks.rrd"
    yield Peer(str(file), lambda: [text.encode() for text in read_texts(file)])


RECEIVERS = {
    "json": json_reader,
    "mqtt": mqtt_client,
    "webhook": web_server,
    "lsl": lsl_recorder,
    "rerun": rerun_file,
}


@pytest.fixture(params=RECEIVERS)
def peer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Peer]:
    with RECEIVERS[request.param](tmp_path) as peer:
        yield peer


def run_outputs(peer: Peer, run: SampleRun) -> bool:
    """Runs the outputs that the peer needs; returns whether the run was interrupted."""
    settings = Settings(json=True, events="visits", output=() if peer.output is None else (peer.output,))
    context = OutputContext(settings, run.live, Console(file=io.StringIO()))
    run.begin = peer.begin
    with redirect_stdout(peer.stdout):
        return write_results(run.live, create_outputs(context)[-1:])


def received(peer: Peer, count: int) -> list[VisitEvent]:
    """Returns the events that came, as soon as there are so many."""
    wait_until(lambda: len(peer.lines()) >= count)
    return [event_of(line) for line in peer.lines()]


def test_there_is_a_receiver_for_every_kind() -> None:
    counting = {"metrics"}  # it sends numbers, no events
    assert {kind.name for kind in KINDS} - counting == RECEIVERS.keys() - {"json"}


def test_every_event_comes_in_order_and_no_decision(peer: Peer) -> None:
    run = SampleRun(["Ada", "Zoë"], [FIRST[0], DECISIONS[0], *FIRST[1:], DECISIONS[1], *LAST])
    assert run_outputs(peer, run) is False
    assert received(peer, len(FIRST) + len(LAST)) == [*FIRST, *LAST]
    assert run.notices == []


def test_ctrl_c_sends_the_remaining_events(peer: Peer) -> None:
    run = SampleRun(["Ada"], FIRST, LAST, KeyboardInterrupt())
    assert run_outputs(peer, run) is True
    assert received(peer, len(FIRST) + len(LAST)) == [*FIRST, *LAST]


def test_an_error_of_the_run_sends_what_came_before(peer: Peer) -> None:
    run = SampleRun(["Ada"], FIRST, error=RunError("the encoder stopped"))
    with pytest.raises(RunError, match="the encoder stopped"):
        run_outputs(peer, run)
    assert received(peer, len(FIRST)) == FIRST


def test_a_run_without_events_sends_none(peer: Peer) -> None:
    run = SampleRun(["Ada"], DECISIONS)
    assert run_outputs(peer, run) is False
    assert peer.lines() == []
    assert run.notices == []
