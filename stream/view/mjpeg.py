"""Motion JPEG server on loopback: a page with the images of all sources, and one path for each source.

Only who knows the address sees the images: it contains a token, because every program and user of the machine
can reach a port. Connections are few and do not stay idle, so that they leave the run its open files.
"""

from __future__ import annotations

import contextlib
import html
import secrets
import socket
import threading
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from stream.errors import UserError

__all__ = ["PictureServer"]

_Request = socket.socket | tuple[bytes, socket.socket]

HOST = "127.0.0.1"
MAX_CONNECTIONS = 32
"""Connections at a time; beyond, the oldest that has not asked for anything is closed."""

TIMEOUT_S = 10.0
"""Longest time that a browser may take for its request, or to receive an image."""

_FULL = b"HTTP/1.0 503 Service Unavailable\r\n\r\ntoo many connections: close other browser tabs\r\n"
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
        self.token = secrets.token_urlsafe(16)
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
        return f"http://{HOST}:{self.port}/{self.token}/"

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

    def __init__(self, address: tuple[str, int], handler: type[_Handler]) -> None:
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._silent: dict[socket.socket, None] = {}  # those that have not asked for anything, oldest first
        super().__init__(address, handler)

    def verify_request(self, request: _Request, client_address: object) -> bool:
        """Makes room for a new connection; returns whether there is any."""
        assert isinstance(request, socket.socket)
        with self._lock:
            if len(self._open) >= MAX_CONNECTIONS and not self._close_silent():
                with contextlib.suppress(OSError):
                    request.sendall(_FULL)
                return False
            self._open.add(request)
            self._silent[request] = None
            return True

    def asked(self, request: socket.socket) -> None:
        """Notes that a connection has asked for something that exists; it is not closed for another."""
        with self._lock:
            self._silent.pop(request, None)

    def shutdown_request(self, request: _Request) -> None:
        """Closes a connection; called once for each."""
        assert isinstance(request, socket.socket)
        with self._lock:
            self._open.discard(request)
            self._silent.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: _Request, client_address: object) -> None:
        """Ignores errors: a browser that disconnects is not an error."""

    def _close_silent(self) -> bool:
        if not self._silent:
            return False
        oldest = next(iter(self._silent))
        del self._silent[oldest]
        self._open.discard(oldest)
        with contextlib.suppress(OSError):  # it has just been closed from the other side
            oldest.shutdown(socket.SHUT_RDWR)  # its thread ends, and closes it
        return True


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = TIMEOUT_S

    def do_GET(self) -> None:
        pictures = self.server.pictures
        _, token, path = f"{self.path.split('?', 1)[0]}//".split("/", 2)
        path = path.strip("/")
        if self.headers.get("Host", "").rpartition(":")[0] not in ("127.0.0.1", "localhost"):
            # Prevents DNS rebinding: a page of another site must not read the images.
            self.send_error(HTTPStatus.FORBIDDEN, "use the host name localhost")
        elif not secrets.compare_digest(token.encode(), pictures.token.encode()):
            self.send_error(HTTPStatus.NOT_FOUND, "use the whole address that sge-stream printed")
        elif path == "":
            self._send_page(_page(pictures.names, token))
        elif path.isascii() and path.isdecimal() and 1 <= int(path[:4]) <= len(pictures.names):
            self._send_pictures(pictures, int(path[:4]) - 1)
        else:
            self.send_error(HTTPStatus.NOT_FOUND, "unknown source")

    def log_message(self, format: str, *args: object) -> None:
        """Discards the message: requests are not logged."""

    def _send_page(self, page: bytes) -> None:
        self._send_head("text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def _send_pictures(self, pictures: PictureServer, source: int) -> None:
        self._send_head(f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
        self.end_headers()
        number = 0
        while not (pictures.closed or self._left()):
            newer = pictures.after(source, number)
            if newer is not None:
                number, jpeg = newer
                head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")

    def _left(self) -> bool:
        """Returns whether the browser has closed the connection; it has nothing else to send."""
        self.connection.settimeout(0)
        try:
            self.connection.recv(1)
        except BlockingIOError:
            return False
        finally:
            self.connection.settimeout(TIMEOUT_S)
        return True

    def _send_head(self, kind: str) -> None:
        self.server.asked(self.connection)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("X-Frame-Options", "DENY")
        self.send_header("Referrer-Policy", "no-referrer")


def _page(names: Sequence[str], token: str) -> bytes:
    numbered = enumerate(names, 1)
    figures = "\n".join(_figure(f"/{token}/{number}", number, html.escape(name)) for number, name in numbered)
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>sge-stream</title>\n'
        "<style>body{margin:1rem;background:#1c1c20;color:#eee;font:15px sans-serif;"
        "display:flex;flex-wrap:wrap;gap:1rem}a{color:inherit}figure{margin:0;max-width:48rem}"
        "img{max-width:100%;min-width:20rem;min-height:10rem}</style>\n"
        f"{figures}\n</html>\n"
    ).encode()


def _figure(address: str, number: int, name: str) -> str:
    image = f'<img src="{address}" alt="{name}">' if number <= _MAX_STREAMS else "live images"
    return f'<figure><a href="{address}">{image}</a><figcaption>{number}: {name}</figcaption></figure>'
