"""Addresses of network cameras: parsing, and a display name without credentials."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from stream.errors import SourceError

__all__ = ["CameraAddress", "parse_address"]

_URL = re.compile(
    r"(?P<scheme>rtsps?|https?)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)
_CREDENTIAL_MARKS = re.compile(r"[=:;&]")
"""A path segment with one of these may contain a password (`/user=admin_password=x_channel=1.sdp`)."""

_ENCODING_HINT = "in a user name or password write @ as %40, / as %2F, ? as %3F, # as %23, : as %3A"


@dataclass(frozen=True, slots=True)
class CameraAddress:
    """Address of a network camera.

    Attributes:
        name: the display name, without user, password and query.
        url: the complete address with credentials; never displayed or logged.
    """

    name: str
    url: str = field(repr=False)


def parse_address(text: str) -> CameraAddress:
    """Parses an address without contacting the camera.

    Raises:
        SourceError: the address is malformed, or its credentials cannot be separated with certainty. The
            message contains no part of it except the scheme.
    """
    match = _URL.fullmatch(text)
    if match is None or re.search(r"[\s\x00-\x1f\x7f]", text):
        raise SourceError("expected an address such as rtsp://user:password@host:554/path, without spaces")
    if "@" in match["rest"]:
        raise SourceError(f"the address {match['scheme']}://... has an @ after its host; {_ENCODING_HINT}")
    if "#" in match["rest"]:
        raise SourceError(
            f"after the # of {match['scheme']}://... expected options, as in #model=full,fov=78; "
            f"{_ENCODING_HINT}"
        )
    host = match["authority"].rpartition("@")[2]
    if not _is_host(host):
        raise SourceError(
            f"the address {match['scheme']}://... has no host or an invalid port, expected "
            f"{match['scheme']}://user:password@host:port/path; {_ENCODING_HINT}"
        )
    path = match["rest"].partition("?")[0]
    segments = ["..." if _CREDENTIAL_MARKS.search(part) else part for part in path.split("/")]
    return CameraAddress(f"{match['scheme'].lower()}://{host}{'/'.join(segments)}", text)


def _is_host(host: str) -> bool:
    try:
        parts = urlsplit(f"//{host}")
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is not a number, or a bracket is not closed
        return False
