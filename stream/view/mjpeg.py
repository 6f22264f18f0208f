"""Motion JPEG server on loopback: a page with the images of all sources, and one path for each source."""

from __future__ import annotations

import html
import threading
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from stream.errors import UserError

__all__ = ["PictureServer"]

HOST = "127.0.0.1"
_WAIT_S = 0.5
_BOUNDARY = "picture"
_MAX_STREAMS = 6
"""Most connections of a browser to one server; the page embeds that many streams and links the others."""


class PictureServer:
    """Serves the newest image of each source to browsers on this machine.

    Args:
        port: port on loopback; 0 selects a free one.
        names: names of the sources.

    Raises:
        UserError: the port cannot be used.
    """

    def __init__(self, port: int, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.closed = False
        self._changed = threading.Condition()
        self._pictures: dict[int, tuple[int, bytes]] = {}
        try:
            self._server = _Server((HOST, port), _Handler)
        except OSError as error:
            msg = f"--view: port {port} cannot be used ({error.strerror}); choose another, such as 8090"
            raise UserError(msg) from None
        self._server.pictures = self
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    @property
    def location(self) -> str:
        """URL of the page."""
        return f"http://{HOST}:{self.port}/"

    def put(self, source: int, jpeg: bytes) -> None:
        """Publishes the newest image of a source."""
        with self._changed:
            self._pictures[source] = (self._number(source) + 1, jpeg)
            self._changed.notify_all()

    def after(self, source: int, number: int) -> tuple[int, bytes] | None:
        """Waits briefly for an image of the source after image `number`; returns None if there is none."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._pictures.get(source, (0, b""))[0] > number or self.closed, _WAIT_S
            )
            newest = self._pictures.get(source)
            return newest if newest is not None and newest[0] > number else None

    def close(self) -> None:
        """Stops the server."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _number(self, source: int) -> int:
        return self._pictures.get(source, (0, b""))[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    pictures: PictureServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores errors: a browser that disconnects is not an error."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        pictures = self.server.pictures
        path = self.path.split("?", 1)[0].strip("/")
        if self.headers.get("Host", "").rpartition(":")[0] not in ("127.0.0.1", "localhost"):
            # Prevents DNS rebinding: a page of another site must not read the images.
            self.send_error(HTTPStatus.FORBIDDEN, "use the host name localhost")
        elif path == "":
            self._send_page(pictures.names)
        elif path.isascii() and path.isdecimal() and 1 <= int(path[:4]) <= len(pictures.names):
            self._send_pictures(pictures, int(path[:4]) - 1)
        else:
            self.send_error(HTTPStatus.NOT_FOUND, "unknown source")

    def log_message(self, format: str, *args: object) -> None:
        """Discards the message: requests are not logged."""

    def _send_page(self, names: Sequence[str]) -> None:
        page = _page(names)
        self._send_head("text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def _send_pictures(self, pictures: PictureServer, source: int) -> None:
        self._send_head(f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
        self.end_headers()
        number = 0
        while not pictures.closed:
            newer = pictures.after(source, number)
            if newer is not None:
                number, jpeg = newer
                head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")

    def _send_head(self, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("X-Frame-Options", "DENY")


def _page(names: Sequence[str]) -> bytes:
    figures = "\n".join(_figure(number, html.escape(name)) for number, name in enumerate(names, 1))
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>sge-stream</title>\n'
        "<style>body{margin:1rem;background:#1c1c20;color:#eee;font:15px sans-serif;"
        "display:flex;flex-wrap:wrap;gap:1rem}a{color:inherit}figure{margin:0;max-width:48rem}"
        "img{max-width:100%;min-width:20rem;min-height:10rem}</style>\n"
        f"{figures}\n</html>\n"
    ).encode()


def _figure(number: int, name: str) -> str:
    image = f'<img src="/{number}" alt="{name}">' if number <= _MAX_STREAMS else "live images"
    return f'<figure><a href="/{number}">{image}</a><figcaption>{number}: {name}</figcaption></figure>'
