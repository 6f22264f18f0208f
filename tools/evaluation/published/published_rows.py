"""Published figures, read from the tables in this folder (`*.toml`) and validated.

The files have the structure of the printed tables: a row for each method, an array for each figure, a number
for each column. Each column of a row becomes a `PublishedRow`, comparable to a measured row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import chain
from types import MappingProxyType
from typing import Any, Literal

import msgspec

__all__ = ["FIGURES", "Modality", "PublishedRow", "comparison_rows", "published_rows", "read_tables"]

Protocol = Literal["direct", "rn", "cve", "cme"]
Modality = Literal["skeleton", "depth", "multi-modal", "appearance"]

FIGURES = ("rank1", "rank5", "rank10", "map", "nauc")
"""Figures that a table can contain, all in percent."""

_PAPER = "TPAMI 2022, arXiv 2009.03671"
_FILES = ("paper.toml", "direct.toml")

_Cells = list[float | Literal["-", "?"]]


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """Published figures of one method on one data set or split.

    Attributes:
        protocol: `direct`, `rn`, or the paper's `cve` and `cme` (views and conditions of CASIA B).
        data_set: name of the data set.
        split: tested part of the data set, such as `ks20-view-30`, `view-018`, `cl-nm`; the data set's name
            if there is only one.
        table: number of the printed table; `direct` for the table compiled from several papers.
        name: name of the method.
        source: publication and table.
        figures: key of `FIGURES` -> percent; only the figures in the table.
        kind: input of the method.
        supervised: whether the features were trained with labels.
        strategy: `AP` or `SC`, if stated by the paper.
        setting: other distinction of the row: components used, or a parameter.
        missing: figures that are in the printed table but not in our copy of it.

    Raises:
        ValueError: a figure is unknown, or not a percentage.
    """

    protocol: Protocol
    data_set: str
    split: str
    table: str
    name: str
    source: str
    figures: Mapping[str, float]
    kind: Modality = "skeleton"
    supervised: bool = False
    strategy: Literal["AP", "SC"] | None = None
    setting: str | None = None
    missing: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for key, value in self.figures.items():
            if key not in FIGURES or not 0 <= value <= 100:
                raise ValueError(
                    f"table {self.table}, {self.name}: expected {', '.join(FIGURES)} within 0..100, "
                    f"got {key} = {value}"
                )

    def as_table_row(self) -> dict[str, Any]:
        """Returns the row of a table: `name`, `supervised`, any distinctions, the figures and `source`."""
        split = self.split if self.split != self.data_set else None
        distinctions = {"split": split, "strategy": self.strategy, "setting": self.setting}
        return {
            "name": self.name,
            "supervised": self.supervised,
            **{key: value for key, value in distinctions.items() if value is not None},
            **self.figures,
            "source": self.source,
        }


def published_rows(protocol: str, data_set: str, table: str | None = None) -> tuple[PublishedRow, ...]:
    """Returns all published rows for a protocol on a data set.

    Args:
        protocol: `direct`, `rn`, `cve` or `cme`.
        data_set: `biwi`, `ias-a`, `ias-b`, `ks20`, `kgbd`, `casia-b`, or one of their splits.
        table: only rows of this printed table, `2` to `9`; None for all.

    Returns:
        Rows in the order of the tables, without rows that have neither figures nor missing figures; may be
        empty.
    """
    return tuple(
        row
        for row in _all_rows()
        if row.protocol == protocol and data_set in (row.data_set, row.split) and table in (None, row.table)
    )


def comparison_rows(protocol: str, data_set: str) -> list[dict[str, Any]]:
    """Returns the published rows for comparison with measured ones: skeleton methods at their best setting.

    For `rn` these are the rows of Table 2 (Table 3 for the views of KS20); a row with a strategy is followed
    by the same method's row of the other strategy in Table 5.

    Args:
        protocol: as in `published_rows`.
        data_set: as in `published_rows`.

    Returns:
        Rows as returned by `PublishedRow.as_table_row`; may be empty.
    """
    rows = [row for row in published_rows(protocol, data_set) if row.kind == "skeleton" and row.figures]
    if protocol != "rn":
        return [row.as_table_row() for row in rows]
    main = [row for row in rows if row.table in ("2", "3") and row.split == data_set]
    strategies = [row for row in rows if row.table == "5"]

    def with_other_strategy(row: PublishedRow) -> Iterator[PublishedRow]:
        yield row
        same_method = (other for other in strategies if other.name == row.name)
        yield from (other for other in same_method if other.strategy != row.strategy)

    return [row.as_table_row() for row in chain.from_iterable(map(with_other_strategy, main))]


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    kind: Modality = "skeleton"
    supervised: bool = False
    strategy: Literal["AP", "SC"] | None = None
    setting: str | None = None
    reference: int | None = None
    source: str | None = None
    rank1: _Cells | None = None
    rank5: _Cells | None = None
    rank10: _Cells | None = None
    map: _Cells | None = None
    nauc: _Cells | None = None


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    number: str
    caption: str
    protocol: Protocol
    columns: list[str]
    row: list[_Row]
    data_set: str | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    table: list[_Table]


@cache
def _all_rows() -> tuple[PublishedRow, ...]:
    folder = files("tools.evaluation.published")
    return tuple(chain.from_iterable(read_tables(folder.joinpath(name).read_bytes()) for name in _FILES))


def read_tables(content: bytes) -> tuple[PublishedRow, ...]:
    """Parses a file of tables.

    Args:
        content: TOML with the structure of `paper.toml` in this folder.

    Raises:
        ValueError: the structure differs, a row has a wrong number of cells, or a figure is not a percentage.
    """
    tables = msgspec.toml.decode(content, type=_File).table
    return tuple(chain.from_iterable(_split_columns(table, row) for table in tables for row in table.row))


def _split_columns(table: _Table, row: _Row) -> Iterator[PublishedRow]:
    """Yields a published row for each column in which the row has a figure."""
    arrays = {key: cells for key in FIGURES if (cells := getattr(row, key)) is not None}
    for key, cells in arrays.items():
        if len(cells) != len(table.columns):
            expected = f"expected {len(table.columns)} cells, got {len(cells)}"
            raise ValueError(f"table {table.number}, {row.name}, {key}: {expected}")
    for place, column in enumerate(table.columns):
        column_cells = {key: cells[place] for key, cells in arrays.items()}
        figures = {key: float(cell) for key, cell in column_cells.items() if not isinstance(cell, str)}
        missing = tuple(key for key, cell in column_cells.items() if cell == "?")
        if figures or missing:
            reference = f" [{row.reference}]" if row.reference else ""
            yield PublishedRow(
                table.protocol,
                table.data_set or column,
                column,
                table.number,
                row.name,
                row.source or f"{_PAPER}, Table {table.number}{reference}",
                MappingProxyType(figures),
                row.kind,
                row.supervised,
                row.strategy,
                row.setting,
                missing,
            )
