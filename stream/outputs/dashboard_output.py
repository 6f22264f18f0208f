"""Dashboard output: tables that are updated in place, and lines on the visits above them."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live as Screen
from rich.text import Text

from stream.bus.messages import Verdict
from stream.outputs.dashboard import Dashboard
from stream.outputs.output import OutputContext
from stream.outputs.visit_lines import visit_line
from stream.system.live import Live
from stream.visits.events import VisitEvent

__all__ = ["DashboardOutput", "open_dashboard"]

_REFRESHES_PER_S = 4
_PRINTED_AGAIN = 10
"""Lines on visits that stay when the terminal is cleared."""


class _Screen(Screen):
    """The dashboard, which clears the terminal after its size has changed: lines have then moved.

    Args:
        dashboard: what to show.
        console: where.
        printed: the latest lines above the dashboard, which are printed again.
    """

    def __init__(self, dashboard: Dashboard, console: Console, printed: deque[Text]) -> None:
        super().__init__(dashboard, console=console, refresh_per_second=_REFRESHES_PER_S, transient=True)
        self._printed = printed
        self._size = console.size

    def refresh(self) -> None:
        """Draws the dashboard anew."""
        size = self.console.size
        if size != self._size and self.console.is_terminal:
            self._size = size
            self.console.clear()
            for line in list(self._printed):  # a copy: the screen refreshes in another thread
                self.console.print(line)
        super().refresh()


class DashboardOutput:
    """Shows the dashboard while it is open; prints lines on visits and notifications above it.

    If the console is not a terminal, only the lines on visits are printed.

    Args:
        live: the running system.
        console: where to print.
    """

    def __init__(self, live: Live, console: Console) -> None:
        self._live = live
        self._console = console
        self._dashboard = Dashboard(live)
        self._notify = live.notifier.notify
        self._printed: deque[Text] = deque(maxlen=_PRINTED_AGAIN)
        self._screen = _Screen(self._dashboard, console, self._printed)

    def __enter__(self) -> Self:
        self._screen.start(refresh=True)
        if self._console.is_terminal:
            self._live.notifier.notify = lambda line: self._console.print(line, highlight=False)
        return self

    def write(self, verdict: Verdict) -> None:
        """Updates the tables."""
        self._dashboard.update(verdict)

    def write_event(self, event: VisitEvent) -> None:
        """Prints a line on the visit."""
        infos = {info.name: info for info in self._live.infos}
        line = visit_line(
            event, event.source if len(self._live.infos) > 1 else "", clock=infos[event.source].live
        )
        if line is not None:
            self._printed.append(line)
            self._console.print(line, soft_wrap=not self._console.is_terminal)

    def refresh(self) -> None:
        """Draws the dashboard anew, as the screen does by itself four times a second."""
        self._screen.refresh()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._screen.stop()
        self._live.notifier.notify = self._notify


def open_dashboard(context: OutputContext) -> DashboardOutput | None:
    """Returns the dashboard if the settings request no JSON."""
    return None if context.settings.json else DashboardOutput(context.live, context.console)
