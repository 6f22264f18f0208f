"""What a section shows: its tables, and each picture with its words and its files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from tools.evaluation.report.counts import choose_samples, cmc_curve, det_points, hardest_pairs
from tools.evaluation.report.csv_files import cmc_csv, confusion_csv, det_csv, scores_csv, table_csv
from tools.evaluation.report.inputs import NamedWindows, ReportTable, ScoreSet, Section
from tools.evaluation.report.report_drawing import (
    CMC_PLACES,
    cmc_picture,
    confusion_picture,
    det_picture,
    score_picture,
)
from tools.evaluation.report.skeletons import sample_picture, sample_size, sample_title
from tools.evaluation.report.theme import DARK, LIGHT, Theme, png

__all__ = ["Picture", "PlacedTable", "pictures", "tables"]

_PIXELS = 96
"""On the page, of an inch; a sharp screen has the other pixels for it."""
_WORST = 15
"""People in the table of whom each is taken for, on the page; its CSV has all."""


@dataclass(frozen=True, slots=True)
class PlacedTable:
    """A table and its file.

    Attributes:
        table: as it stands on the page.
        stem: of the file's name.
        csv: the file's text.
    """

    table: ReportTable
    stem: str
    csv: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, its words and its files.

    Attributes:
        title: above it.
        caption: below it.
        alt: what it shows, for those who do not see it.
        stem: of the files' names.
        light: PNG; the file is this one.
        dark: PNG for a dark page.
        size: width and height on the page, CSS pixels.
        csv: its numbers; empty where they have no file.
    """

    title: str
    caption: str
    alt: str
    stem: str
    light: bytes
    dark: bytes
    size: tuple[int, int]
    csv: str = ""


def tables(section: Section) -> Iterator[PlacedTable]:
    """A section's tables, and whom each person is taken for."""
    for number, table in enumerate(section.tables, 1):
        yield PlacedTable(table, f"{section.key}-table-{number}", table_csv(table))
    if section.named is not None and len(section.named.truth):
        whole = hardest_pairs(section.named)
        left = len(whole.measured) - _WORST
        note = f"The {_WORST} hardest; {left} more are in the CSV file." if left > 0 else ""
        short = replace(whole, measured=whole.measured[:_WORST], note=note)
        yield PlacedTable(short, f"{section.key}-taken-for", table_csv(whole))


def pictures(section: Section) -> Iterator[Picture]:
    """A section's pictures; none for what it lacks."""
    yield from _cmc(section)
    yield from _det(section)
    yield from _histograms(section)
    if section.named is not None and len(section.named.truth):
        yield _confusion(section.key, section.named)
        yield from _samples(section.key, section.named)


def _drawn(
    draw: Callable[[Figure, Theme], None], width: float, height: float
) -> tuple[bytes, bytes, tuple[int, int]]:
    """A picture of so many inches, light and dark, and its size on the page."""
    light, dark = (png(draw, (width, height), theme) for theme in (LIGHT, DARK))
    return light, dark, (round(_PIXELS * width), round(_PIXELS * height))


def _cmc(section: Section) -> Iterator[Picture]:
    curves = [curve for curve in section.ranks if len(curve.ranks)]
    if not curves:
        return
    told = []
    for curve in curves:
        percent = cmc_curve(curve, min(10, curve.places))
        told.append(f"{curve.name} {percent[0]:.1f} % at 1 and {percent[-1]:.1f} % at {len(percent)}")
    yield Picture(
        "Cumulative matching characteristic",
        f"How often the person who walks is among the first k, for k up to {CMC_PLACES} at most.",
        f"Line chart, rising from left to right: {'; '.join(told)}.",
        f"{section.key}-cmc",
        *_drawn(lambda figure, _: cmc_picture(figure, curves), 7.2, 4.4),
        cmc_csv(curves),
    )


def _det(section: Section) -> Iterator[Picture]:
    sets = [scores for scores in section.scores if len(scores.genuine) and len(scores.impostor)]
    if not sets:
        return
    told = []
    for scores in sets:
        points = det_points(scores)
        assert points is not None
        middle = np.abs(points.accepted - points.refused).argmin()
        rate = 100 * (points.accepted[middle] + points.refused[middle]) / 2
        told.append(f"{scores.name} has both errors near {rate:.1f} %")
        if points.chosen is not None:
            accepted, refused = points.chosen
            told[-1] += f", and as decided accepts {100 * accepted:.1f} % of impostors and refuses "
            told[-1] += f"{100 * refused:.1f} % of the genuine"
    yield Picture(
        "Detection error trade-off",
        "Impostors accepted against genuine people refused, over all thresholds; both axes are of normal "
        "deviates. A mark is a threshold in use. A rate of none is drawn at half of what one comparison "
        "counts.",
        f"Line chart, falling from left to right: {'; '.join(told)}.",
        f"{section.key}-det",
        *_drawn(lambda figure, _: det_picture(figure, sets), 6.6, 5.4),
        det_csv(sets),
    )


def _histograms(section: Section) -> Iterator[Picture]:
    for number, scores in enumerate(section.scores, 1):
        kinds = {"genuine": scores.genuine, "impostor": scores.impostor}
        told = [
            f"{len(part)} {kind} scores with median {np.median(part):.3g}"
            for kind, part in kinds.items()
            if len(part)
        ]
        if not told:
            continue
        if scores.threshold is not None:
            told.append(f"the threshold at {scores.threshold:.3g}")
        yield Picture(
            f"Scores of {scores.name}",
            "How alike people are to themselves (genuine) and to others (impostors); each kind adds up to "
            "100 %.",
            f"Histogram: {', '.join(told)}.",
            f"{section.key}-scores-{number}",
            *_drawn(partial(_scores, scores), 7.2, 3.8),
            scores_csv([scores]),
        )


def _scores(scores: ScoreSet, figure: Figure, _: Theme) -> None:
    score_picture(figure, scores)


def _confusion(key: str, named: NamedWindows) -> Picture:
    side = 4.2 + 3.2 * min(1.0, len(named.names) / 60)
    right = 100 * float(named.right().mean())
    unit = named.unit
    return Picture(
        f"Confusion matrix{named.by}",
        f"The column is who walks, the row who is named; the colour is the share of all {unit}. "
        f"Rightly named {unit} lie on the diagonal.",
        f"Matrix of {len(named.names)} people: {right:.1f} % of {len(named.truth)} {unit} on the diagonal.",
        f"{key}-confusion",
        *_drawn(lambda figure, theme: confusion_picture(figure, theme, named), side + 1.2, side),
        confusion_csv(named),
    )


def _samples(key: str, named: NamedWindows) -> Iterator[Picture]:
    if named.windows is None or named.margin is None:
        return
    samples = choose_samples(named)
    told = [f"{'easy' if sample.easy else 'hard'}, {sample_title(named, sample)}" for sample in samples]
    yield Picture(
        f"Easy and hard samples{named.by}",
        "Windows of the people who are confused most, one skeleton after the other as the sensor sees them: "
        "the surest right answer at the left, the surest wrong one at the right. The left arm and leg have "
        "the colour of the first curve above, the right ones that of the second.",
        f"Stick figures of {len(samples)} windows: {'; '.join(told)}.",
        f"{key}-samples",
        *_drawn(lambda figure, theme: sample_picture(figure, theme, named, samples), *sample_size(samples)),
    )
