"""Live identification from the terminal: starts the system and writes its decisions to the outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

from stream.errors import UserError
from stream.outputs.json_lines import write_notice
from stream.outputs.output import OutputContext, write_results
from stream.outputs.output_registry import check_outputs, create_outputs, show_skeletons
from stream.system.live import Live
from stream.system.notices import Notice
from stream.system.settings import Settings
from stream.terminal.web_extra import check_web_extra
from stream.view.picture_output import view_port

if TYPE_CHECKING:
    from stream.terminal.picture_server import PictureServer

__all__ = ["create_live", "echo_to", "identify", "no_gallery_text", "print_encoder", "start_live"]

INTERRUPTED = 130


def identify(settings: Settings, *, out: Console, err: Console, debug: bool) -> int:
    """Identifies people until the sources end or the user interrupts; returns the exit status.

    Raises:
        UserError: a source or the gallery cannot be used.
        RunError: a process failed permanently.
    """
    if not settings.sources:
        msg = "no source given: try --source walk.mcap or --source walkers:n=4, or run: sge-stream demo"
        raise UserError(msg)
    check_outputs(settings)
    with _picture_server(settings) as server, start_live(settings, err, debug) as live:
        if live.enrolled is None:
            err.print(no_gallery_text(live), highlight=False, soft_wrap=True)
        elif not live.enrolled:
            err.print(f"no person is enrolled in {live.gallery}", highlight=False, soft_wrap=True)
        outputs = create_outputs(OutputContext(settings, live, out))
        if server is not None:
            outputs.append(server.output(live))
            err.print(f"pictures: {server.address}", highlight=False, soft_wrap=True)
        interrupted = write_results(live, outputs)
        live.check()
    return INTERRUPTED if interrupted and not live.live else 0


def no_gallery_text(live: Live) -> str:
    """Returns what follows from there being no gallery yet."""
    follows = "nobody is known, and no visit is stored"
    return f"there is no gallery {live.gallery} yet, so {follows}; sge-stream enroll NAME makes it"


@contextmanager
def _picture_server(settings: Settings) -> Iterator[PictureServer | None]:
    """Opens the web server that shows pictures if a port was given for them."""
    port = None if settings.view is None else view_port(settings.view)
    if port is None:
        yield None
        return
    check_web_extra("--view PORT")
    from stream.terminal.picture_server import open_picture_server  # noqa: PLC0415 - needs the extra

    with open_picture_server(settings.gallery, port) as server:
        yield server


@contextmanager
def start_live(settings: Settings, err: Console, debug: bool) -> Iterator[Live]:
    """Starts the system that the settings describe, and prints its encoder; notices go to standard error."""

    def notify(line: str) -> None:
        if not settings.json:
            err.print(line, highlight=False, soft_wrap=True)

    def on_notice(notice: Notice) -> None:
        if settings.json:
            write_notice(notice)

    with ExitStack() as stack:
        with err.status("starting"):
            system = create_live(settings, echo=echo_to(err, debug), notify=notify, on_notice=on_notice)
            live = stack.enter_context(system)
        print_encoder(live, err)
        yield live


def create_live(
    settings: Settings,
    *,
    echo: Callable[[str], None],
    on_notice: Callable[[Notice], None],
    notify: Callable[[str], None] = lambda line: None,
    skeletons: bool = False,
    patient: bool = False,
) -> Live:
    """Returns the system that the settings describe, not yet started; see `Live` for the other arguments."""
    shows = settings.view is not None and view_port(settings.view) is not None
    return Live(
        settings.sources,
        settings.gallery,
        fpir=settings.fpir,
        device=settings.device,
        precision=settings.precision,
        speed=settings.speed,
        encoder=settings.encoder,
        matcher=settings.matcher,
        encoders=settings.encoders,
        echo=echo,
        view=None if shows else settings.view,
        pictures=shows,
        skeletons=skeletons or show_skeletons(settings),
        strict=settings.strict,
        patient=patient,
        places=settings.places,
        history=settings.history,
        remember_strangers=settings.remember_strangers,
        notify=notify,
        on_notice=on_notice,
    )


def print_encoder(live: Live, err: Console) -> None:
    """Prints the weights in use, and the notes to the user."""
    for line in (f"encoder: {live.encoder.description}", *live.notes):
        err.print(line, highlight=False, soft_wrap=True)


def echo_to(err: Console, debug: bool) -> Callable[[str], None]:
    """Returns a function that prints log lines of the processes with --debug, and discards them otherwise."""

    def echo(line: str) -> None:
        if debug:
            err.print(line, highlight=False, soft_wrap=True)

    return echo
