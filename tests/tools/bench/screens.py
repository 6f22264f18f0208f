"""What a terminal of 80 columns shows."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO

from rich.console import Console
from rich.table import Table

COLUMNS = 80


def shown(tables: Iterable[Table]) -> str:
    """Returns tables as text; fails if a cell is cut off, or its table wider than the terminal."""
    screen = StringIO()
    console = Console(width=COLUMNS, file=screen)
    for table in tables:
        assert console.measure(table).maximum <= COLUMNS
        console.print(table)
    assert "…" not in screen.getvalue()
    return screen.getvalue()
