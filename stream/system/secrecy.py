"""Hides passwords in command line addresses from the process list and from usage messages.

On Linux a process can overwrite its arguments as the process list shows them. On other systems, and in the
moment before this code runs, they are visible; an address in a config file is never visible.
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

_SECRET = re.compile(rb"(?:rtsps?|https?|mqtts?)://(?:([^\0]*)@)?[^\0?]*([^\0]*)", re.IGNORECASE)
"""Address in the process's arguments, which zero bytes separate. Groups: user and password; query."""

_ADDRESS = re.compile(r"(rtsps?|https?|mqtts?)://.*[@?]", re.IGNORECASE | re.DOTALL)

_OPTIONS = ("--source", "--output")
"""Options that take addresses."""

_ARG_START, _ARG_END = 48 - 3, 49 - 3
"""Indices of the fields arg_start and arg_end in /proc/self/stat, counted after the name; see proc(5)."""


def check_arguments(arguments: Sequence[str]) -> None:
    """Checks that addresses are given only as sources and outputs: usage errors would print other arguments.

    Raises:
        UserError: an address that may contain a password is neither; the message does not show it.
    """
    for previous, argument in zip(("", *arguments), arguments, strict=False):
        match = _ADDRESS.search(argument)
        allowed = previous in _OPTIONS or argument.startswith(tuple(f"{option}=" for option in _OPTIONS))
        if match and not allowed:
            msg = (
                f"the address {match[1]}://... does not follow a --source or --output; "
                "write the option before each address"
            )
            raise UserError(msg)


def hide_secrets() -> None:
    """Overwrites passwords and queries of addresses in this process's entry of the process list."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, ValueError, IndexError):
        shown = Path("/proc/self/cmdline").read_bytes()
        fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        start, end = int(fields[_ARG_START]), int(fields[_ARG_END])
        if start == 0 or end - start != len(shown):
            return
        for match in _SECRET.finditer(shown):
            for group in (1, 2):
                begin, stop = match.span(group)
                if stop > begin:
                    ctypes.memset(start + begin, ord("x"), stop - begin)
