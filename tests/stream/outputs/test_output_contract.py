"""The contract of `stream.outputs.output.Output` for every registered output, and the loop that writes.

A new output adds the settings that request it to `SETTINGS`.
"""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from types import TracebackType
from typing import Self

import pytest
from rich.console import Console

from stream.bus.messages import Verdict
from stream.decision import to_json
from stream.errors import RunError, UserError
from stream.outputs.delivery_queue import Delivery, DeliverySettings, Undelivered
from stream.outputs.output import Output, OutputContext, write_results
from stream.outputs.output_registry import FACTORIES, create_outputs
from stream.outputs.queued_output import QueuedOutput
from stream.outputs.standard_output import ReaderLeft, StandardConsole
from stream.system.live import Live
from stream.system.settings import EventChoice, Settings
from stream.visits.events import VisitEvent, event_json
from tests.stream.outputs.receiver import Peer
from tests.stream.outputs.sample_events import SampleRun, visit
from tests.stream.outputs.simulated_run import make_left, make_verdict, simulated_live

SETTINGS = {"json": Settings(json=True), "dashboard": Settings()}

STEPS = [make_verdict(track, reason=f"step {track}") for track in (1, 2, 1, 2)]
FINALS: list[Verdict | VisitEvent] = [
    result
    for track in (1, 2)
    for result in (
        make_verdict(track, person="Ada", final=True, reason=f"end of track {track}"),
        make_left(track, person="Ada", reason=f"end of visit {track}"),
    )
]
LAST_LINES = {"json": ["end of track 1", "end of track 2"], "dashboard": ["end of visit 1", "end of visit 2"]}
"""What each output writes of `FINALS`, in order."""


class Recorder:
    """Passes all calls on to an output, or to nothing, and records them."""

    def __init__(self, output: Output | None = None, error: Exception | None = None) -> None:
        self.calls: list[str] = []
        self.written: list[Verdict | VisitEvent] = []
        self.threads: set[int] = set()
        self._output = output
        self._error = error

    def __enter__(self) -> Self:
        self.calls.append("enter")
        if self._output is not None:
            self._output.__enter__()
        return self

    def write(self, verdict: Verdict) -> None:
        self._record(verdict)
        if self._output is not None:
            self._output.write(verdict)

    def write_event(self, event: VisitEvent) -> None:
        self._record(event)
        if self._output is not None:
            self._output.write_event(event)

    def _record(self, result: Verdict | VisitEvent) -> None:
        if self.calls[-1] != "write":
            self.calls.append("write")
        self.threads.add(threading.get_ident())
        self.written.append(result)
        if self._error is not None:
            raise self._error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.calls.append("exit")
        if self._output is not None:
            self._output.__exit__(kind, error, trace)


Record = Callable[[Settings, Live, Console], Recorder]


