"""What every protocol shares on the screen: tables beside published figures, progress, files of figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import TimeRemainingColumn as TimeLeftColumn
from rich.table import Table

from stream.errors import SgeError, UserError
from stream.paths import is_there
from tools.evaluation.protocols.measure import Watch

__all__ = [
    "check_writable",
    "figure_table",
    "make_folder",
    "print_table",
    "progress_watch",
    "run_command",
    "write_json",
]


_WIDTH = 150
"""Columns that the widest table takes."""


def figure_table(
    title: str,
    columns: Mapping[str, str],
    measured: Iterable[Mapping[str, Any]],
    others: Iterable[Mapping[str, Any]],
) -> Table:
    """A table of measured rows and, below a line and dimmed, published ones.

    Args:
        title: above the table.
        columns: key of a row -> heading; the first is the name, which gets a star where the row is
            `supervised`, and numbers stand with one decimal.
        measured: rows; a key that a row lacks is shown as `-`.
        others: published rows.
    """
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for place, heading in enumerate(columns.values()):
        table.add_column(heading, justify="right" if place else "left", no_wrap=True)
    for style, rows in (("", list(measured)), ("dim", list(others))):
        for row in rows:
            name, *figures = (_shown(row.get(key)) for key in columns)
            table.add_row(f"{name} *" if row.get("supervised") else name, *figures, style=style)
            if row.get("supervised"):
                table.caption, table.caption_justify = "* learned with labels", "left"
        table.add_section()
    return table


def print_table(console: Console, table: Table) -> None:
    """Print a table whole: where the screen is narrower its lines go on below, and no figure is cut off."""
    wide = Console(
        file=console.file, width=max(console.width, _WIDTH), force_terminal=console.is_terminal, markup=False
    )
    wide.print(table)


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


@contextmanager
def progress_watch(console: Console) -> Iterator[Watch]:
    """A bar for each method that is told of, with the time gone and the time left."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeLeftColumn(),
        TextColumn("{task.fields[text]}"),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console) as progress:

        def watch(name: str, done: float, text: str) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=1.0, text=text)
            progress.update(tasks[name], completed=done, text=text)

        yield watch


def make_folder(folder: Path) -> None:
    """Make a folder, before hours are spent on what goes into it.

    Raises:
        UserError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"the folder {folder} cannot be made: {error.strerror}; give another place"
        ) from error


def check_writable(path: Path) -> None:
    """See that a file can be written, before hours are spent on what goes into it; it stays as it was.

    Raises:
        UserError: it cannot.
    """
    there = is_there(path)
    with _writing(path):
        path.open("a").close()
        if not there:
            path.unlink()


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write figures as JSON.

    Raises:
        UserError: the file cannot be written.
    """
    with _writing(path):
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}; give another place as --out") from error


def run_command(name: str, command: Callable[[], None]) -> None:
    """Run a command, telling people's errors in one line."""
    try:
        command()
    except SgeError as error:
        typer.echo(f"{name}: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
