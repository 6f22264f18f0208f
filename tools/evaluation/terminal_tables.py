"""Terminal output of evaluations and studies: tables and progress bars."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import TimeRemainingColumn as TimeLeftColumn
from rich.table import Table

from stream.errors import SgeError
from stream.terminal.consoles import accept_all_characters, plain_console
from stream.terminal.progress_lines import LineProgress
from tools.evaluation.protocols.measure import MethodProgress

__all__ = [
    "figure_table",
    "print_table",
    "progress_bars",
    "run_command",
]


_WIDTH = 150
"""Characters in a line of the widest table."""


def figure_table(
    title: str,
    columns: Mapping[str, str],
    measured: Iterable[Mapping[str, Any]],
    reference: Iterable[Mapping[str, Any]],
) -> Table:
    """Returns a table of measured rows and, dimmed below a line, published rows.

    Args:
        title: above the table.
        columns: key of a row -> heading. The first column is the name, with a star if the row is
            `supervised`; fractional numbers have one decimal.
        measured: measured rows; a missing value is shown as `-`.
        reference: published rows.
    """
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for place, heading in enumerate(columns.values()):
        table.add_column(heading, justify="right" if place else "left", no_wrap=True)
    for style, rows in (("", list(measured)), ("dim", list(reference))):
        for row in rows:
            name, *figures = (_format(row.get(key)) for key in columns)
            table.add_row(f"{name} *" if row.get("supervised") else name, *figures, style=style)
            if row.get("supervised"):
                table.caption, table.caption_justify = "* trained with labels", "left"
        table.add_section()
    return table


def print_table(console: Console, table: Table) -> None:
    """Prints a table at full width, so that a narrow terminal wraps lines and cuts no figure off."""
    wide = plain_console(
        file=console.file, width=max(console.width, _WIDTH), force_terminal=console.is_terminal
    )
    wide.print(table)


def _format(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


@contextmanager
def progress_bars(console: Console) -> Iterator[MethodProgress]:
    """Yields a progress callback that shows the progress of each method, with elapsed and remaining time."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeLeftColumn(),
        TextColumn("{task.fields[text]}", markup=False),
    )
    tasks: dict[str, TaskID] = {}
    with LineProgress(*columns, console=console) as progress:

        def update(name: str, done: float, text: str) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=1.0, text=text)
            progress.update(tasks[name], completed=done, text=text)

        yield update


def run_command(name: str, command: Callable[[], None]) -> None:
    """Runs a command; prints an expected error as one line and exits with its code."""
    accept_all_characters()
    try:
        command()
    except SgeError as error:
        typer.echo(f"{name}: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
