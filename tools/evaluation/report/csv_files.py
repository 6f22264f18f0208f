"""CSV files of tables and plots: a header line and rows in full precision."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import Any

import numpy as np

from tools.evaluation.report.counts import cmc_curve, det_points, histogram
from tools.evaluation.report.inputs import RankCurve, ReportTable, ScoreSet, WindowPredictions

__all__ = ["cmc_csv", "confusion_csv", "det_csv", "format_cell", "scores_csv", "table_csv"]


def format_cell(value: object) -> str:
    """Formats a table cell for the page: one decimal for floats, a dash for None."""
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _text(rows: Iterable[Sequence[Any]]) -> str:
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def table_csv(table: ReportTable) -> str:
    """Returns the CSV of a table: columns by key, then `supervised`, `origin` and `source`."""
    extra = ("supervised", "origin", "source")
    keys = [key for key in table.columns if key not in extra]

    def line(row: Mapping[str, Any], origin: str) -> list[Any]:
        return [*(row.get(key) for key in keys), bool(row.get("supervised")), origin, row.get("source")]

    measured = [line(row, "measured") for row in table.measured]
    published = [line(row, "published") for row in table.published]
    return _text([[*keys, *extra], *measured, *published])


def cmc_csv(curves: Sequence[RankCurve]) -> str:
    """Returns the CSV of CMC curves: Rank-k of every method for every k."""
    lines = [
        (curve.name, k, percent)
        for curve in curves
        for k, percent in enumerate(cmc_curve(curve, curve.max_rank).tolist(), 1)
    ]
    return _text([("name", "k", "percent"), *lines])


def det_csv(sets: Sequence[ScoreSet]) -> str:
    """Returns the CSV of DET curves: both error rates, 0 to 1, of every method at each threshold."""
    lines = [
        (scores.name, *point)
        for scores in sets
        if (points := det_points(scores)) is not None
        for point in np.column_stack([points.thresholds, points.false_accept, points.false_reject]).tolist()
    ]
    return _text([("name", "threshold", "impostors_accepted", "genuine_refused"), *lines])


def scores_csv(sets: Sequence[ScoreSet]) -> str:
    """Returns the CSV of the bins of score histograms."""
    lines = []
    for scores in sets:
        edges, genuine, impostor = (values.tolist() for values in histogram(scores))
        lines += [(scores.name, *row) for row in zip(edges, edges[1:], genuine, impostor, strict=False)]
    return _text([("name", "from", "to", "genuine_percent", "impostor_percent"), *lines])


def confusion_csv(predictions: WindowPredictions) -> str:
    """Returns the CSV of a confusion matrix: true and predicted person and the number of windows, if any."""
    pairs = np.stack([predictions.truth, predictions.predicted])
    confusions, counts = np.unique(pairs, axis=1, return_counts=True)
    lines = [
        (predictions.display_name(truth), predictions.display_name(predicted), count)
        for (truth, predicted), count in zip(confusions.T.tolist(), counts.tolist(), strict=True)
    ]
    return _text([("truth", "predicted", "windows"), *lines])
