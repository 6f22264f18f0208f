"""What the doctor finds: one thing that was looked at, whether it works, and what to do where it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from stream.errors import SgeError

__all__ = ["INSTALL", "Finding", "State", "guarded"]

State = Literal["works", "note", "broken"]
INSTALL = "pip install -c constraints.txt ."


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: its name.
        state: whether it works; a `note` works, but the user should know.
        told: what was found.
        mend: what to do; empty where nothing is to be done.
    """

    what: str
    state: State
    told: str
    mend: str = ""


def guarded(what: str, look: Callable[[], Finding]) -> Finding:
    """What `look` finds; an error is a finding too."""
    try:
        return look()
    except SgeError as error:
        return Finding(what, "broken", str(error), "as the text says")
    except Exception as error:
        return Finding(what, "broken", f"{type(error).__name__}: {error}", INSTALL)
