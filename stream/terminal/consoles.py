"""Consoles that print every text as it is, on every terminal: no name is a command, or ends the program."""

from __future__ import annotations

import codecs
import sys
import unicodedata
from collections.abc import Callable
from typing import Any

from rich.console import Console

__all__ = ["accept_all_characters", "plain_console"]

_PLAIN = dict.fromkeys("─━═╌╴╶", "-") | dict.fromkeys("│┃║", "|") | {"█": "#", "●": "*", "•": "*", "·": "."}
_PLAIN |= {
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{MULTIPLICATION SIGN}": "x",
    "→": "->",
    "≥": ">=",
    "≤": "<=",
}
"""Characters for terminals that know ASCII only, where Unicode gives none."""

_AS_BYTES, _AS_TEXT = "sge-stream.bytes", "sge-stream.text"
"""Names of the two error handlers."""


def plain_console(**options: Any) -> Console:
    """Returns a console that takes neither `[markup]` nor `:emoji:` for anything but text.

    Args:
        options: of `rich.console.Console`.
    """
    return Console(markup=False, emoji=False, **options)


def accept_all_characters() -> None:
    r"""Lets both outputs write every text: what the terminal cannot show becomes another character.

    Bytes of a file name that are no UTF-8 are written as they are on standard output, so that another program
    can use the name, and as in `caf\xe9` on standard error.
    """
    codecs.register_error(_AS_BYTES, _another_or_byte)
    codecs.register_error(_AS_TEXT, _another_or_code)
    for stream, errors in ((sys.stdout, _AS_BYTES), (sys.stderr, _AS_TEXT)):
        if stream is not None and hasattr(stream, "reconfigure"):  # None: closed by the shell
            stream.reconfigure(errors=errors)


def _another_or_byte(error: UnicodeError) -> tuple[bytes, int]:
    return _replace(error, lambda byte: bytes([byte]))


def _another_or_code(error: UnicodeError) -> tuple[bytes, int]:
    return _replace(error, lambda byte: f"\\x{byte:02x}".encode())


def _replace(error: UnicodeError, name_byte: Callable[[int], bytes]) -> tuple[bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    found = (name_byte(ord(one) & 0xFF) if "\udc80" <= one <= "\udcff" else _in_ascii(one) for one in text)
    return b"".join(found), error.end


def _in_ascii(character: str) -> bytes:
    plain = _PLAIN.get(character) or unicodedata.normalize("NFKD", character)
    return plain.encode("ascii", "ignore") or b"?"
