"""Contents of a report section: tables and plots, with their texts and files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from tools.evaluation.report.counts import choose_samples, cmc_curve, det_points, most_frequent_confusions
from tools.evaluation.report.csv_files import cmc_csv, confusion_csv, det_csv, scores_csv, table_csv
from tools.evaluation.report.inputs import ReportTable, ScoreSet, Section, WindowPredictions
from tools.evaluation.report.report_drawing import (
    CMC_MAX_RANK,
    draw_cmc,
    draw_confusion,
    draw_det,
    draw_scores,
)
from tools.evaluation.report.skeletons import draw_samples, sample_size, sample_title
from tools.evaluation.report.theme import DARK, LIGHT, Theme, png

__all__ = ["Picture", "TableFile", "section_pictures", "section_tables"]

_PIXELS_PER_INCH = 96
"""CSS pixels of an inch of a plot on the page; high-density screens use the additional pixels of the PNG."""
_CONFUSION_ROWS = 15
"""Rows of the table of confusions on the page; the CSV file has all."""


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table and its CSV file.

    Attributes:
        table: table as shown on the page.
        stem: file name without suffix.
        csv: content of the file.
    """

    table: ReportTable
    stem: str
    csv: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A plot, its texts and its files.

    Attributes:
        title: heading above the plot.
        caption: text below the plot.
        alt: text alternative for readers who do not see the plot.
        stem: file names without suffix.
        light: PNG for a light page, also written as a file.
        dark: PNG for a dark page.
        size: width and height on the page, CSS pixels.
        csv: data of the plot; empty if there is no CSV file.
    """

    title: str
    caption: str
    alt: str
    stem: str
    light: bytes
    dark: bytes
    size: tuple[int, int]
    csv: str = ""


def section_tables(section: Section) -> Iterator[TableFile]:
    """Yields the tables of a section and the table of its most frequent confusions."""
    for number, table in enumerate(section.tables, 1):
        yield TableFile(table, f"{section.key}-table-{number}", table_csv(table))
    if section.predictions is not None and len(section.predictions.truth):
        complete = most_frequent_confusions(section.predictions)
        omitted = len(complete.measured) - _CONFUSION_ROWS
        note = f"First {_CONFUSION_ROWS} rows; {omitted} more are in the CSV file." if omitted > 0 else ""
        shortened = replace(complete, measured=complete.measured[:_CONFUSION_ROWS], note=note)
        yield TableFile(shortened, f"{section.key}-taken-for", table_csv(complete))


def section_pictures(section: Section) -> Iterator[Picture]:
    """Yields the plots of a section for which it has data."""
    yield from _cmc(section)
    yield from _det(section)
    yield from _histograms(section)
    if section.predictions is not None and len(section.predictions.truth):
        yield _confusion(section.key, section.predictions)
        yield from _samples(section.key, section.predictions)


def _render(
    draw: Callable[[Figure, Theme], None], width: float, height: float
) -> tuple[bytes, bytes, tuple[int, int]]:
    """Returns a plot of the given size, inches, as light and dark PNG, and its size on the page."""
    light, dark = (png(draw, (width, height), theme) for theme in (LIGHT, DARK))
    return light, dark, (round(_PIXELS_PER_INCH * width), round(_PIXELS_PER_INCH * height))


def _cmc(section: Section) -> Iterator[Picture]:
    curves = [curve for curve in section.ranks if len(curve.ranks)]
    if not curves:
        return
    values = []
    for curve in curves:
        percent = cmc_curve(curve, min(10, curve.max_rank))
        values.append(f"{curve.name} {percent[0]:.1f} % at 1 and {percent[-1]:.1f} % at {len(percent)}")
    yield Picture(
        "Cumulative matching characteristic",
        f"Share of probes whose correct person is among the first k, for k up to {CMC_MAX_RANK}.",
        f"Line chart, rising from left to right: {'; '.join(values)}.",
        f"{section.key}-cmc",
        *_render(lambda figure, _: draw_cmc(figure, curves), 7.2, 4.4),
        cmc_csv(curves),
    )


def _det(section: Section) -> Iterator[Picture]:
    sets = [scores for scores in section.scores if len(scores.genuine) and len(scores.impostor)]
    if not sets:
        return
    values = []
    for scores in sets:
        points = det_points(scores)
        assert points is not None
        middle = np.abs(points.false_accept - points.false_reject).argmin()
        rate = 100 * (points.false_accept[middle] + points.false_reject[middle]) / 2
        values.append(f"{scores.name} has an equal error rate near {rate:.1f} %")
        if points.operating_point is not None:
            false_accept, false_reject = points.operating_point
            values[-1] += f", at its threshold it accepts {100 * false_accept:.1f} % of impostor and rejects "
            values[-1] += f"{100 * false_reject:.1f} % of genuine comparisons"
    yield Picture(
        "Detection error trade-off",
        "False accept rate against false reject rate over all thresholds; both axes have a normal deviate "
        "scale. A marker is a threshold in use. A rate of zero is drawn at half the rate of one comparison.",
        f"Line chart, falling from left to right: {'; '.join(values)}.",
        f"{section.key}-det",
        *_render(lambda figure, _: draw_det(figure, sets), 6.6, 5.4),
        det_csv(sets),
    )


def _histograms(section: Section) -> Iterator[Picture]:
    for number, scores in enumerate(section.scores, 1):
        kinds = {"genuine": scores.genuine, "impostor": scores.impostor}
        values = [
            f"{len(part)} {kind} scores with median {np.median(part):.3g}"
            for kind, part in kinds.items()
            if len(part)
        ]
        if not values:
            continue
        if scores.threshold is not None:
            values.append(f"the threshold at {scores.threshold:.3g}")
        yield Picture(
            f"Scores of {scores.name}",
            "Distribution of genuine scores (same person) and impostor scores (different people); each adds "
            "up to 100 %.",
            f"Histogram: {', '.join(values)}.",
            f"{section.key}-scores-{number}",
            *_render(partial(_draw_score_set, scores), 7.2, 3.8),
            scores_csv([scores]),
        )


def _draw_score_set(scores: ScoreSet, figure: Figure, _: Theme) -> None:
    draw_scores(figure, scores)


def _confusion(key: str, predictions: WindowPredictions) -> Picture:
    side = 4.2 + 3.2 * min(1.0, len(predictions.names) / 60)
    correct = 100 * float(predictions.correct().mean())
    unit = predictions.unit
    return Picture(
        f"Confusion matrix{predictions.title_suffix}",
        f"Columns are true people, rows are predicted people; the colour is the share of all {unit}. "
        f"Correct {unit} are on the diagonal.",
        f"Matrix of {len(predictions.names)} people: {correct:.1f} % of {len(predictions.truth)} {unit} on "
        "the diagonal.",
        f"{key}-confusion",
        *_render(lambda figure, theme: draw_confusion(figure, theme, predictions), side + 1.2, side),
        confusion_csv(predictions),
    )


def _samples(key: str, predictions: WindowPredictions) -> Iterator[Picture]:
    if predictions.windows is None or predictions.margin is None:
        return
    samples = choose_samples(predictions)
    titles = [
        f"{'easy' if sample.easy else 'hard'}, {sample_title(predictions, sample)}" for sample in samples
    ]
    yield Picture(
        f"Easy and hard samples{predictions.title_suffix}",
        "Windows of the most confused people, their skeletons side by side in the view of the sensor: the "
        "most confident correct prediction on the left, the most confident wrong one on the right. The left "
        "arm and leg have the colour of the first curve above, the right ones that of the second.",
        f"Stick figures of {len(samples)} windows: {'; '.join(titles)}.",
        f"{key}-samples",
        *_render(
            lambda figure, theme: draw_samples(figure, theme, predictions, samples), *sample_size(samples)
        ),
    )
