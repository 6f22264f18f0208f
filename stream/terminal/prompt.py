"""Confirmation prompts."""

from __future__ import annotations

import sys

import typer

from stream.errors import UserError

__all__ = ["confirm"]


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
