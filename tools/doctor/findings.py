"""Results of the doctor's checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from stream.errors import SgeError

__all__ = ["INSTALL", "Finding", "State", "run_check"]

State = Literal["works", "not tried", "note", "broken"]
INSTALL = "pip install -c constraints.txt ."


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        subject: what was checked.
        state: `works` or `broken` for what was tried, `not tried` for what is there but was not used, `note`
            for something that the user should know.
        result: what was found.
        fix: what to do; empty if nothing.
    """

    subject: str
    state: State
    result: str
    fix: str = ""


def run_check(subject: str, check: Callable[[], Finding]) -> Finding:
    """Runs a check and returns its finding; turns an error into a finding of state `broken`."""
    try:
        return check()
    except SgeError as error:
        return Finding(subject, "broken", str(error))  # the text says what to do
    except Exception as error:
        return Finding(subject, "broken", f"{type(error).__name__}: {error}", INSTALL)
