"""What a terminal of 80 columns shows."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO

from rich.console import Console
from rich.table import Table

from tools.bench.spread import print_table

COLUMNS = 80


def shown(tables: Iterable[Table]) -> str:
    """Returns tables as the command prints them; fails if one is wider than the terminal."""
    screen = StringIO()
    console = Console(width=COLUMNS, file=screen)
    for table in tables:
        assert console.measure(table).maximum <= COLUMNS
        print_table(console, table)
    assert "…" not in screen.getvalue()
    return screen.getvalue()
