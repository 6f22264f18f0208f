"""uvicorn in a thread of the parent process."""

from __future__ import annotations

import asyncio
import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn
from fastapi import FastAPI

from stream.errors import RunError, UserError
from stream.system.serve_settings import ServeSettings
from stream.user_text import user_path
from stream.web.application import sample_health
from stream.web.connections import limited_protocol, most_connections
from stream.web.listen_address import BACKLOG
from stream.web.service import Service
from stream.web.skeleton_stream import send_skeletons

__all__ = ["ServerThread"]

_ACCEPTED_AT_ONCE = 16
"""Connections accepted before the limits look at them: few, so that a burst leaves files to the run."""

_START_S = 30.0
_END_S = 2
"""Seconds that open requests have to end."""


class ServerThread:
    """Serves an application while it is open.

    Args:
        app: the application.
        settings: for TLS and the proxy.
        listening: the socket; closed at the end.

    Raises:
        UserError: on entering: the certificate cannot be used.
        RunError: on entering: the server does not start.
    """

    def __init__(self, app: FastAPI, settings: ServeSettings, listening: socket.socket) -> None:
        self._app = app
        self._socket = listening
        self._service: Service = app.state.service
        self._started = threading.Event()
        self._error: BaseException | None = None
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http=limited_protocol(most_connections),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            backlog=_ACCEPTED_AT_ONCE,
            server_header=False,
            proxy_headers=settings.behind_proxy,
            forwarded_allow_ips="127.0.0.1,::1",
            ssl_certfile=str(user_path(settings.tls_certificate)) if settings.tls_certificate else None,
            ssl_keyfile=str(user_path(settings.tls_key)) if settings.tls_key else None,
            timeout_graceful_shutdown=_END_S,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait(_START_S)
        if self._error is not None or not self._server.started:
            self._socket.close()
            if isinstance(self._error, OSError):  # of the files of TLS: the port is open already
                msg = f"[serve]: tls_certificate or tls_key cannot be used: {self._error}"
                raise UserError(msg)
            msg = f"the web server did not start: {self._error or 'it gave no reason'}"
            raise RunError(msg)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._service.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._error = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        for stream in self._service.streams:
            stream.bind(loop)
        beside = (sample_health(self._app), send_skeletons(self._service), self._end_streams())
        tasks = [loop.create_task(each) for each in beside]
        try:
            await self._server.serve([self._socket])
        finally:
            for task in tasks:
                task.cancel()

    async def _end_streams(self) -> None:
        """Says that the server has started; ends the streams of events when it is to end."""
        while not self._server.started:
            await asyncio.sleep(0.01)
        self._socket.listen(BACKLOG)  # uvicorn has told the system the number that it accepts at once
        self._started.set()
        while not self._server.should_exit:
            await asyncio.sleep(0.1)
        for stream in self._service.streams:
            stream.close()
