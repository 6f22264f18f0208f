"""Report sections built from results, and the cost of a measurement."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tools.evaluation.live import LiveResult
from tools.evaluation.live.live_tables import interval_columns, interval_rows
from tools.evaluation.live.searches import MOMENTS
from tools.evaluation.metrics.bootstrap import Estimate
from tools.evaluation.metrics.identification import class_ranks
from tools.evaluation.protocols.draw import ProtocolDraw
from tools.evaluation.protocols.results import Result, Row
from tools.evaluation.report import RankCurve, ReportTable, ScoreSet, Section, WindowPredictions
from tools.evaluation.verdicts import live_verdict, published_verdict, rank1_estimates, row_label

__all__ = ["live_section", "machine_description", "resource_usage", "result_section"]

_WHOLE_WALK = len(MOMENTS) - 1
_BOOTSTRAP = (
    "By a bootstrap over people, which sees no spread where all or none of the answers are right; the "
    "sentence above has the exact binomial bound there."
)
_RANKS = (
    "From window to walk: Rank-1 of single windows, after so many seconds of walking, and of whole walks."
)
_MAX_IMPOSTORS = 200_000
"""Maximum number of impostor scores of a row, evenly spaced; more do not change the curve."""


def machine_description() -> str:
    """Returns system, processor cores and Python version of this machine."""
    python = platform.python_version()
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {python}"


def resource_usage(seconds: float) -> dict[str, Any]:
    """Returns the resources that a command has used, for JSON.

    Args:
        seconds: time since its start.

    Returns:
        `machine`, `minutes`, and `peak_memory_mb`, the peak memory of the process; None on Windows, where it
        is not available.
    """
    peak = None
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - not available on Windows

        peak_size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        peak = round(peak_size / (2**20 if sys.platform == "darwin" else 2**10))
    return {"machine": machine_description(), "minutes": round(seconds / 60, 1), "peak_memory_mb": peak}


def result_section(
    title: str,
    key: str,
    columns: Mapping[str, str],
    result: Result,
    draw: ProtocolDraw,
    published: Sequence[Mapping[str, Any]],
    default: str,
    *,
    shuffled: bool = False,
) -> Section:
    """Returns a section with tables, CMC and DET curves of all rows, and the confusions of the default row.

    Args:
        title: title of the table.
        key: prefix of the section's files.
        columns: columns of the table.
        result: measured result.
        draw: draw that was measured.
        published: published rows for comparison.
        default: row of the verdict, the confusions and the samples: `NAME`, or `NAME-STRATEGY`.
        shuffled: whether the names of the probes were permuted.
    """
    chosen = next((row for row in result.rows if default in {row.name, f"{row.name}-{row.variant}"}), None)
    people = len(result.names)
    estimates = rank1_estimates(result)
    return Section(
        key,
        f"{result.protocol}: {key}",
        verdict="" if chosen is None else published_verdict(result, chosen, estimates, shuffled=shuffled),
        tables=(
            ReportTable(title, columns, result.table_rows(), published),
            _interval_table([(row_label(row), estimates[row_label(row)]) for row in result.rows]),
        ),
        ranks=tuple(
            RankCurve(row_label(row), class_ranks(row.predictions.scores, result.people), people)
            for row in result.rows
        ),
        scores=tuple(_score_set(row, result) for row in result.rows),
        predictions=None
        if chosen is None
        else WindowPredictions.from_scores(
            result.names,
            result.people,
            chosen.predictions.scores,
            draw.probes.windows,
            draw.probes.layout,
            row_label(chosen),
        ),
    )


def _interval_table(rows: Sequence[tuple[str, Estimate | None]]) -> ReportTable:
    columns = {"name": "method", "rank1": "Rank-1", "low": "95 % interval from", "high": "to"}
    found = [
        {"name": name, "rank1": each[0], "low": each[1], "high": each[2]}
        for name, each in rows
        if each is not None
    ]
    note = f"{_BOOTSTRAP} It does not cover other draws of walks: repeat with other seeds."
    return ReportTable("Rank-1 of windows, with intervals", columns, found, note=note)


def _score_set(row: Row, result: Result) -> ScoreSet:
    scores = row.predictions.scores
    own = np.arange(scores.shape[1]) == result.people[:, None]
    impostor = scores[~own & np.isfinite(scores)]
    step = max(1, len(impostor) // _MAX_IMPOSTORS)
    genuine = scores[own]
    return ScoreSet(row_label(row), genuine[np.isfinite(genuine)], impostor[::step])


def live_section(title: str, columns: Mapping[str, str], result: LiveResult) -> Section:
    """Returns a section with a scenario's tables, and the scores and threshold of each row for whole walks.

    The verdict and the intervals are those of the first row.
    """
    chosen, scores = result.rows[0], []
    for row in result.rows:
        thresholds = row.searches.thresholds[_WHOLE_WALK, :, 0]
        finite = thresholds[np.isfinite(thresholds)]
        impostor = row.searches.impostor(_WHOLE_WALK).ravel()
        step = max(1, len(impostor) // _MAX_IMPOSTORS)
        threshold = float(np.median(finite)) if len(finite) else None
        scores.append(ScoreSet(row.name, row.searches.genuine(_WHOLE_WALK), impostor[::step], threshold))
    return Section(
        result.scenario.name,
        f"live: {result.scenario.name}",
        f"{result.scenario.text}. {'. '.join(result.notes)}",
        verdict=live_verdict(result, chosen),
        tables=(
            ReportTable(title, columns, result.table_rows(), note=_RANKS),
            ReportTable(
                f"{chosen.name}: percent, and 95 % interval",
                interval_columns(),
                interval_rows(result, chosen.name),
                note=_BOOTSTRAP,
            ),
        ),
        scores=tuple(scores),
        predictions=_walk_predictions(result),
    )


def _walk_predictions(result: LiveResult) -> WindowPredictions | None:
    """Returns the predictions of the first row for whole walks, with all people enrolled."""
    searches = result.rows[0].searches
    lasting = searches.lasting(_WHOLE_WALK)
    if len(result.people) < 2 or not len(lasting):
        return None
    scores = searches.scores[_WHOLE_WALK, lasting]
    return WindowPredictions(
        result.people,
        searches.person[lasting],
        scores.argmax(axis=1),
        method=result.rows[0].name,
        unit="searches with whole walks",
    )
