"""`--output metrics:9464`: the metrics of a run at a port of loopback, without `sge-stream serve`."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from socketserver import TCPServer, ThreadingMixIn
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from stream.bus.messages import Verdict
from stream.errors import UserError
from stream.outputs.output import Output
from stream.system.live import Live
from stream.visits.events import VisitEvent

if TYPE_CHECKING:
    from stream.outputs.metrics import MetricsOutput

__all__ = ["MetricsServer"]

_HOST = "127.0.0.1"


class MetricsServer:
    """Serves the metrics of a run while it is open.

    Args:
        live: the running system.
        port: on loopback.
        outputs: see `MetricsOutput`.
    """

    def __init__(self, live: Live, port: int, outputs: Sequence[Output] = ()) -> None:
        self._live = live
        self._outputs = outputs
        self._port = port
        self._metrics: MetricsOutput
        self._server: _Server | None = None
        self._thread: threading.Thread

    @property
    def port(self) -> int:
        """The port at which it is open."""
        return self._server.server_port if self._server is not None else self._port

    def __enter__(self) -> Self:
        from stream.outputs.metrics import MetricsOutput  # noqa: PLC0415 - other runs do not need its package

        self._metrics = MetricsOutput(self._live, self._outputs)
        try:
            self._server = _Server((_HOST, self._port), _Handler)
        except OSError as error:
            msg = f"output metrics:{self._port}: {error.strerror}; choose another port, such as 9465"
            raise UserError(msg) from None
        self._server.set_app(self._answer)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()
        return self

    def write(self, verdict: Verdict) -> None:
        """Counts a decision."""
        self._metrics.write(verdict)

    def write_event(self, event: VisitEvent) -> None:
        """Counts an event of a visit."""
        self._metrics.write_event(event)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        from stream.outputs.metrics import CONTENT_TYPE  # noqa: PLC0415

        host = environ.get("HTTP_HOST", "").rpartition(":")[0]
        if host not in (
            _HOST,
            "localhost",
        ):  # the page of another site reached this port by a name of its own
            status, content_type, body = (
                HTTPStatus.MISDIRECTED_REQUEST,
                "text/plain",
                b"use the name localhost\n",
            )
        elif environ["REQUEST_METHOD"] != "GET" or environ["PATH_INFO"] not in ("/", "/metrics"):
            status, content_type, body = HTTPStatus.NOT_FOUND, "text/plain", b"use the path /metrics\n"
        else:
            status, content_type, body = HTTPStatus.OK, CONTENT_TYPE, self._metrics.text()
        start_response(f"{status.value} {status.phrase}", [("Content-Type", content_type)])
        return [body]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Opens the port; asks no name server for the name of the machine, as the base class does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = _HOST, int(self.server_address[1])
        self.setup_environ()


class _Handler(WSGIRequestHandler):
    timeout = 10.0

    def log_message(self, format: str, *args: object) -> None:
        """Discards the message: requests are not logged."""
