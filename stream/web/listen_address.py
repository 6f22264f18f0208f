"""Where the server listens, and whether it may be reached from outside."""

from __future__ import annotations

import ipaddress
import socket

from stream.errors import UserError
from stream.system.serve_settings import ServeSettings
from stream.user_text import user_path

__all__ = ["BACKLOG", "check_exposure", "listen", "parse_address"]

BACKLOG = 512
"""Connections that may wait to be accepted."""


def parse_address(text: str) -> tuple[str, int]:
    """Returns the host and the port of `127.0.0.1:8600`, `[::1]:8600` or `8600`.

    Raises:
        UserError: it is no such text.
    """
    host, _, port = text.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not (port.isascii() and port.isdecimal() and int(port[:6]) < 65536):
        msg = f"--listen: expected an address and a port, such as 127.0.0.1:8600, got {text[:100]}"
        raise UserError(msg)
    return host, int(port)


def check_exposure(settings: ServeSettings) -> None:
    """Checks that a server that others can reach has TLS, and that its files of TLS are complete.

    Raises:
        UserError: it has none, or a file is missing.
    """
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        raise UserError("[serve]: give both tls_certificate and tls_key, or neither")
    for path in (settings.tls_certificate, settings.tls_key):
        if path and not user_path(path).is_file():
            msg = f"[serve]: there is no file {path}"
            raise UserError(msg)
    host, _ = parse_address(settings.listen)
    if not (_is_loopback(host) or settings.tls_certificate or settings.behind_proxy):
        msg = (
            f"--listen {settings.listen}: others could read along; set tls_certificate and tls_key in "
            "[serve], or give --behind-proxy if a proxy adds TLS, or listen at 127.0.0.1"
        )
        raise UserError(msg)


def listen(settings: ServeSettings, option: str = "--listen") -> socket.socket:
    """Opens the port.

    Args:
        settings: with the address.
        option: where it was given, for the error.

    Raises:
        UserError: it cannot be opened.
    """
    host, port = parse_address(settings.listen)
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # Without the protocol, asyncio lets the body of an answer wait for an acknowledgement of its head.
        opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind(address)
            opened.listen(BACKLOG)
        except BaseException:
            opened.close()
            raise
    except OSError as error:
        reason = error.strerror or error
        msg = f"{option} {settings.listen}: {reason}; choose another address, such as 127.0.0.1:8601"
        raise UserError(msg) from None
    return opened


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
