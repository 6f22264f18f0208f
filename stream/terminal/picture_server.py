"""`--view PORT`: the web server of a run that shows its pictures, at a port of loopback."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from stream.outputs.output import Output
from stream.system.live import Live
from stream.system.serve_settings import ServeSettings
from stream.web.access_token import Access
from stream.web.application import create_app
from stream.web.listen_address import listen
from stream.web.server_thread import ServerThread
from stream.web.service import Service, ServiceOutput

__all__ = ["PictureServer", "open_picture_server"]


@dataclass(frozen=True, slots=True)
class PictureServer:
    """A web server that waits for its run.

    Attributes:
        service: what it shows.
        address: of the pictures; holds the token.
    """

    service: Service
    address: str

    def output(self, live: Live) -> Output:
        """Returns the output that a run, which keeps its pictures, writes to."""
        return ServiceOutput(self.service, live)


@contextmanager
def open_picture_server(gallery: str | None, port: int) -> Iterator[PictureServer]:
    """Serves the page, the API and the pictures of a run, with a token of its own.

    Args:
        gallery: URL or path of the run's gallery.
        port: 0 takes a free one.

    Raises:
        UserError: the port cannot be used.
    """
    settings = ServeSettings(listen=f"127.0.0.1:{port}")
    with listen(settings, "--view") as listening:
        chosen = listening.getsockname()[1]
        service, token = Service(settings, gallery), secrets.token_urlsafe(32)
        with ServerThread(create_app(service, Access(token), chosen), settings, listening):
            yield PictureServer(service, f"http://127.0.0.1:{chosen}/pictures.html#token={token}")
