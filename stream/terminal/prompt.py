"""Questions to the user."""

from __future__ import annotations

import sys

import typer

from stream.errors import UserError

__all__ = ["confirm"]


def confirm(question: str, yes: bool) -> None:
    """Ask the user, unless --yes answers.

    Raises:
        UserError: the answer is no, or nobody can answer.
        KeyboardInterrupt: the user would rather leave.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        msg = f"this must be answered, and there is no terminal to ask on: {question} --yes answers it"
        raise UserError(msg)
    try:
        agreed = typer.confirm(question)
    except typer.Abort:
        raise KeyboardInterrupt from None
    if not agreed:
        msg = "the answer was no; nothing was done"
        raise UserError(msg)
