"""What every protocol shares on the screen: tables beside published figures, progress, files of figures."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as TimeLeftColumn
from rich.table import Table

from stream.errors import SgeError, UserError

__all__ = ["data_set_name", "figure_table", "progress_bar", "published", "run_command", "write_json"]


def published(protocol: str, data_set: str) -> list[dict[str, Any]]:
    """Published rows of a protocol (`direct`, `rn`) on a data set; empty where there are none."""
    text = files("tools.protocols").joinpath("published.toml").read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = tomllib.loads(text).get(protocol, {}).get(data_set, [])
    return rows


def data_set_name(walk_name: str) -> str:
    """The data set of a walk called `kgbd/1/2` or `kgbd_kinect1_20j/1/2`: `kgbd`."""
    return walk_name.partition("/")[0].partition("_")[0]


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


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def progress_bar(console: Console) -> Progress:
    """A bar with the time gone and the time left."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeLeftColumn(),
        console=console,
    )


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write figures as JSON.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}; give another place as --out") from error


def run_command(name: str, command: Callable[[], None]) -> None:
    """Run a command, telling people's errors in one line."""
    try:
        command()
    except SgeError as error:
        typer.echo(f"{name}: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
