"""Results as the sections of a report."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tools.evaluation.live import LiveResult
from tools.evaluation.live.searches import MOMENTS
from tools.evaluation.metrics.identification import class_ranks
from tools.evaluation.protocols.draw import Trial
from tools.evaluation.protocols.results import Result, Row
from tools.evaluation.report import NamedWindows, RankCurve, ReportTable, ScoreSet, Section

__all__ = ["cost", "live_section", "machine", "result_section"]

_WHOLE = len(MOMENTS) - 1
_IMPOSTORS = 200_000
"""Impostor scores drawn of each row, evenly spread over all: more make no other curve."""


def machine() -> str:
    """What this was measured on."""
    python = platform.python_version()
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {python}"


def cost(seconds: float) -> dict[str, Any]:
    """What a command took until now, as JSON takes it.

    Args:
        seconds: since it began.

    Returns:
        `machine`, `minutes`, and `peak_memory_mb`, the most memory that the process held; None on Windows,
        which does not say.
    """
    peak = None
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - there is none on Windows

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        peak = round(most / (2**20 if sys.platform == "darwin" else 2**10))
    return {"machine": machine(), "minutes": round(seconds / 60, 1), "peak_memory_mb": peak}


def result_section(
    title: str,
    key: str,
    columns: Mapping[str, str],
    result: Result,
    trial: Trial,
    beside: Sequence[Mapping[str, Any]],
    default: str,
) -> Section:
    """A protocol's table, CMC and DET curves of all rows, and who was taken for whom by the default row.

    Args:
        title: of the table.
        key: of the section's files.
        columns: of the table.
        result: what was measured.
        trial: what it was measured on.
        beside: published rows.
        default: the row that confusions and samples are of; with its strategy behind a dash.
    """
    chosen = next((row for row in result.rows if default in {row.name, f"{row.name}-{row.how}"}), None)
    people = len(result.names)
    return Section(
        key,
        f"{result.protocol}: {key}",
        tables=(ReportTable(title, columns, result.table_rows(), beside),),
        ranks=tuple(
            RankCurve(_label(row), class_ranks(row.answers.scores, result.people), people)
            for row in result.rows
        ),
        scores=tuple(_scores(row, result) for row in result.rows),
        named=None
        if chosen is None
        else NamedWindows.from_scores(
            result.names,
            result.people,
            chosen.answers.scores,
            trial.probes.windows,
            trial.probes.layout,
            _label(chosen),
        ),
    )


def _label(row: Row) -> str:
    return f"{row.name} ({row.how})" if row.how in {"ap", "sc"} else row.name


def _scores(row: Row, result: Result) -> ScoreSet:
    scores = row.answers.scores
    own = np.arange(scores.shape[1]) == result.people[:, None]
    impostor = scores[~own & np.isfinite(scores)]
    step = max(1, len(impostor) // _IMPOSTORS)
    genuine = scores[own]
    return ScoreSet(_label(row), genuine[np.isfinite(genuine)], impostor[::step])


def live_section(title: str, columns: Mapping[str, str], result: LiveResult) -> Section:
    """A scenario's table and, of whole walks, each row's scores with its threshold."""
    scores = []
    for row in result.rows:
        thresholds = row.searches.thresholds[_WHOLE, :, 0]
        known = thresholds[np.isfinite(thresholds)]
        impostor = row.searches.impostor(_WHOLE).ravel()
        step = max(1, len(impostor) // _IMPOSTORS)
        threshold = float(np.median(known)) if len(known) else None
        scores.append(ScoreSet(row.name, row.searches.genuine(_WHOLE), impostor[::step], threshold))
    return Section(
        result.scenario.name,
        f"live: {result.scenario.name}",
        f"{result.scenario.text}. {'. '.join(result.notes)}",
        tables=(ReportTable(title, columns, result.table_rows()),),
        scores=tuple(scores),
        named=_walks_named(result),
    )


def _walks_named(result: LiveResult) -> NamedWindows | None:
    """Whom each search of a whole walk took its walker for, by the first row; everybody enrolled."""
    searches = result.rows[0].searches
    lasting = searches.lasting(_WHOLE)
    if len(result.people) < 2 or not len(lasting):
        return None
    scores = searches.scores[_WHOLE, lasting]
    return NamedWindows(
        result.people,
        searches.person[lasting],
        scores.argmax(axis=1),
        method=result.rows[0].name,
        unit="searches with whole walks",
    )
