"""Passwords in addresses on the command line: kept from the process list, and from messages about usage.

Linux lets a process overwrite what the process list shows of its arguments; elsewhere, and in the instant
before this runs, only a config file keeps an address out of it.
"""

from __future__ import annotations

import contextlib
import ctypes
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from stream.errors import UserError

__all__ = ["check_arguments", "hide_secrets"]

_SECRET = re.compile(rb"(?:rtsps?|https?)://(?:([^\0]*)@)?[^\0?]*([^\0]*)", re.IGNORECASE)
"""An address in the process's arguments, which zeros separate: user and password, and the query."""

_ADDRESS = re.compile(r"(rtsps?|https?)://.*[@?]", re.IGNORECASE | re.DOTALL)

_ARG_START, _ARG_END = 48 - 3, 49 - 3
"""Where the arguments lie, among the fields of /proc/self/stat behind the process's name; see proc(5)."""


def check_arguments(arguments: Sequence[str]) -> None:
    """See that addresses are given as sources only: whatever else they are taken for is told with them.

    Raises:
        UserError: an address that may hold a password stands elsewhere; it is not shown.
    """
    for before, argument in zip(("", *arguments), arguments, strict=False):
        found = _ADDRESS.search(argument)
        if found and before != "--source" and not argument.startswith("--source="):
            msg = (
                f"the address {found[1]}://... does not follow a --source; write --source before each source"
            )
            raise UserError(msg)


def hide_secrets() -> None:
    """Overwrite the passwords and queries of addresses in what the process list shows of this process."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, ValueError, IndexError):
        shown = Path("/proc/self/cmdline").read_bytes()
        fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        start, end = int(fields[_ARG_START]), int(fields[_ARG_END])
        if start == 0 or end - start != len(shown):
            return
        for found in _SECRET.finditer(shown):
            for group in (1, 2):
                begin, stop = found.span(group)
                if stop > begin:
                    ctypes.memset(start + begin, ord("x"), stop - begin)
