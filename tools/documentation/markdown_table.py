"""A table in Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["markdown_table"]


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table; a cell is Markdown on one line, in which `|` is escaped outside code.

    Raises:
        ValueError: a row has another number of cells than there are headings.
    """
    lines = [headings, ["---"] * len(headings), *rows]
    if any(len(cells) != len(headings) for cells in lines):
        raise ValueError(f"expected {len(headings)} cells in each row")
    return "\n".join(f"| {' | '.join(map(_cell, cells))} |" for cells in lines)


def _cell(text: str) -> str:
    parts = re.split(
        r"(`[^`]*`)", " ".join(text.split())
    )  # code is at odd places; the site takes it literally
    return "".join(part if place % 2 else part.replace("|", r"\|") for place, part in enumerate(parts))
