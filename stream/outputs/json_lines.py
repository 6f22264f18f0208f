"""JSON output: a decision or an event a line on standard output, one notice a line on standard error."""

from __future__ import annotations

import contextlib
import sys
from types import TracebackType
from typing import BinaryIO, Self

import msgspec

from stream.bus.messages import Verdict
from stream.decision import to_json
from stream.errors import UserError
from stream.outputs.output import OutputContext
from stream.outputs.standard_output import ReaderLeft, discard_output, output_error
from stream.system.notices import Notice
from stream.system.settings import EventChoice
from stream.visits.events import VisitEvent, event_json

__all__ = ["JsonLines", "open_json_lines", "write_notice"]


class JsonLines:
    """Writes each decision, each event of a visit, or both, as a line of JSON and flushes it.

    Args:
        stream: binary stream with a file descriptor; stays open.
        events: which lines to write.
    """

    def __init__(self, stream: BinaryIO, events: EventChoice = "decisions") -> None:
        self._stream = stream
        self._events = events

    def __enter__(self) -> Self:
        return self

    def write(self, verdict: Verdict) -> None:
        """Writes a decision as one line.

        Raises:
            ReaderLeft: the reader has closed the pipe.
            RunError: the line cannot be written, for example to a full disk.
        """
        if self._events != "visits":
            self._write_line(to_json(verdict.decision))

    def write_event(self, event: VisitEvent) -> None:
        """Writes an event as one line; raises as `write` does."""
        if self._events != "decisions":
            self._write_line(event_json(event))

    def _write_line(self, line: bytes) -> None:
        try:
            self._stream.write(line + b"\n")
            self._stream.flush()
        except BrokenPipeError:
            discard_output(self._stream)
            raise ReaderLeft from None
        except OSError as error:
            discard_output(self._stream)
            raise output_error(error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


def open_json_lines(context: OutputContext) -> JsonLines | None:
    """Returns the JSON output if the settings request it.

    Raises:
        UserError: standard output is closed.
    """
    if not context.settings.json:
        return None
    if sys.stdout is None:
        raise UserError("standard output is closed; --json needs a file, a pipe or a terminal there")
    return JsonLines(sys.stdout.buffer, context.settings.events)


def write_notice(notice: Notice) -> None:
    """Writes a notice as a line of JSON to standard error; a run goes on if nobody can read it there."""
    if sys.stderr is None:
        return
    with contextlib.suppress(OSError):
        sys.stderr.buffer.write(msgspec.json.encode(notice) + b"\n")
        sys.stderr.buffer.flush()
