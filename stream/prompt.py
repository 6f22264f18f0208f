"""Questions to the user."""

from __future__ import annotations

import sys

import typer

from stream.errors import UserError

__all__ = ["confirm"]


def confirm(question: str, yes: bool) -> None:
    """Ask the user, unless --yes answers.

    Raises:
        UserError: nobody can answer.
        typer.Exit: the answer is no; nothing was done.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        msg = f"{question} There is nobody to ask; answer with --yes"
        raise UserError(msg)
    if not typer.confirm(question):
        typer.echo("nothing was done")
        raise typer.Exit(1)
