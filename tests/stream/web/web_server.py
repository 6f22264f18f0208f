"""A server on a free port of loopback, without a running system's processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from gallery.store.gallery import open_gallery
from gallery.store.records import NewEnrolment
from stream.system.live import Live
from stream.system.serve_settings import ServeSettings
from stream.web.access_token import Access, load_token
from stream.web.application import create_app
from stream.web.listen_address import listen
from stream.web.server_thread import ServerThread
from stream.web.service import Service, ServiceOutput

__all__ = ["WebServer", "enrol", "web_server"]


@dataclass(frozen=True)
class WebServer:
    """A server under test; `client` gives the token, `stranger` does not."""

    url: str
    token: str
    service: Service
    client: httpx.Client
    stranger: httpx.Client
    gallery: Path


@contextmanager
def web_server(
    folder: Path, *, live: Live | None = None, settings: ServeSettings | None = None
) -> Iterator[WebServer]:
    """Serves a gallery of Ada and Ben in a folder."""
    settings = settings or ServeSettings()
    settings = settings.override({"listen": "127.0.0.1:0", "token_file": str(folder / "token")})
    gallery = folder / "gallery.db"
    for name in ("Ada", "Ben"):
        enrol(str(gallery), name)
    token, _ = load_token(Path(settings.token_file))
    with ExitStack() as stack:
        listening = stack.enter_context(listen(settings))
        port = listening.getsockname()[1]
        service = Service(settings, str(gallery))
        stack.enter_context(ServerThread(create_app(service, Access(token), port), settings, listening))
        if live is not None:
            live.gallery = str(gallery)  # type: ignore[misc]
            stack.enter_context(ServiceOutput(service, live))
        url = f"http://127.0.0.1:{port}"
        client = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=60
        )
        stranger = httpx.Client(base_url=url, trust_env=False, timeout=60)
        with client, stranger:
            yield WebServer(url, token, service, client, stranger, gallery)


def enrol(gallery: str, name: str) -> None:
    """Enrols a person with one walk."""
    walk = NewEnrolment("abc", "simulated", 9.5, 0.8, np.ones((3, 6, 4), np.float32), view="towards")
    with open_gallery(gallery) as store:
        store.enrol(name, [walk], "asked")
