"""The address of a network camera: what is opened, and what may be shown of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from stream.errors import SourceError

__all__ = ["Address", "parse_address"]

_SHAPE = re.compile(
    r"(?P<scheme>rtsps?|https?)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)
_TELLING = re.compile(r"[=:;&]")
"""A part of a path that holds one of these may hold a password (`/user=admin_password=x_channel=1.sdp`)."""

_SECRETS = "in a user's name or password write @ as %40, / as %2F, ? as %3F, # as %23, : as %3A"


@dataclass(frozen=True, slots=True)
class Address:
    """A network camera's address.

    Attributes:
        name: what may be shown: without user, password and query.
        url: all of it, for the library that opens it; never shown.
    """

    name: str
    url: str = field(repr=False)


def parse_address(text: str) -> Address:
    """Take an address apart; nothing is contacted.

    Raises:
        SourceError: it is no address, or one of which nobody can tell what is secret. No part of it is shown.
    """
    match = _SHAPE.fullmatch(text)
    if match is None or re.search(r"[\s\x00-\x1f\x7f]", text):
        raise SourceError("expected an address such as rtsp://user:password@host:554/path, without blanks")
    if "@" in match["rest"]:
        raise SourceError(f"the address {match['scheme']}://... has an @ behind its host: {_SECRETS}")
    if "#" in match["rest"]:
        raise SourceError(
            f"behind the # of {match['scheme']}://... come options, as in #model=full,fov=78; {_SECRETS}"
        )
    host = match["authority"].rpartition("@")[2]
    if not _is_host(host):
        raise SourceError(
            f"the address {match['scheme']}://... has no host, or a port that is none, expected "
            f"{match['scheme']}://user:password@host:port/path; {_SECRETS}"
        )
    path = match["rest"].partition("?")[0]
    shown = "/".join("..." if _TELLING.search(part) else part for part in path.split("/"))
    return Address(f"{match['scheme'].lower()}://{host}{shown}", text)


def _is_host(host: str) -> bool:
    try:
        parts = urlsplit(f"//{host}")
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or brackets that are not closed
        return False
