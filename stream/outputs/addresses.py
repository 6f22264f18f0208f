"""Addresses of receivers on a network, the files with their secrets, and why they cannot be reached."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from stream.errors import UserError
from stream.user_text import decode_text, user_path

__all__ = ["Address", "failure_reason", "parse_address", "read_secret", "tls_context"]

_MAX_SECRET = 4096


@dataclass(frozen=True, slots=True)
class Address:
    """Parts of an address.

    Attributes:
        host: name or IP address.
        port: number.
        tls: whether the connection is encrypted.
        user: name before `@`; empty if there is none.
        path: from the first slash on, as given; with `?` and query if there is one.
    """

    host: str
    port: int
    tls: bool
    user: str
    path: str

    @property
    def place(self) -> str:
        """Host and port, for messages."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(url: str, ports: dict[str, int], secure: str) -> Address:
    """Returns the parts of an address.

    Args:
        url: the address.
        ports: default port by scheme.
        secure: the scheme with TLS.

    Raises:
        ValueError: it is no such address, or has a password in it; the text does not show the address.
    """
    kind = " or ".join(f"{scheme}://" for scheme in ports)
    try:
        parts = urlsplit(url)
        host, port, user = parts.hostname, parts.port, unquote(parts.username or "")
    except ValueError:
        raise ValueError(f"expected an address that begins with {kind}, then host and port") from None
    if parts.password is not None:
        raise ValueError(
            "the address has a password in it, which others can see; put it into a file and give that in a "
            "config file"
        )
    scheme = parts.scheme.lower()
    if scheme not in ports or not host or any(ord(each) < 33 for each in url):
        raise ValueError(f"expected an address that begins with {kind}, then the host")
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return Address(host, port or ports[scheme], scheme == secure, user, path)


def read_secret(path: str, setting: str) -> str:
    """Returns the first line of a file.

    Args:
        path: the file.
        setting: name of the setting that gives it.

    Raises:
        UserError: it cannot be read, or is empty.
    """
    file = user_path(path)
    try:
        with file.open("rb") as opened:
            lines = decode_text(opened.read(_MAX_SECRET)).splitlines()
    except OSError as error:
        raise UserError(f"{setting}: cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{setting}: {file} is not a text file") from None
    if not lines or not lines[0].strip():
        raise UserError(f"{setting}: {file} is empty; its first line is the secret")
    return lines[0].strip()


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Returns the settings of a TLS connection, which checks the receiver's certificate and name.

    Args:
        ca_file: certificates of authorities to trust, PEM; None for those of the system.

    Raises:
        UserError: the file cannot be read.
    """
    file: Path | None = None if ca_file is None else user_path(ca_file)
    try:
        return ssl.create_default_context(cafile=file)
    except ssl.SSLError:
        raise UserError(f"ca_file: {file} has no certificates in PEM format") from None
    except OSError as error:
        raise UserError(f"ca_file: cannot read {file}: {error.strerror}") from None


def failure_reason(error: OSError) -> str:
    """Returns why a receiver cannot be reached, in a few words without its address."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"no TLS connection ({error.reason or 'failed'})"
    if isinstance(error, socket.gaierror):
        return "cannot be reached (its name is not known)"
    if isinstance(error, TimeoutError):
        return "cannot be reached (no answer in time)"
    if isinstance(error, ConnectionRefusedError):
        return "cannot be reached (refused)"
    return f"cannot be reached ({error.strerror or type(error).__name__})"
