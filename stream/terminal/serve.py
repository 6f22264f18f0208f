"""`sge-stream serve`: the live system as a service, with its web server; restarts the system on SIGHUP."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

from rich.console import Console

from stream.errors import SgeError, UserError
from stream.outputs.json_lines import open_json_lines
from stream.outputs.output import Output, OutputContext, write_results
from stream.outputs.output_registry import KINDS, check_outputs
from stream.outputs.output_settings import open_requested
from stream.sources import check_labels, open_source
from stream.system.live import Live
from stream.system.notices import Notice
from stream.system.settings import Settings
from stream.system.source_places import source_places
from stream.terminal.identify import create_live, no_gallery_text
from stream.terminal.service_log import ServiceLog
from stream.user_text import user_path
from stream.web.access_token import Access, default_token_file, load_token
from stream.web.application import create_app
from stream.web.listen_address import check_exposure, listen
from stream.web.server_thread import ServerThread
from stream.web.service import Service, ServiceOutput

__all__ = ["serve"]

_HANG_UP: int | None = getattr(signal, "SIGHUP", None)  # Windows has none
_WAIT_S = 0.2
_UNUSABLE = "the new settings cannot be used, the former ones stay"


def serve(read_settings: Callable[[], Settings], *, out: Console, debug: bool) -> None:
    """Serves until SIGTERM or Ctrl-C.

    Args:
        read_settings: returns the settings of the config file and the options; called again on SIGHUP.
        out: standard output, for the lines of `json`.
        debug: whether to log the lines of the processes.

    Raises:
        UserError: a setting, a source, the gallery or the token cannot be used.
        RunError: a process failed permanently.
    """
    settings = read_settings()
    _check(settings)
    log = ServiceLog(settings.serve.log, debug=debug)
    log.take_errors()
    token_file = user_path(settings.serve.token_file) if settings.serve.token_file else default_token_file()
    token, _ = load_token(token_file)
    check_exposure(settings.serve)
    with ExitStack() as stack:
        listening = stack.enter_context(listen(settings.serve))
        service = Service(settings.serve, settings.gallery)
        app = create_app(service, Access(token), listening.getsockname()[1])
        stack.enter_context(ServerThread(app, settings.serve, listening))
        log.write(_greeting(settings, listening.getsockname(), token, str(token_file)))
        with _signals() as asked, contextlib.suppress(KeyboardInterrupt):
            _Runner(service, read_settings, settings, log, out, asked).run()
        log.write("ending")


class _Signals:
    """What signals ask for: SIGTERM and Ctrl-C end the run, SIGHUP asks to read the settings again.

    Handlers only set flags: they must not wait for a lock that the interrupted code may hold.

    Attributes:
        end: the service is to end.
        reload: the settings are to be read again.
        live: the system whose results are being written; None while none does.
        interruptible: whether the main thread does something that may be broken off.
    """

    def __init__(self) -> None:
        self.end = False
        self.reload = False
        self.live: Live | None = None
        self.interruptible = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Handles a signal; the second one to end interrupts at once."""
        if number == _HANG_UP:
            self.reload = True
            return
        interrupts = self.end or self.interruptible
        self.end = True
        if interrupts:
            raise KeyboardInterrupt
        self.end_live()

    def end_live(self) -> None:
        """Lets the running system end in order."""
        if self.live is not None:
            self.live.end_soon()


@contextmanager
def _signals() -> Iterator[_Signals]:
    asked = _Signals()
    numbers = [signal.SIGINT, signal.SIGTERM, *([_HANG_UP] if _HANG_UP is not None else [])]
    former = {number: signal.signal(number, asked.handle) for number in numbers}
    try:
        yield asked
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


