"""JSON of records that keeps every byte of file names; msgspec's own takes only valid text."""

from __future__ import annotations

import json
from typing import TypeVar

import msgspec

__all__ = ["from_exact_json", "to_exact_json"]

_Record = TypeVar("_Record", bound=msgspec.Struct)


def to_exact_json(record: msgspec.Struct) -> bytes:
    """Returns a record as one line of ASCII."""
    return json.dumps(msgspec.to_builtins(record)).encode("ascii")


def from_exact_json(text: bytes, kind: type[_Record]) -> _Record:
    """Returns the record of a text.

    Raises:
        msgspec.DecodeError: it is not the text of such a record.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise msgspec.DecodeError(str(error)) from error
    return msgspec.convert(content, kind)
