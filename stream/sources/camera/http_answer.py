"""Why an address gives no stream: it answers with a log-in page, one picture, a file or an error."""

from __future__ import annotations

import http.client
import re
import ssl
import urllib.error
import urllib.request
from email.message import Message
from urllib.parse import unquote, urlsplit

__all__ = ["A_FILE", "ONE_PICTURE", "why_no_stream"]

TIMEOUT_S = 1.5
"""Longest wait for the answer; FFmpeg has waited before."""

ONE_PICTURE = (
    "sends one picture, not a stream: give the address of its stream, often rtsp:// or with mjpeg in it"
)
A_FILE = "is a video file, not a stream: download it, and give its path"
"""What an address gives instead of a stream, and what to do."""

_MANUAL = "give the address of its stream, which its manual states"


def why_no_stream(url: str) -> str:
    """Asks an address once, and returns why it is no stream of pictures; contacts no other address.

    Args:
        url: `http` or `https`, with user and password if it has them.

    Returns:
        The reason without any part of the address, such as `asks for a user and a password: ...`; empty if it
        is not known, or if the address is of another kind.
    """
    parts = urlsplit(url)
    if parts.scheme.lower() not in ("http", "https"):
        return ""
    host = parts.netloc.rpartition("@")[2]
    address = parts._replace(netloc=host, fragment="").geturl()
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    try:
        with _opener(address, user, password).open(address, timeout=TIMEOUT_S) as answer:
            return _of_type(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return _of_status(error.code, known_user=bool(user or password))
    except (OSError, http.client.HTTPException, ValueError):
        return ""  # nothing answers; FFmpeg's reason is the better one


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follows no redirection: the user did not give that address."""


def _opener(address: str, user: str, password: str) -> urllib.request.OpenerDirector:
    """Returns an opener that sends user and password only where they are asked for, and uses no proxy."""
    known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    if user or password:
        known.add_password(None, address, user, password)
    # As FFmpeg: a camera's certificate is rarely one that can be checked.
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    return urllib.request.build_opener(
        _NoRedirect,
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPBasicAuthHandler(known),
        urllib.request.HTTPDigestAuthHandler(known),
        urllib.request.HTTPSHandler(context=unchecked),
    )


def _of_status(status: int, *, known_user: bool) -> str:
    if status == 401:
        if known_user:
            return "does not accept the user or the password: correct them in the address"
        return "asks for a user and a password: write them into the address, as user:password@host"
    if status == 403:
        return "refuses access (403): check that this user may see the stream"
    if status == 404:
        return f"has nothing at this path (404): {_MANUAL}"
    if 300 <= status < 400:
        return f"sends to another address ({status}), as to a log-in page: {_MANUAL}"
    return f"answers with the error {status}: check the camera"


def _of_type(headers: Message) -> str:
    kind = headers.get_content_type()  # text/plain if none is given
    family = kind.partition("/")[0]
    if kind in ("text/html", "application/xhtml+xml"):
        return f"answers with a web page, not a video: {_MANUAL}"
    if family == "image":
        return ONE_PICTURE
    if family == "multipart":
        return "answers, but sends no picture: check the camera, and its other addresses"
    if family == "video" and headers["Content-Length"]:
        return A_FILE
    if headers["Content-Type"] and family in ("text", "audio") and re.fullmatch(r"[\w.+/-]{3,60}", kind):
        return f"answers with {kind}, not a video: {_MANUAL}"
    return ""
