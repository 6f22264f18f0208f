"""The CSV of a table and of each picture: a heading and its rows, full precision."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import Any

import numpy as np

from tools.evaluation.report.counts import cmc_curve, det_points, histogram
from tools.evaluation.report.inputs import NamedWindows, RankCurve, ReportTable, ScoreSet

__all__ = ["cmc_csv", "confusion_csv", "det_csv", "scores_csv", "shown", "table_csv"]


def shown(value: object) -> str:
    """A cell as the page shows it: one decimal for fractions, a dash for nothing."""
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _text(rows: Iterable[Sequence[Any]]) -> str:
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def table_csv(table: ReportTable) -> str:
    """A table: its columns by their keys, whether a row learned with labels, and whence it is."""
    extra = ("supervised", "origin", "source")
    keys = [key for key in table.columns if key not in extra]

    def line(row: Mapping[str, Any], origin: str) -> list[Any]:
        return [*(row.get(key) for key in keys), bool(row.get("supervised")), origin, row.get("source")]

    measured = [line(row, "measured") for row in table.measured]
    published = [line(row, "published") for row in table.published]
    return _text([[*keys, *extra], *measured, *published])


def cmc_csv(curves: Sequence[RankCurve]) -> str:
    """Rank-k of every method for every k."""
    lines = [
        (curve.name, place, percent)
        for curve in curves
        for place, percent in enumerate(cmc_curve(curve, curve.places).tolist(), 1)
    ]
    return _text([("name", "k", "percent"), *lines])


def det_csv(sets: Sequence[ScoreSet]) -> str:
    """Both errors of every method, 0 to 1, over the thresholds."""
    lines = [
        (scores.name, *point)
        for scores in sets
        if (points := det_points(scores)) is not None
        for point in np.column_stack([points.thresholds, points.accepted, points.refused]).tolist()
    ]
    return _text([("name", "threshold", "impostors_accepted", "genuine_refused"), *lines])


def scores_csv(sets: Sequence[ScoreSet]) -> str:
    """The histograms' bins."""
    lines = []
    for scores in sets:
        edges, genuine, impostor = (values.tolist() for values in histogram(scores))
        lines += [(scores.name, *row) for row in zip(edges, edges[1:], genuine, impostor, strict=False)]
    return _text([("name", "from", "to", "genuine_percent", "impostor_percent"), *lines])


def confusion_csv(named: NamedWindows) -> str:
    """Who walks, who is named, and in how many windows; pairs without a window are left out."""
    kinds, counts = np.unique(np.stack([named.truth, named.predicted]), axis=1, return_counts=True)
    lines = [
        (named.shown(truth), named.shown(predicted), count)
        for (truth, predicted), count in zip(kinds.T.tolist(), counts.tolist(), strict=True)
    ]
    return _text([("truth", "predicted", "windows"), *lines])
