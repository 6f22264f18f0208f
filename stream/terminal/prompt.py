"""Confirmation before a change of the gallery, and the check of its erasure afterwards."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from stream.errors import RunError, UserError

if TYPE_CHECKING:  # numpy
    from gallery.store.records import Erasure

__all__ = ["check_erasure", "confirm"]


def confirm(question: str, yes: bool) -> None:
    """Asks the user to confirm, unless `yes` is True (`--yes`).

    Raises:
        UserError: the user declined, or there is no terminal to ask on.
        KeyboardInterrupt: the user pressed Ctrl-C.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        msg = f"confirmation required, but there is no terminal; pass --yes to answer: {question}"
        raise UserError(msg)
    try:
        agreed = typer.confirm(question)
    except typer.Abort:
        raise KeyboardInterrupt from None
    if not agreed:
        msg = "not confirmed; nothing was changed"
        raise UserError(msg)


def check_erasure(erasure: Erasure) -> None:
    """Checks that removed data was erased.

    Raises:
        RunError: it was not; the change itself is done.
    """
    if not erasure.done:
        raise RunError(erasure.reason)
