"""Progress of long commands: bars on a terminal; elsewhere, as in a log file, a line of text every 30 s."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress, ProgressColumn, Task
from rich.text import Text

__all__ = ["INTERVAL_S", "LineProgress", "track"]

INTERVAL_S = 30.0
"""Seconds between two lines."""

_Item = TypeVar("_Item")


class LineProgress(Progress):
    """Rich's progress display, with lines of text where the console is no terminal that shows bars.

    A line has the columns that are text. Tasks that are finished, or without a description, have none.

    Args:
        columns: see `rich.progress.Progress`.
        console: where the progress is shown.
        transient: whether bars disappear at the end.
        speed_estimate_period: seconds of the past that the remaining time is estimated from.
    """

    def __init__(
        self,
        *columns: str | ProgressColumn,
        console: Console,
        transient: bool = False,
        speed_estimate_period: float = 30.0,
    ) -> None:
        super().__init__(
            *columns,
            console=console,
            transient=transient,
            speed_estimate_period=speed_estimate_period,
            disable=not console.is_interactive,
        )
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the bars, or the lines."""
        super().start()
        if self.disable and self._thread is None:
            self._stopped.clear()
            self._thread = threading.Thread(target=self._print_lines, args=(INTERVAL_S,), daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends the display."""
        super().stop()
        if self._thread is not None:
            self._stopped.set()
            self._thread.join()
            self._thread = None

    def _print_lines(self, interval: float) -> None:
        with suppress(OSError, ValueError):  # nobody reads the output any more
            while not self._stopped.wait(interval):
                for task in self.tasks:
                    if task.visible and task.description and not task.finished:
                        line = self._line(task)
                        self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _line(self, task: Task) -> str:
        cells = (each.format(task=task) if isinstance(each, str) else each(task) for each in self.columns)
        texts = (str(cell).strip() for cell in cells if isinstance(cell, str | Text))
        return "  ".join(text for text in texts if text)


def track(items: Sequence[_Item], what: str, *, console: Console) -> Iterable[_Item]:
    """Yields the items, and shows the progress through them on the console."""
    with LineProgress(*Progress.get_default_columns(), console=console) as progress:
        yield from progress.track(items, description=what)
