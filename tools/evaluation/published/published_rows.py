"""Published figures, read from the tables beside this module (`*.toml`) and checked.

The files keep the form of the printed tables: a row for a method, an array for a figure, a number for a
column. Here each of its columns becomes a row of its own, which is what stands beside a measured one.
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

__all__ = ["FIGURES", "Kind", "PublishedRow", "published", "published_rows", "read_tables"]

Protocol = Literal["direct", "rn", "cve", "cme"]
Kind = Literal["skeleton", "depth", "multi-modal", "appearance"]

FIGURES = ("rank1", "rank5", "rank10", "map", "nauc")
"""The figures that a table may have, all in percent."""

_PAPER = "TPAMI 2022, arXiv 2009.03671"
_FILES = ("paper.toml", "direct.toml")

_Cells = list[float | Literal["-", "?"]]


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """What one method reached on one data set.

    Attributes:
        protocol: how it was measured: `direct`, `rn`, or the paper's `cve` and `cme` (views and conditions
            of CASIA B).
        data_set: on what.
        split: which part of it was tested, where it has several (`ks20-view-30`, `view-018`, `cl-nm`); else
            the data set's name.
        table: the number of the printed table; `direct` where several papers make one.
        name: the method.
        source: where it stands.
        figures: key of `FIGURES` -> percent; those that the table has.
        kind: what the method sees.
        supervised: whether labels were used to learn its features.
        strategy: `AP` or `SC`, where the paper says which.
        setting: what else sets the row apart: the parts that were used, a parameter.
        lost: figures that the printed table has and this copy of it lacks.

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
    kind: Kind = "skeleton"
    supervised: bool = False
    strategy: Literal["AP", "SC"] | None = None
    setting: str | None = None
    lost: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for key, value in self.figures.items():
            if key not in FIGURES or not 0 <= value <= 100:
                raise ValueError(
                    f"table {self.table}, {self.name}: expected {', '.join(FIGURES)} within 0..100, "
                    f"got {key} = {value}"
                )

    def as_mapping(self) -> dict[str, Any]:
        """The row as tables take it: `name`, `supervised`, `source`, what else it has, and its figures."""
        split = self.split if self.split != self.data_set else None
        told = {"split": split, "strategy": self.strategy, "setting": self.setting}
        return {
            "name": self.name,
            "supervised": self.supervised,
            **{key: value for key, value in told.items() if value is not None},
            **self.figures,
            "source": self.source,
        }


def published_rows(protocol: str, data_set: str, table: str | None = None) -> tuple[PublishedRow, ...]:
    """All that was published for a protocol on a data set; empty where nothing was.

    Args:
        protocol: `direct`, `rn`, `cve` or `cme`.
        data_set: `biwi`, `ias-a`, `ias-b`, `ks20`, `kgbd`, `casia-b`, or one of their splits.
        table: only of this printed table, `2` to `9`.

    Returns:
        In the tables' order; without those that have neither a figure nor a lost one.
    """
    return tuple(
        row
        for row in _all_rows()
        if row.protocol == protocol and data_set in (row.data_set, row.split) and table in (None, row.table)
    )


def published(protocol: str, data_set: str) -> list[dict[str, Any]]:
    """The rows to stand beside measured ones: methods that see skeletons, each at its best setting.

    For `rn` these are the rows of Table 2 (Table 3 for the views of KS20), and after each that tells its
    strategy the same method's row of the other strategy in Table 5.

    Args:
        protocol: as in `published_rows`.
        data_set: likewise.

    Returns:
        Rows as `PublishedRow.as_mapping` gives them; empty where there are none.
    """
    rows = [row for row in published_rows(protocol, data_set) if row.kind == "skeleton" and row.figures]
    if protocol != "rn":
        return [row.as_mapping() for row in rows]
    main = [row for row in rows if row.table in ("2", "3") and row.split == data_set]
    others = [row for row in rows if row.table == "5"]

    def both(row: PublishedRow) -> Iterator[PublishedRow]:
        yield row
        yield from (other for other in others if other.name == row.name and other.strategy != row.strategy)

    return [row.as_mapping() for row in chain.from_iterable(map(both, main))]


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    kind: Kind = "skeleton"
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
    """The rows of a file of tables.

    Args:
        content: TOML, in the form of `paper.toml` beside this module.

    Raises:
        ValueError: it has another form, a row has too many or too few cells, or a figure is not a percentage.
    """
    tables = msgspec.toml.decode(content, type=_File).table
    return tuple(chain.from_iterable(_cells(table, row) for table in tables for row in table.row))


def _cells(table: _Table, row: _Row) -> Iterator[PublishedRow]:
    arrays = {key: cells for key in FIGURES if (cells := getattr(row, key)) is not None}
    for key, cells in arrays.items():
        if len(cells) != len(table.columns):
            expected = f"expected {len(table.columns)} cells, got {len(cells)}"
            raise ValueError(f"table {table.number}, {row.name}, {key}: {expected}")
    for place, column in enumerate(table.columns):
        at = {key: cells[place] for key, cells in arrays.items()}
        figures = {key: float(cell) for key, cell in at.items() if not isinstance(cell, str)}
        lost = tuple(key for key, cell in at.items() if cell == "?")
        if figures or lost:
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
                lost,
            )
