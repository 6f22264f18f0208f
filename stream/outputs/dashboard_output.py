"""Dashboard output: tables that are updated in place, and a line for each track that ends."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live as Screen

from stream.bus.messages import Verdict
from stream.outputs.dashboard import Dashboard, final_line
from stream.outputs.output import OutputContext
from stream.system.live import Live

__all__ = ["DashboardOutput", "open_dashboard"]

_REFRESHES_PER_S = 4


class DashboardOutput:
    """Shows the dashboard while it is open; prints final decisions and notifications above it.

    If the console is not a terminal, only final decisions are printed. A closed pipe ends the program with
    status 1 (`rich.console.Console.on_broken_pipe`).

    Args:
        live: the running system.
        console: where to print.
    """

    def __init__(self, live: Live, console: Console) -> None:
        self._live = live
        self._console = console
        self._dashboard = Dashboard(live)
        self._notify = live.outages.notify
        self._screen = Screen(
            self._dashboard, console=console, refresh_per_second=_REFRESHES_PER_S, transient=True
        )

    def __enter__(self) -> Self:
        self._screen.start(refresh=True)
        if self._console.is_terminal:
            self._live.outages.notify = lambda line: self._console.print(line, highlight=False)
        return self

    def write(self, verdict: Verdict) -> None:
        """Updates the tables; prints the decision if it is the last of its track."""
        self._dashboard.update(verdict)
        decision = verdict.decision
        if decision.final:
            source = decision.source if len(self._live.infos) > 1 else ""
            self._console.print(final_line(verdict, source), soft_wrap=not self._console.is_terminal)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._screen.stop()
        self._live.outages.notify = self._notify


def open_dashboard(context: OutputContext) -> DashboardOutput | None:
    """Returns the dashboard if the settings request no JSON."""
    return None if context.settings.json else DashboardOutput(context.live, context.console)
