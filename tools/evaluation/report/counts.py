"""The numbers behind the pictures: curves, confusions, and which windows to show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, det_curve  # type: ignore[import-untyped]

from tools.evaluation.metrics.identification import cmc
from tools.evaluation.report.inputs import UNKNOWN, NamedWindows, RankCurve, ReportTable, ScoreSet

__all__ = [
    "DetPoints",
    "Sample",
    "choose_samples",
    "cmc_curve",
    "confusion",
    "det_points",
    "hardest_pairs",
    "histogram",
]

Floats = NDArray[np.float64]

_BINS = 40
_BEYOND = 0.005
"""The share of each kind of scores, at either end, for which a histogram makes no room."""
_POINTS = 2000
"""A longer curve of errors is thinned to this."""


def cmc_curve(curve: RankCurve, length: int) -> Floats:
    """Rank-k in percent for k = 1 to `length`; (length,), all 0 where there is no probe."""
    if not len(curve.ranks):
        return np.zeros(length)
    percent: Floats = 100 * cmc(curve.ranks, length)
    return percent


@dataclass(frozen=True, slots=True, eq=False)
class DetPoints:
    """A detection error trade-off: what each threshold costs.

    Attributes:
        accepted: (k,) the share of impostors that is accepted, 0..1, falling.
        refused: (k,) the share of genuine comparisons that is refused, 0..1, rising.
        thresholds: (k,) scores from here on are accepted, rising.
        chosen: (accepted, refused) at the threshold in use; None without one.
        finest: (accepted, refused), half of what one comparison counts: less than that cannot be told from 0.
    """

    accepted: Floats
    refused: Floats
    thresholds: Floats
    chosen: tuple[float, float] | None
    finest: tuple[float, float]


def det_points(scores: ScoreSet) -> DetPoints | None:
    """The trade-off at 2000 thresholds at most; None where one kind of comparison is missing."""
    genuine, impostor = len(scores.genuine), len(scores.impostor)
    if not genuine or not impostor:
        return None
    labels = np.repeat([1, 0], [genuine, impostor])
    both = np.concatenate([scores.genuine, scores.impostor]).astype(np.float64)
    accepted, refused, thresholds = _thinned(*det_curve(labels, both))
    chosen = None
    if scores.threshold is not None:
        chosen = (
            float((scores.impostor >= scores.threshold).mean()),
            float((scores.genuine < scores.threshold).mean()),
        )
    return DetPoints(accepted, refused, thresholds, chosen, (0.5 / impostor, 0.5 / genuine))


def _thinned(accepted: Floats, refused: Floats, thresholds: Floats) -> tuple[Floats, Floats, Floats]:
    """As many points of a curve as a picture shows, close together where rates are small."""
    if len(thresholds) <= _POINTS:
        return accepted, refused, thresholds
    way = np.zeros(len(thresholds))
    for rates in (accepted, refused):
        odds = np.log((rates + 1e-6) / (1 - rates + 1e-6))
        way[1:] += np.abs(np.diff(odds)).cumsum()
    kept = np.unique(np.searchsorted(way, np.linspace(0, way[-1], _POINTS)))
    return accepted[kept], refused[kept], thresholds[kept]


def histogram(scores: ScoreSet) -> tuple[Floats, Floats, Floats]:
    """How the scores lie.

    Returns:
        Edges (b + 1,) of bins over the scores and the threshold; in each bin the share, in percent, of the
        genuine comparisons and of the impostors (b,), 0 where there are none. The first and the last bin have
        the few scores beyond them, too, which would leave no room for the others.
    """
    values = [scores.genuine.astype(np.float64), scores.impostor.astype(np.float64)]
    known = [part for part in values if len(part)]
    ends = np.concatenate([np.quantile(part, (_BEYOND, 1 - _BEYOND)) for part in known] or [np.zeros(1)])
    if scores.threshold is not None:
        ends = np.append(ends, scores.threshold)
    edges: Floats = np.histogram_bin_edges(ends, bins=_BINS)
    inside = [np.clip(part, edges[0], edges[-1]) for part in values]
    genuine, impostor = (100 * np.histogram(part, edges)[0] / max(1, len(part)) for part in inside)
    return edges, genuine, impostor


def confusion(named: NamedWindows) -> Floats:
    """Shares of all windows, in percent, as the paper draws them (Fig. 10).

    Returns:
        (C or C + 1, C): column a, row b is the share of all windows in which person a walks and b is named;
        the last row, if any window needs it, is of those for whom nobody is named.
    """
    people = len(named.names)
    labels = [*range(people), UNKNOWN]
    shares = confusion_matrix(named.truth, named.predicted, labels=labels, normalize="all").T
    rows = people + bool((named.predicted == UNKNOWN).any())
    percent: Floats = 100 * shares[:rows, :people]
    return percent


def hardest_pairs(named: NamedWindows) -> ReportTable:
    """Of each person the windows that are named rightly, and for whom else the person is taken most often.

    People are in the order of how often they are taken for that one, the hardest first; those without windows
    are left out. Of several equally frequent the first stands.
    """
    rows: list[dict[str, Any]] = []
    for person in range(len(named.names)):
        found = named.predicted[named.truth == person]
        if not len(found):
            continue
        others, counts = np.unique(found[found != person], return_counts=True)
        row = {
            "person": named.shown(person),
            "windows": len(found),
            "right": 100 * float((found == person).mean()),
            "taken": named.shown(int(others[counts.argmax()])) if len(others) else None,
            "share": 100 * float(counts.max()) / len(found) if len(others) else 0.0,
        }
        rows.append(row)
    rows.sort(key=lambda row: -row["share"])
    columns = {
        "person": "person",
        "windows": named.unit,
        "right": "named rightly (%)",
        "taken": "most often taken for",
        "share": "of these (%)",
    }
    return ReportTable(f"Whom each person is taken for{named.by}", columns, rows)


@dataclass(frozen=True, slots=True)
class Sample:
    """A window to show.

    Attributes:
        window: which.
        easy: whether it was named rightly.
    """

    window: int
    easy: bool


def choose_samples(named: NamedWindows, pairs: int = 4) -> tuple[Sample, ...]:
    """Easy and hard windows of the people who are confused most (paper, Sec. 5.5).

    Pairs (a, b), a taken for b, go by their number of windows. Each gives the surest right window of a and
    the surest wrong one; a pair that has no right window gives the wrong one alone. Where nobody is confused
    with anybody, the surest right windows of different people stand.

    Args:
        named: with margins.
        pairs: at most so many.

    Returns:
        Easy before hard, pair after pair.

    Raises:
        ValueError: there are no margins.
    """
    if named.margin is None:
        raise ValueError("margin: expected one for each window, got none")
    right, margin = named.right(), named.margin

    def surest(those: NDArray[np.bool_], easy: bool) -> list[Sample]:
        places = np.flatnonzero(those)
        return [Sample(int(places[margin[places].argmax()]), easy)] if len(places) else []

    confused = np.stack([named.truth, named.predicted])[:, ~right]
    kinds, counts = np.unique(confused, axis=1, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:pairs]
    chosen: list[Sample] = []
    for walker, taken in kinds.T[order]:
        own = named.truth == walker
        chosen += surest(own & right, True) + surest(own & (named.predicted == taken), False)
    if not chosen:
        for person in np.unique(named.truth)[:pairs]:
            chosen += surest(named.truth == person, True)
    return tuple(dict.fromkeys(chosen))
