"""JSON output: one decision a line on standard output, one notice a line on standard error."""

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

__all__ = ["JsonLines", "open_json_lines", "write_notice"]


class JsonLines:
    """Writes each decision as a line of JSON and flushes it.

    Args:
        stream: binary stream with a file descriptor; stays open.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def __enter__(self) -> Self:
        return self

    def write(self, verdict: Verdict) -> None:
        """Writes one line.

        Raises:
            ReaderLeft: the reader has closed the pipe.
            RunError: the line cannot be written, for example to a full disk.
        """
        try:
            self._stream.write(to_json(verdict.decision) + b"\n")
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
    return JsonLines(sys.stdout.buffer)


def write_notice(notice: Notice) -> None:
    """Writes a notice as a line of JSON to standard error; a run goes on if nobody can read it there."""
    if sys.stderr is None:
        return
    with contextlib.suppress(OSError):
        sys.stderr.buffer.write(msgspec.json.encode(notice) + b"\n")
        sys.stderr.buffer.flush()
