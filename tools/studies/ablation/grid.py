"""What is trained for each table, and which of its features stand in which row.

Several rows share a training: a `Cell` is trained once a seed, whatever rows show it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["TABLES", "Cell", "Row", "Table", "cells_of", "shown_features"]


@dataclass(frozen=True, slots=True)
class Cell:
    """Something that is learned and measured once a seed.

    Attributes:
        name: unique; that of its file.
        settings: what differs from the base configuration, by the names of
            `encoder.training.train_config.TrainConfig`; of several pretext tasks the CAGEs are put side by
            side.
        methods: those of `tools.evaluation.methods.choose_methods` that are measured instead of a training.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    methods: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: a feature of a cell, as the paper's table calls it.

    Attributes:
        label: what the row is about.
        cell: which training.
        feature: the name of the description.
    """

    label: str
    cell: Cell
    feature: str = "cage"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the paper.

    Attributes:
        name: on the command line.
        title: what it shows.
        rows: in the paper's order; what the paper does not have comes last.
        columns: figures shown, by their keys.
    """

    name: str
    title: str
    rows: tuple[Row, ...]
    columns: tuple[str, ...] = ("direct", "map", "ap", "sc")


_LONE = {"contrast": "none"}
_REVERSE = Cell("las")
_FLOORS = Cell("floors", methods="raw,cage-untrained,h-untrained")
_REVERSE_AGE = Cell("las-alone", {**_LONE})
_WITHIN = Cell("within", {"contrast": "within"})

_TABLE4 = Table(
    "4",
    "Table 4: what each part brings",
    (
        Row("GE (supervised)", Cell("lstm-2", methods="lstm-2"), "lstm-2"),
        Row("GE + GD, h", Cell("plain-none-alone", {"pretext": "plain", "attention": "none", **_LONE}), "h"),
        Row("+ Rev. Rec., h", Cell("none-alone", {"attention": "none", **_LONE}), "h"),
        Row("+ Rev. Rec. + LAS, h", _REVERSE_AGE, "h"),
        Row("LAS, AGEs", Cell("plain-las-alone", {"pretext": "plain", **_LONE}), "age"),
        Row("Rev. Rec. + LAS, AGEs", _REVERSE_AGE, "age"),
        Row("LAS, LCL + CAGEs", Cell("plain-las", {"pretext": "plain"})),
        Row("Rev. Rec. + LAS, LCL + CAGEs", _REVERSE),
        Row("the same, contrast within, as printed", _WITHIN),
        Row("the same, within, copies masked", Cell("within-masked", {"contrast": "within-masked"})),
        Row("Rev. Rec. + LAS, LCL, z", _REVERSE, "z"),
        Row("floor: untrained CAGEs", _FLOORS, "cage-untrained"),
        Row("floor: raw window", _FLOORS, "raw"),
    ),
)

_TABLE5 = Table(
    "5",
    "Table 5: pretext tasks",
    (
        Row("Prediction", Cell("prediction", {"pretext": "prediction"})),
        Row("Sorting", Cell("sorting", {"pretext": "sorting"})),
        Row("Rev. Rec.", _REVERSE),
        *(
            Row(label, Cell(name, {"pretext": name}), "cage-plus")
            for label, name in (
                ("Pred. + Sort.", "prediction+sorting"),
                ("Rev. Rec. + Pred.", "reverse+prediction"),
                ("Rev. Rec. + Sort.", "reverse+sorting"),
                ("Rev. Rec. Plus", "reverse+prediction+sorting"),
            )
        ),
        Row("Prediction, half", Cell("prediction-half", {"pretext": "prediction-half"})),
    ),
)


def _of_length(attention: str, f: int) -> Cell:
    if attention == "las" and f == 6:
        return _REVERSE
    return Cell(attention if f == 6 else f"{attention}-f{f}", {"attention": attention, "f": f})


_FIG8 = Table(
    "fig8",
    "Fig. 8: attention and the length of windows",
    tuple(
        Row(f"{attention}, f = {f}", _of_length(attention, f))
        for f in (4, 6, 8, 10)
        for attention in ("none", "bas", "mbas", "las")
    ),
    ("direct", "map", "ap"),
)

_TABLE6 = Table(
    "6",
    "Table 6: intervals of contrast within a recording",
    tuple(
        Row(
            f"{interval}",
            _WITHIN
            if interval == 1
            else Cell(f"interval{interval}", {"contrast": "within", "interval": interval}),
        )
        for interval in (1, 2, 3, 4)
    ),
    ("direct", "map", "ap"),
)

_TABLE7 = Table(
    "7",
    "Table 7: temperature of the contrast",
    tuple(
        Row(f"{tau:g}", _REVERSE if tau == 0.1 else Cell(f"tau{tau:g}", {"temperature": tau}))
        for tau in (0.05, 0.1, 0.5, 0.8, 1.0)
    ),
    ("direct", "map", "ap"),
)

_AUGMENTED = {
    "rotation_deg": 30.0,
    "mirror": 0.5,
    "noise_m": 0.01,
    "dropout": 0.05,
    "rate_jitter": 0.1,
    "scale_jitter": 0.05,
}

_AUGMENT = Table(
    "augment",
    "Augmentation, each alone",
    (
        Row("none", _REVERSE),
        *(
            Row(f"{name} = {value:g}", Cell(name, {"augment": {name: value}}))
            for name, value in _AUGMENTED.items()
        ),
    ),
    ("direct", "map", "ap"),
)

TABLES = {table.name: table for table in (_TABLE4, _TABLE5, _FIG8, _TABLE6, _TABLE7, _AUGMENT)}


def cells_of(tables: Iterable[Table]) -> list[Cell]:
    """The cells of tables, each once."""
    found: dict[str, Cell] = {}
    for table in tables:
        for row in table.rows:
            if found.setdefault(row.cell.name, row.cell) != row.cell:
                raise ValueError(f"{row.cell.name} names two different cells")
    return list(found.values())


def shown_features(cell: Cell) -> frozenset[str]:
    """The features of a cell that some table shows."""
    rows = (row for table in TABLES.values() for row in table.rows)
    return frozenset(row.feature for row in rows if row.cell == cell)
