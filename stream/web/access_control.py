"""What every request must fulfil before a route sees it: size, Host, Origin, token.

All paths need the token, those that do not exist too, except for what lets a browser log in and a supervisor
look: `/healthz`, `/readyz`, the login, and the files of the page, which are the package's and hold no data.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stream.web.access_token import Access
from stream.web.problems import problem_response

__all__ = ["API", "LOGIN", "MAX_BODY", "OPEN_PATHS", "AccessControl", "client_address", "session_cookie"]

API = "/api/v1"
LOGIN = f"{API}/login"
OPEN_PATHS = frozenset({"/healthz", "/readyz", LOGIN})
"""Paths that need no token, beside those of the page."""

_CLOSED = re.compile(r"/(api|metrics)(/|$)")
"""Paths that need the token; all others are files of the page."""

_BODY_S = 10.0
"""Longest time that the body of a request may take."""

MAX_BODY = 64 * 1024
"""Largest body of a request, bytes."""

_READING = {"GET", "HEAD", "OPTIONS"}


def session_cookie(port: int) -> str:
    """Returns the name of the cookie; browsers do not tell servers at different ports apart."""
    return f"sge_session_{port}"


def client_address(scope: Scope) -> str:
    """Returns the address of the client."""
    client = scope.get("client")
    return str(client[0]) if client else ""


class AccessControl:
    """ASGI middleware that refuses requests.

    Args:
        app: the application.
        access: knows the token.
        hosts: names under which the server may be asked, beside addresses, localhost and the machine's own.
        cookie: name of the cookie of a session.
    """

    def __init__(self, app: ASGIApp, *, access: Access, hosts: Iterable[str], cookie: str) -> None:
        self._app = app
        self._access = access
        self._hosts = {"localhost", socket.gethostname().lower(), *(host.lower() for host in hosts)}
        self._cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or refuses it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._wrong_host(headers) or self._not_allowed(scope, headers)
        if refusal is not None:
            status, error, message, *more = refusal
            extra = {"Retry-After": str(more[0])} if more else {}
            if status == 401:
                extra["WWW-Authenticate"] = "Bearer"
            await problem_response(int(status), str(error), str(message), extra)(scope, receive, send)
            return
        if scope["method"] in _READING:
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(_BODY_S):
                body = await _read_body(headers, receive)
        except TimeoutError:
            text = f"the body did not arrive within {_BODY_S:.0f} s"
            answer = problem_response(408, "too-slow", text, {"Connection": "close"})
            await answer(scope, receive, send)
            return
        if body is None:
            text = f"the body has more than {MAX_BODY} bytes"
            answer = problem_response(413, "too-large", text, {"Connection": "close"})
            await answer(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    def _wrong_host(self, headers: Headers) -> tuple[int, str, str] | None:
        """Prevents DNS rebinding: by a name of its own, another site's page must not reach this server."""
        given = headers.get("host", "")
        name = _host_name(given)
        if name in self._hosts or _is_address(name):
            return None
        return (
            421,
            "wrong-host",
            f"the host name {given[:100]!a} is not known here; add it to hosts in [serve]",
        )

    def _not_allowed(
        self, scope: Scope, headers: Headers
    ) -> tuple[int, str, str, int] | tuple[int, str, str] | None:
        changes = scope["method"] not in _READING
        origin = headers.get("origin")
        if changes and not _same_origin(origin, headers):
            return 403, "forbidden", "another site's page must not change anything here"
        path = scope["path"]
        if path in OPEN_PATHS or not _CLOSED.match(path):
            return None
        if self._accepts_session(headers):
            if changes and origin is None:
                return (
                    403,
                    "forbidden",
                    "a change with the cookie needs the header Origin; programs give the token",
                )
            return None
        return self._check_token(scope, headers)

    def _check_token(
        self, scope: Scope, headers: Headers
    ) -> tuple[int, str, str, int] | tuple[int, str, str] | None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return (
                401,
                "unauthorized",
                "give the token: Authorization: Bearer TOKEN; see where serve keeps it",
            )
        if self._access.accepts(token.strip()):
            return None
        address = client_address(scope)
        if seconds := self._access.must_wait(address):
            return 429, "too-many-attempts", f"too many wrong tokens; try again in {seconds} s", seconds
        self._access.note_wrong(address)
        return 401, "unauthorized", "the token is wrong; see where serve keeps it"

    def _accepts_session(self, headers: Headers) -> bool:
        session = cookie_parser(headers.get("cookie", "")).get(self._cookie, "")
        return bool(session) and self._access.accepts_session(session)


def _host_name(host: str) -> str:
    """Returns the name in a Host header, lower case, without the port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same_origin(origin: str | None, headers: Headers) -> bool:
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    if origin is None:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == headers.get("host", "").lower()


async def _read_body(headers: Headers, receive: Receive) -> bytes | None:
    """Returns the body of a request; None if it is too large."""
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length[:12]) > MAX_BODY:
        return None
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return body
        chunk: bytes = message.get("body", b"")
        body += chunk
        if len(body) > MAX_BODY:
            return None
        if not message.get("more_body", False):
            return body


def _replay(body: bytes, receive: Receive) -> Receive:
    """Returns what gives a body that was read already, then what else comes."""
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
