"""Outputs: the interface, and the loop that writes all decisions and events of visits of a run to them.

To add an output:

1. Write a module in `stream.outputs` with a class that implements `Output` and a factory for it.
2. Add the factory to `stream.outputs.output_registry.FACTORIES`, and the output to
   `tests/stream/outputs/test_output_contract.py`, which tests every output against the protocol.
3. If users request it with `--output`, see `stream.outputs.output_settings`.

A program outside this process can receive decisions and events by `stream.system.observe` instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from rich.console import Console

from stream.bus.messages import Verdict
from stream.outputs.standard_output import ReaderLeft
from stream.system.live import Live
from stream.system.settings import Settings
from stream.visits.events import VisitEvent

__all__ = ["Output", "OutputContext", "OutputFactory", "SlowEnd", "write_results"]


class Output(Protocol):
    """Destination of the decisions of one run, and of the events of its visits.

    `write_results` guarantees:

    - One `__enter__`, then `write` once for each decision and `write_event` once for each event, in order,
      those at the end included, then one `__exit__`.
    - All calls come from the same thread. What was written is acknowledged after all outputs have returned.
    - After Ctrl-C, the output still receives what remains. If Ctrl-C interrupts `write` or `write_event`
      itself, that is not written again. A second Ctrl-C ends the run at once.
    - Outputs that also implement `SlowEnd` begin to end, all of them, before the first `__exit__`.
    - `__exit__` is also called after errors and interrupts, and after `write` or `write_event` raised.
    """

    def __enter__(self) -> Self:
        """Opens the output.

        Raises:
            UserError: the output cannot be opened; the run ends.
        """

    def write(self, verdict: Verdict) -> None:
        """Writes one decision.

        It must return soon: it delays all decisions, and live sources drop what is not processed in time. An
        output that can continue without its peer, such as a broker, handles its absence itself.

        Raises:
            ReaderLeft: no more decisions are needed. `write` is not called again, and the run ends normally
                when no output is left.
            Exception: the output failed. No output is written to again, and the run ends with this error.
        """

    def write_event(self, event: VisitEvent) -> None:
        """Writes one event of a visit; as `write` in all other respects."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the output; writes what is still buffered."""


@runtime_checkable
class SlowEnd(Protocol):
    """What an output also has whose `__exit__` waits for its peer: the waits of all outputs run at once."""

    def begin_end(self) -> None:
        """Begins to end without waiting for the peer; nothing is written afterwards. Raises nothing."""


@dataclass(frozen=True, slots=True)
class OutputContext:
    """Arguments of output factories.

    Attributes:
        settings: settings of the run.
        live: the running system.
        console: standard output.
        requested: the outputs of `--output`, in order, filled as they are made.
    """

    settings: Settings
    live: Live
    console: Console
    requested: list[Output] = field(default_factory=list)


OutputFactory = Callable[[OutputContext], Output | None]
"""Returns an output, or None if the settings do not request it."""


def write_results(live: Live, outputs: Sequence[Output]) -> bool:
    """Writes all decisions and events to the outputs until the sources end, the user interrupts or all left.

    Args:
        live: the running system.
        outputs: at least one.

    Returns:
        True if the user interrupted the run.

    Raises:
        SgeError: a source or process failed, or an output cannot be opened.
    """
    with ExitStack() as stack, ExitStack() as ends:
        for output in outputs:
            stack.enter_context(output)
            if isinstance(output, SlowEnd):
                ends.callback(output.begin_end)
        return _write_all(live, list(outputs))


def _write_all(live: Live, outputs: list[Output]) -> bool:
    """Writes to open outputs; returns as `write_results` does."""
    try:
        try:
            for result in live.results():
                _write(outputs, result)
        except KeyboardInterrupt:
            for result in live.drain():
                _write(outputs, result)
            return True
    except ReaderLeft:
        pass
    return False


def _write(outputs: list[Output], result: Verdict | VisitEvent) -> None:
    """Writes to all outputs; removes those whose reader left. Raises `ReaderLeft` when none remains."""
    for output in outputs.copy():
        try:
            if isinstance(result, Verdict):
                output.write(result)
            else:
                output.write_event(result)
        except ReaderLeft:
            outputs.remove(output)
            if not outputs:
                raise
