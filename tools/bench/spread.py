"""A figure that was measured in several rounds, and the tables of such figures."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import msgspec
import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

__all__ = ["Spread", "bench_table", "print_table", "spread_of"]


class Spread(msgspec.Struct, frozen=True):
    """Median and range over rounds.

    Attributes:
        median: of all rounds.
        low: of the lowest round.
        high: of the highest round.
        rounds: their number.
    """

    median: float
    low: float
    high: float
    rounds: int

    @property
    def range_text(self) -> str:
        """The range as `1,200-1,350`."""
        return f"{_number(self.low)}-{_number(self.high)}"

    @property
    def text(self) -> str:
        """The median with three digits or more."""
        return _number(self.median)


def spread_of(values: Sequence[float]) -> Spread:
    """Returns the spread of at least one value."""
    return Spread(float(np.median(values)), min(values), max(values), len(values))


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def bench_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "", *, names: int = 1
) -> Table:
    """Returns a table; columns of names stand at the left, those of figures at the right.

    Args:
        title: above the table.
        columns: headings.
        rows: cells.
        caption: below the table; "" for none.
        names: how many columns, from the left, hold names.
    """
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for place, heading in enumerate(columns):
        table.add_column(heading, justify="left" if place < names else "right")
    for row in rows:
        table.add_row(*row)
    if caption:
        table.caption, table.caption_justify = caption, "left"
    return table


def print_table(console: Console, table: Table) -> None:
    """Prints a table after an empty line; its title and caption may be wider than its columns."""
    bare = copy(table)
    bare.title = bare.caption = None
    console.print()
    console.print(table.title, highlight=False)
    console.print(bare)
    if table.caption:
        console.print(table.caption, highlight=False)
