"""Live identification from the terminal: the dashboard, or JSON lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import PackageNotFoundError, version

from rich.console import Console
from rich.live import Live as Screen

from stream.bus.messages import Verdict
from stream.decision import to_json
from stream.errors import UserError
from stream.system.live import Live
from stream.system.settings import Settings
from stream.terminal.dashboard import Dashboard, final_line

__all__ = ["echo_to", "identify", "started", "tell_encoder", "version_text"]

INTERRUPTED = 130
_TICK_S = 0.1


def version_text() -> str:
    """The program's name and version."""
    try:
        return f"sge-stream {version('sge-stream')}"
    except PackageNotFoundError:
        return "sge-stream (not installed)"


def identify(settings: Settings, *, out: Console, err: Console, debug: bool) -> int:
    """Run until the sources end or the user stops; returns the exit status.

    Raises:
        UserError: a source or the gallery cannot be used.
        RunError: a process failed for good.
    """
    if not settings.sources:
        msg = "no source given: try --source walk.mcap or --source walkers:n=4, or run: sge-stream demo"
        raise UserError(msg)
    with started(settings, err, debug) as live:
        if not live.enrolled:
            err.print(f"nobody is enrolled in {live.gallery}", highlight=False, soft_wrap=True)
        interrupted = _json_lines(live) if settings.json else _dashboard(live, out)
        live.check()
    return INTERRUPTED if interrupted and not live.live else 0


@contextmanager
def started(settings: Settings, err: Console, debug: bool) -> Iterator[Live]:
    """The running system that the settings describe; says what its encoder is."""
    with ExitStack() as stack:
        with err.status("starting"):
            system = Live(
                settings.sources,
                settings.gallery,
                fpir=settings.fpir,
                device=settings.device,
                speed=settings.speed,
                encoder=settings.encoder,
                matcher=settings.matcher,
                echo=echo_to(err, debug),
                view=settings.view,
                notify=lambda line: err.print(line, highlight=False, soft_wrap=True),
            )
            live = stack.enter_context(system)
        tell_encoder(live, err)
        yield live


def tell_encoder(live: Live, err: Console) -> None:
    """Say which weights are in use, and what is to be known of them."""
    for line in (f"encoder: {live.encoder.features}", *live.notes):
        err.print(line, highlight=False, soft_wrap=True)


def echo_to(err: Console, debug: bool) -> Callable[[str], None]:
    """Where the processes' own lines go: to stderr with --debug, else nowhere."""

    def echo(line: str) -> None:
        if debug:
            err.print(line, highlight=False, markup=False, soft_wrap=True)

    return echo


def _verdicts(live: Live) -> Iterator[Verdict | None]:
    while not live.done:
        yield live.next(_TICK_S)


def _json_lines(live: Live) -> bool:
    try:
        try:
            for decision in live:
                _write(to_json(decision))
        except KeyboardInterrupt:
            for verdict in live.drain():
                _write(to_json(verdict.decision))
            return True
    except BrokenPipeError:
        # The reader has left; nobody is there to be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return False


def _write(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def _dashboard(live: Live, out: Console) -> bool:
    dashboard = Dashboard(live)
    many = len(live.infos) > 1
    with Screen(dashboard, console=out, refresh_per_second=4, transient=True) as screen:
        if out.is_terminal:
            live.outages.notify = lambda line: screen.console.print(line, highlight=False)  # above the tables

        def take(verdict: Verdict | None) -> None:
            if verdict is not None:
                dashboard.update(verdict)
                if verdict.decision.final:
                    line = final_line(verdict, verdict.decision.source if many else "")
                    screen.console.print(line, soft_wrap=not out.is_terminal)

        try:
            for verdict in _verdicts(live):
                take(verdict)
        except KeyboardInterrupt:
            for verdict in live.drain():
                take(verdict)
            return True
    return False
