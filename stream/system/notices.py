"""Notices of a run: what its user should know at once, each as a record and as a line of text."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

import msgspec

__all__ = ["Notice", "NoticeKind", "Notifier"]

NoticeKind = Literal[
    "source-down",
    "source-up",
    "source-lost",
    "source-remark",
    "gallery-unreadable",
    "gallery-readable",
    "history-stuck",
    "history-stored",
    "hanging",
    "responding",
    "restarting",
    "restarted",
    "dropped",
    "run-folder-gone",
    "output-down",
    "output-up",
    "output-dropped",
]
"""All kinds; `docs/json-lines.md` explains each."""


class Notice(msgspec.Struct, frozen=True):
    """Something that the user of a run should know at once.

    Attributes:
        kind: what it is about; one of a closed list.
        time: UTC time, ISO 8601.
        text: the notice as a sentence for people.
        source: name of the source; null if it is not about a single one.
        process: `encoder`, or with several `encoder 1` and so on; `matcher`; or `capture 1` and so on by the
            number of the source; null if it is not about a process.
        count: for `dropped` and `output-dropped` the items dropped so far in the run, for `restarting` and
            `restarted` the restarts of the process; else null.
        output: name of the output, such as `mqtt broker`; null if it is not about one.
    """

    kind: NoticeKind
    time: str
    text: str
    source: str | None = None
    process: str | None = None
    count: int | None = None
    output: str | None = None


class Notifier:
    """Hands every notice of a run to its user; any thread may send, and one notice is handed over at a time.

    Args:
        notify: receives the text, one line; may be replaced.
        on_notice: receives the record.
    """

    def __init__(self, notify: Callable[[str], None], on_notice: Callable[[Notice], None]) -> None:
        self.notify = notify
        self._on_notice = on_notice
        self._sending = threading.RLock()

    def send(
        self,
        kind: NoticeKind,
        text: str,
        *,
        source: str | None = None,
        process: str | None = None,
        count: int | None = None,
        output: str | None = None,
    ) -> None:
        """Hands a notice over."""
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._sending:
            self._on_notice(Notice(kind, time, text, source, process, count, output))
            self.notify(text)