@pytest.fixture(params=SETTINGS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def settings(kind: str) -> Settings:
    return SETTINGS[kind]


@pytest.fixture
def last_lines(kind: str) -> list[str]:
    return LAST_LINES[kind]


@pytest.fixture(params=[False, True], ids=["file", "terminal"])
def console(request: pytest.FixtureRequest) -> Console:
    """A console whose text can be read."""
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    return Console(file=stdout, force_terminal=request.param, width=120, height=40)


@pytest.fixture
def broken_pipe() -> Iterator[io.TextIOWrapper]:
    """A pipe whose reader has left."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as stdout:
        yield stdout


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.TextIOWrapper)
    assert isinstance(console.file.buffer, io.BytesIO)
    return console.file.buffer.getvalue().decode()


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> Record:
    """Creates the output that the settings request, on the console as standard output."""

    def create(settings: Settings, live: Live, console: Console) -> Recorder:
        monkeypatch.setattr(sys, "stdout", console.file)
        (output,) = create_outputs(OutputContext(settings, live, console))
        return Recorder(output)

    return create


def assert_in_order(text: str, parts: list[str]) -> None:
    positions = [text.rindex(part) for part in parts]
    assert positions == sorted(positions)


def test_the_settings_here_request_every_output() -> None:
    context = [
        OutputContext(settings, simulated_live(), Console(file=io.StringIO()))
        for settings in SETTINGS.values()
    ]
    requested = [[factory(each) is not None for each in context] for factory in FACTORIES]
    assert all(any(row) for row in requested)
    assert all(len(create_outputs(each)) == 1 for each in context)


def test_every_decision_is_written_in_order_from_one_thread(
    record: Record, settings: Settings, console: Console, last_lines: list[str]
) -> None:
    live = simulated_live([*STEPS, *FINALS])
    recorder = record(settings, live, console)
    assert write_results(live, [recorder]) is False
    assert recorder.written == [*STEPS, *FINALS]
    assert recorder.calls == ["enter", "write", "exit"]
    assert recorder.threads == {threading.get_ident()}
    assert_in_order(text_of(console), last_lines)


def test_ctrl_c_writes_the_remaining_decisions(
    record: Record, settings: Settings, console: Console, last_lines: list[str]
) -> None:
    live = simulated_live(STEPS, FINALS, error=KeyboardInterrupt())
    recorder = record(settings, live, console)
    assert write_results(live, [recorder]) is True
    assert recorder.written == [*STEPS, *FINALS]
    assert recorder.calls == ["enter", "write", "exit"]
    assert_in_order(text_of(console), last_lines)


def test_a_second_ctrl_c_closes_the_output(
    record: Record, settings: Settings, console: Console, last_lines: list[str]
) -> None:
    live = simulated_live(STEPS, FINALS[:2], error=KeyboardInterrupt(), drain_error=KeyboardInterrupt())
    recorder = record(settings, live, console)
    with pytest.raises(KeyboardInterrupt):
        write_results(live, [recorder])
    assert recorder.calls[-1] == "exit"
    assert last_lines[0] in text_of(console)


def test_an_error_of_the_run_closes_the_output(
    record: Record, settings: Settings, console: Console, last_lines: list[str]
) -> None:
    live = simulated_live(FINALS, error=RunError("the encoder stopped"))
    recorder = record(settings, live, console)
    notify = live.notifier.notify
    with pytest.raises(RunError, match="the encoder stopped"):
        write_results(live, [recorder])
    assert recorder.calls == ["enter", "write", "exit"]
    assert last_lines[1] in text_of(console)
    assert live.notifier.notify is notify, "a closed output receives no notifications"


def test_an_output_without_decisions_is_opened_and_closed(
    record: Record, settings: Settings, console: Console
) -> None:
    live = simulated_live()
    recorder = record(settings, live, console)
    assert write_results(live, [recorder]) is False
    assert recorder.calls == ["enter", "exit"]


def test_a_reader_that_left_ends_the_run(
    record: Record, settings: Settings, broken_pipe: io.TextIOWrapper
) -> None:
    live = simulated_live([*FINALS, *STEPS])
    recorder = record(settings, live, StandardConsole(file=broken_pipe, width=120))
    assert write_results(live, [recorder]) is False
    assert recorder.written in (FINALS[:1], FINALS[:2]), "the first line that it writes"
    assert recorder.calls == ["enter", "write", "exit"]
    broken_pipe.write("later output is discarded")
    broken_pipe.flush()


def test_json_lines_are_the_decisions(record: Record, console: Console) -> None:
    live = simulated_live([*STEPS, *FINALS])
    write_results(live, [record(SETTINGS["json"], live, console)])
    verdicts = [result for result in (*STEPS, *FINALS) if isinstance(result, Verdict)]
    expected = [to_json(verdict.decision).decode() for verdict in verdicts]
    assert text_of(console).splitlines() == expected


def test_the_run_continues_while_one_reader_remains() -> None:
    left, stays = Recorder(error=ReaderLeft()), Recorder()
    assert write_results(simulated_live(STEPS), [left, stays]) is False
    assert left.written == STEPS[:1]
    assert stays.written == STEPS
    assert left.calls == stays.calls == ["enter", "write", "exit"]


def test_a_reader_that_leaves_after_ctrl_c_is_no_interrupt() -> None:
    recorder = Recorder(error=ReaderLeft())
    assert write_results(simulated_live([], FINALS, error=KeyboardInterrupt()), [recorder]) is False
    assert recorder.written == FINALS[:1]


def test_an_output_that_fails_ends_the_run() -> None:
    failing, other = Recorder(error=RunError("disk full")), Recorder()
    with pytest.raises(RunError, match="disk full"):
        write_results(simulated_live(STEPS, FINALS), [failing, other])
    assert (failing.written, other.written) == (STEPS[:1], [])
    assert (failing.calls[-1], other.calls[-1]) == ("exit", "exit")


def test_an_output_that_cannot_be_opened_closes_those_before() -> None:
    class Unopenable(Recorder):
        def __enter__(self) -> Self:
            msg = "no broker"
            raise UserError(msg)

    first = Recorder()
    with pytest.raises(UserError, match="no broker"):
        write_results(simulated_live(STEPS), [first, Unopenable()])
    assert first.calls == ["enter", "exit"]


@pytest.mark.parametrize("error", [None, RunError("the encoder stopped"), KeyboardInterrupt()])
def test_all_deliveries_begin_to_end_before_the_first_is_waited_for(error: BaseException | None) -> None:
    run = SampleRun(["Ada"], visit("v1"), error=error)
    others = Peer()
    needs_the_others = Peer(lambda attempt: None if others.closed else Undelivered("away"))
    limits = DeliverySettings(patience_s=60.0)
    deliveries = [
        Delivery("receiver", peer, run.live.notifier, limits) for peer in (others, needs_the_others)
    ]
    outputs = [QueuedOutput(each) for each in deliveries]  # they are closed in the opposite order
    with nullcontext() if error is None or isinstance(error, KeyboardInterrupt) else pytest.raises(RunError):
        write_results(run.live, outputs)
    assert needs_the_others.received == visit("v1")
    assert [(each.delivered, each.dropped) for each in deliveries] == [(3, 0), (3, 0)]


@pytest.mark.parametrize("events", ["visits", "all"])
def test_json_lines_are_the_events_too_if_requested(
    record: Record, console: Console, events: EventChoice
) -> None:
    settings = Settings(json=True, events=events)
    live = simulated_live(FINALS)
    write_results(live, [record(settings, live, console)])
    expected = [
        (to_json(result.decision) if isinstance(result, Verdict) else event_json(result)).decode()
        for result in FINALS
        if events == "all" or not isinstance(result, Verdict)
    ]
    assert text_of(console).splitlines() == expected
