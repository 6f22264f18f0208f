"""Tables of the ablation studies: their trainings, and the features shown in their rows.

Rows may share a training: a `Cell` is trained once per seed, however many rows show it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["TABLES", "Cell", "Row", "Table", "cells_of", "table_features"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One experiment of the study; it is trained and measured once per seed.

    Attributes:
        name: unique name, also of its file.
        settings: differences from the base configuration, by the names of
            `encoder.training.train_config.TrainConfig`; the CAGEs of several pretext tasks are concatenated.
        methods: names for `tools.evaluation.methods.choose_methods`, measured instead of a training.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    methods: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: one feature of a cell.

    Attributes:
        label: the row's label in the paper.
        cell: the experiment.
        feature: name of the description.
    """

    label: str
    cell: Cell
    feature: str = "cage"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the paper.

    Attributes:
        name: name on the command line.
        title: title of the table.
        rows: rows in the paper's order; additional rows come last.
        columns: keys of the figures shown.
    """

    name: str
    title: str
    rows: tuple[Row, ...]
    columns: tuple[str, ...] = ("direct", "map", "ap", "sc")


_NO_CONTRAST = {"contrast": "none"}
_REVERSE = Cell("las")
_UNTRAINED = Cell("floors", methods="raw,cage-untrained,h-untrained")
_REVERSE_NO_CONTRAST = Cell("las-alone", {**_NO_CONTRAST})
_WITHIN = Cell("within", {"contrast": "within"})

_TABLE4 = Table(
    "4",
    "Table 4: what each part brings",
    (
        Row("GE (supervised)", Cell("lstm-2", methods="lstm-2"), "lstm-2"),
        Row(
            "GE + GD, h",
            Cell("plain-none-alone", {"pretext": "plain", "attention": "none", **_NO_CONTRAST}),
            "h",
        ),
        Row("+ Rev. Rec., h", Cell("none-alone", {"attention": "none", **_NO_CONTRAST}), "h"),
        Row("+ Rev. Rec. + LAS, h", _REVERSE_NO_CONTRAST, "h"),
        Row("LAS, AGEs", Cell("plain-las-alone", {"pretext": "plain", **_NO_CONTRAST}), "age"),
        Row("Rev. Rec. + LAS, AGEs", _REVERSE_NO_CONTRAST, "age"),
        Row("LAS, LCL + CAGEs", Cell("plain-las", {"pretext": "plain"})),
        Row("Rev. Rec. + LAS, LCL + CAGEs", _REVERSE),
        Row("the same, contrast within, as printed", _WITHIN),
        Row("the same, within, copies masked", Cell("within-masked", {"contrast": "within-masked"})),
        Row("Rev. Rec. + LAS, LCL, z", _REVERSE, "z"),
        Row("floor: untrained CAGEs", _UNTRAINED, "cage-untrained"),
        Row("floor: raw window", _UNTRAINED, "raw"),
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


def _attention_cell(attention: str, f: int) -> Cell:
    if attention == "las" and f == 6:
        return _REVERSE
    return Cell(attention if f == 6 else f"{attention}-f{f}", {"attention": attention, "f": f})


_FIG8 = Table(
    "fig8",
    "Fig. 8: attention and the length of windows",
    tuple(
        Row(f"{attention}, f = {f}", _attention_cell(attention, f))
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

_AUGMENTATIONS = {
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
            for name, value in _AUGMENTATIONS.items()
        ),
    ),
    ("direct", "map", "ap"),
)

TABLES = {table.name: table for table in (_TABLE4, _TABLE5, _FIG8, _TABLE6, _TABLE7, _AUGMENT)}


def cells_of(tables: Iterable[Table]) -> list[Cell]:
    """Returns the cells of tables, each once.

    Raises:
        ValueError: different cells have the same name.
    """
    found: dict[str, Cell] = {}
    for table in tables:
        for row in table.rows:
            if found.setdefault(row.cell.name, row.cell) != row.cell:
                raise ValueError(f"{row.cell.name} names two different cells")
    return list(found.values())


def table_features(cell: Cell) -> frozenset[str]:
    """Returns the features of a cell that appear in a table."""
    rows = (row for table in TABLES.values() for row in table.rows)
    return frozenset(row.feature for row in rows if row.cell == cell)
