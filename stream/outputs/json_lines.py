"""JSON output: one decision a line on standard output."""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import BinaryIO, Self

from stream.bus.messages import Verdict
from stream.decision import to_json
from stream.outputs.output import OutputContext, ReaderLeft

__all__ = ["JsonLines", "open_json_lines"]


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
        """
        try:
            self._stream.write(to_json(verdict.decision) + b"\n")
            self._stream.flush()
        except BrokenPipeError:
            self._discard_buffer()
            raise ReaderLeft from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def _discard_buffer(self) -> None:
        """Redirects the stream to the null device; otherwise its flush at exit fails again."""
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self._stream.fileno())
        os.close(null)


def open_json_lines(context: OutputContext) -> JsonLines | None:
    """Returns the JSON output if the settings request it."""
    return JsonLines(sys.stdout.buffer) if context.settings.json else None
