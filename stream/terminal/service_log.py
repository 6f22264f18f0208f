"""Log lines of a service on standard error, as text or as JSON; they hold no names and no scores."""

from __future__ import annotations

import contextlib
import logging
import sys
from datetime import UTC, datetime

import msgspec

from stream.system.notices import Notice
from stream.system.serve_settings import LogFormat

__all__ = ["LogRecord", "ServiceLog"]


class LogRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of `log = "json"`.

    Attributes:
        time: UTC time, ISO 8601.
        level: `info`, `warning` or `error`.
        text: the line for people.
        kind: the kind of notice, see `stream.system.notices.Notice`; left out if it is none.
        source: name of the source; left out if it is not about one.
        process: the process; left out if it is not about one.
        count: as in `Notice`; left out if there is none.
    """

    time: str
    level: str
    text: str
    kind: str | None = None
    source: str | None = None
    process: str | None = None
    count: int | None = None


_INFORMATIVE = {"source-up", "source-remark", "gallery-readable", "responding", "restarted"}
"""Kinds of notices that report no trouble."""


class ServiceLog:
    """Writes log lines; a service goes on if nobody can read them.

    Args:
        form: `text` or `json`.
        debug: whether lines of the processes are written too.
    """

    def __init__(self, form: LogFormat, *, debug: bool = False) -> None:
        self._form = form
        self._debug = debug

    def write(self, text: str, level: str = "info") -> None:
        """Writes a line."""
        self._write(LogRecord(datetime.now(UTC).isoformat(timespec="milliseconds"), level, text))

    def write_notice(self, notice: Notice) -> None:
        """Writes a notice of a run."""
        level = "info" if notice.kind in _INFORMATIVE else "warning"
        self._write(
            LogRecord(
                notice.time, level, notice.text, notice.kind, notice.source, notice.process, notice.count
            )
        )

    def echo(self, line: str) -> None:
        """Writes a line that a process logged, if they are wanted."""
        if self._debug:
            self.write(line)

    def take_errors(self) -> None:
        """Writes what libraries log as errors, too."""
        handler = _Handler(self)
        logging.getLogger("uvicorn").addHandler(handler)
        logging.getLogger("uvicorn").setLevel(logging.ERROR)

    def _write(self, record: LogRecord) -> None:
        if sys.stderr is None:
            return
        if self._form == "json":
            line = msgspec.json.encode(record)
        else:
            prefix = "" if record.level == "info" else f"{record.level}: "
            line = f"{prefix}{record.text}".encode(errors="replace")
        with contextlib.suppress(OSError):
            sys.stderr.buffer.write(line + b"\n")
            sys.stderr.buffer.flush()


class _Handler(logging.Handler):
    """Writes records of `logging`; of an error only its kind and place, because its text may hold a name."""

    def __init__(self, log: ServiceLog) -> None:
        super().__init__(logging.ERROR)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        text = "web server: " + (record.getMessage().splitlines() or [""])[0]
        if record.exc_info and record.exc_info[0] is not None:
            frame = record.exc_info[2]
            while frame is not None and frame.tb_next is not None:
                frame = frame.tb_next
            place = f" at {frame.tb_frame.f_code.co_qualname}:{frame.tb_lineno}" if frame is not None else ""
            text += f" ({record.exc_info[0].__name__}{place})"
        self._log.write(text, record.levelname.lower())
