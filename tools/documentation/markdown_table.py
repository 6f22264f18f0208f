"""A table in Markdown."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

__all__ = ["markdown_table"]


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table; a cell is Markdown on one line, in which `|` and `<` are escaped.

    Raises:
        ValueError: a row has another number of cells than there are headings.
    """
    lines = [headings, ["---"] * len(headings), *rows]
    if any(len(cells) != len(headings) for cells in lines):
        raise ValueError(f"expected {len(headings)} cells in each row")
    return "\n".join(f"| {' | '.join(map(_cell, cells))} |" for cells in lines)


def _cell(text: str) -> str:
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))  # code is at odd places
    return "".join(_code(part) if place % 2 else _escape(part) for place, part in enumerate(parts))


def _code(text: str) -> str:
    """Returns code; neither the site nor a code host may take a `|` in it for the end of the cell."""
    if "|" not in text:
        return text
    return f"<code>{html.escape(text.strip('`'), quote=False)}</code>".replace("|", "&#124;")


def _escape(text: str) -> str:
    return text.replace("|", r"\|").replace("<", "&lt;")
