"""The token of a server, the sessions of browsers that gave it, and the limit on wrong ones."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import platformdirs

from stream.errors import UserError

__all__ = ["MIN_TOKEN", "Access", "default_token_file", "load_token"]

MIN_TOKEN = 32
"""Fewest characters of a token."""

SESSION_S = 30 * 24 * 3600
"""How long a browser stays logged in."""

MAX_WRONG = 10
WRONG_WITHIN_S = 60.0
"""After `MAX_WRONG` wrong tokens within so many seconds, an address is told to wait.

The right token is accepted all the same: others at its address must not keep its owner out, and no number
of tries finds a token of `MIN_TOKEN` characters.
"""

_MAX_ADDRESSES = 1000


def default_token_file() -> Path:
    """Returns where the token lies unless the settings say another place."""
    return platformdirs.user_state_path("sge-stream", appauthor=False) / "serve-token"


def load_token(path: Path) -> tuple[str, bool]:
    """Reads the token of a server; makes the file, which only this user can read, if there is none.

    Returns:
        The token, and whether it is new.

    Raises:
        UserError: the file cannot be read or made, others can read it, or it holds no token.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return _read_token(path), False
        with os.fdopen(file, "w", encoding="ascii") as stream:
            token = secrets.token_urlsafe(32)
            stream.write(token + "\n")
        return token, True
    except OSError as error:
        msg = f"the token file {path} cannot be used: {error.strerror or error}; set token_file in [serve]"
        raise UserError(msg) from None


def _read_token(path: Path) -> str:
    if sys.platform != "win32" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        msg = f"other users can read the token file {path}; run: chmod 600 {path}"
        raise UserError(msg)
    token = path.read_text(encoding="utf-8", errors="replace").strip()
    if len(token) < MIN_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        msg = (
            f"the token file {path} must hold one word of at least {MIN_TOKEN} printable ASCII characters; "
            "delete it, and the next start makes a new one"
        )
        raise UserError(msg)
    return token


class Access:
    """Says who may use the API.

    A session is a text that the token signs: it stays valid over restarts, and ends with the token.

    Args:
        token: the server's token.
        clock: seconds since the epoch.
    """

    def __init__(self, token: str, clock: Callable[[], float] = time.time) -> None:
        self._token = token.encode()
        self._clock = clock
        self._wrong: dict[str, deque[float]] = {}

    def accepts(self, token: str) -> bool:
        """Returns whether it is the token; takes as long for every other."""
        return hmac.compare_digest(self._digest(token.encode(errors="replace")), self._digest(self._token))

    def new_session(self) -> str:
        """Returns a session of `SESSION_S`."""
        text = f"{int(self._clock()) + SESSION_S}.{secrets.token_urlsafe(16)}"
        return f"{text}.{self._sign(text)}"

    def accepts_session(self, session: str) -> bool:
        """Returns whether the token has signed the session and it has not ended."""
        text, _, signature = session.rpartition(".")
        if not hmac.compare_digest(signature.encode(errors="replace"), self._sign(text).encode()):
            return False
        return int(text.partition(".")[0]) > self._clock()

    def must_wait(self, address: str) -> int:
        """Returns for how many seconds an address should give no further token, 0 for none."""
        times = self._wrong.get(address)
        if times is None or len(times) < MAX_WRONG:
            return 0
        return max(0, int(times[0] + WRONG_WITHIN_S - self._clock() + 0.999))

    def note_wrong(self, address: str) -> None:
        """Notes that an address gave a wrong token."""
        if address not in self._wrong and len(self._wrong) >= _MAX_ADDRESSES:
            self._wrong.pop(next(iter(self._wrong)))
        self._wrong.setdefault(address, deque(maxlen=MAX_WRONG)).append(self._clock())

    def _sign(self, text: str) -> str:
        return hmac.new(self._token, b"session " + text.encode(errors="replace"), hashlib.sha256).hexdigest()

    def _digest(self, token: bytes) -> bytes:
        return hmac.new(self._token, token, hashlib.sha256).digest()