class _Runner:
    """Runs the system, and another one after each SIGHUP whose settings can be used."""

    def __init__(
        self,
        service: Service,
        read_settings: Callable[[], Settings],
        settings: Settings,
        log: ServiceLog,
        out: Console,
        asked: _Signals,
    ) -> None:
        self._service = service
        self._read_settings = read_settings
        self._settings = settings
        self._next: Settings | None = None
        self._log = log
        self._out = out
        self._asked = asked
        self._started = False

    def run(self) -> None:
        """Runs until a signal ends it; the web server serves on when all sources have ended."""
        threading.Thread(target=self._watch_reload, name="reload", daemon=True).start()
        former: Settings | None = None
        while not self._asked.end:
            self._started = False
            try:
                self._run_once(self._settings)
            except SgeError as error:
                if former is None or self._started:
                    raise
                self._log.write(f"{_UNUSABLE}: {error}", "error")
                self._settings, former = former, None
                continue
            if not (self._asked.end or self._next):
                self._log.write("all sources have ended; the web server stays up")
            self._asked.interruptible = True
            while not (self._asked.end or self._next):
                time.sleep(_WAIT_S)
            self._asked.interruptible = False
            if self._next is not None:
                former, self._settings, self._next = self._settings, self._next, None

    def _run_once(self, settings: Settings) -> None:
        with ExitStack() as stack:
            self._asked.interruptible = True
            live = stack.enter_context(self._create(settings))
            self._asked.interruptible = False
            for line in (f"encoder: {live.encoder.description}", *live.notes):
                self._log.write(line)
            if live.enrolled is None:
                self._log.write(no_gallery_text(live))
            stack.callback(self._end_phase)
            self._asked.live = live
            if self._asked.end or self._next is not None:  # asked for while the system was starting
                return
            outputs = _outputs(OutputContext(settings, live, self._out))
            self._started = True
            write_results(live, [ServiceOutput(self._service, live, outputs), *outputs])

    def _end_phase(self) -> None:
        self._asked.live = None
        self._service.detach("reloading" if self._next is not None else "ended")

    def _watch_reload(self) -> None:
        """Reads the settings again when SIGHUP asks for it; the run goes on if they cannot be used."""
        while True:
            time.sleep(_WAIT_S)
            if not self._asked.reload:
                continue
            self._asked.reload = False
            try:
                settings = self._read_settings()
                _check(settings)
                _check_sources(settings)  # `Live` checks them too, but only after the former system has ended
            except SgeError as error:
                self._log.write(f"{_UNUSABLE}: {error}", "error")
                continue
            self._log.write("settings read again: starting sources and outputs anew")
            self._next = settings
            self._asked.end_live()

    def _create(self, settings: Settings) -> Live:
        def notify(notice: Notice) -> None:
            self._log.write_notice(notice)
            self._service.notify(notice)

        return create_live(settings, echo=self._log.echo, on_notice=notify, skeletons=True, patient=True)


def _check(settings: Settings) -> None:
    if not settings.sources:
        msg = 'no source given: write sources = ["front=0"] into the config, or give --source'
        raise UserError(msg)
    check_outputs(settings)


def _check_sources(settings: Settings) -> None:
    """Opens and closes all sources, as `Live` does: files are read, and devices are left alone.

    Raises:
        SgeError: a source cannot be used, or a label or a place is wrong.
    """
    check_labels(settings.sources)
    names = []
    for spec in settings.sources:
        source = open_source(spec, speed=settings.speed)
        names.append(source.info.name)
        source.close()
    source_places(settings.places, names)


def _outputs(context: OutputContext) -> list[Output]:
    lines = open_json_lines(context)
    requested = open_requested(context.settings.output, KINDS, context)
    return [*([lines] if lines is not None else []), *requested]


def _greeting(settings: Settings, address: tuple[str, int], token: str, token_file: str) -> str:
    """Returns where the server listens: on a terminal with the token, which no log must hold."""
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    url = f"{'https' if settings.serve.tls_certificate else 'http'}://{host}:{address[1]}/"
    if sys.stderr is not None and sys.stderr.isatty():
        return f"open {url}#token={token}"
    return f"listening at {url}; the token is in {token_file}"
