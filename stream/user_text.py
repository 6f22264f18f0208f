"""Text from users: the content of their files in any usual encoding, and names that are no valid text."""

from __future__ import annotations

import codecs
import os
import re
from pathlib import Path

__all__ = ["decode_text", "readable", "user_path"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it starts with; no text starts with NUL
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks that editors and shells of Windows put before a text, with its encoding."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def decode_text(content: bytes, errors: str = "strict") -> str:
    """Returns the text of a file without its byte order mark: UTF-8 unless the mark says otherwise.

    Args:
        content: the file, or its beginning.
        errors: what to do with bytes that are not of the encoding; see `bytes.decode`.

    Raises:
        UnicodeDecodeError: such a byte, with `errors="strict"`.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, errors)
    return content.decode("utf-8", errors)


def readable(name: str | os.PathLike[str]) -> str:
    r"""Returns a name as valid text, for messages and records: `caf\xe9` where the byte E9 is no UTF-8.

    Python keeps each such byte of a file name as a surrogate, which no file, message or database takes.
    """
    return _SURROGATE.sub(lambda match: f"\\x{ord(match[0]) & 0xFF:02x}", os.fspath(name))


def user_path(text: str) -> Path:
    """Returns a path that a user wrote, with a leading `~` for the home folder; shells do not expand all."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 - Path.expanduser raises if there is no such user
