"""Data of the plots: curves, histograms, confusion matrices, and the windows to show as samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, det_curve  # type: ignore[import-untyped]

from tools.evaluation.metrics.identification import cmc
from tools.evaluation.report.inputs import UNKNOWN, RankCurve, ReportTable, ScoreSet, WindowPredictions

__all__ = [
    "DetPoints",
    "Sample",
    "choose_samples",
    "cmc_curve",
    "confusion",
    "det_points",
    "histogram",
    "most_frequent_confusions",
]

Floats = NDArray[np.float64]

_BINS = 40
_TAIL_SHARE = 0.005
"""Share of each kind of scores, at either end, that does not widen the range of a histogram."""
_MAX_DET_POINTS = 2000
"""Maximum number of points of a DET curve; longer curves are thinned."""


def cmc_curve(curve: RankCurve, length: int) -> Floats:
    """Returns Rank-k in percent for k = 1 to `length`, (length,); all 0 if there are no probes."""
    if not len(curve.ranks):
        return np.zeros(length)
    percent: Floats = 100 * cmc(curve.ranks, length)
    return percent


@dataclass(frozen=True, slots=True, eq=False)
class DetPoints:
    """Detection error trade-off: both error rates at each threshold.

    Attributes:
        false_accept: (k,) share of impostor comparisons that are accepted, 0..1, falling.
        false_reject: (k,) share of genuine comparisons that are rejected, 0..1, rising.
        thresholds: (k,) thresholds, rising; scores of at least the threshold are accepted.
        operating_point: (false accept, false reject) at the threshold in use; None without one.
        resolution: (false accept, false reject), half the rate of one comparison; lower rates cannot be
            distinguished from 0.
    """

    false_accept: Floats
    false_reject: Floats
    thresholds: Floats
    operating_point: tuple[float, float] | None
    resolution: tuple[float, float]


def det_points(scores: ScoreSet) -> DetPoints | None:
    """Returns the trade-off at up to 2000 thresholds; None if there are no genuine or no impostor scores."""
    genuine, impostor = len(scores.genuine), len(scores.impostor)
    if not genuine or not impostor:
        return None
    labels = np.repeat([1, 0], [genuine, impostor])
    both = np.concatenate([scores.genuine, scores.impostor]).astype(np.float64)
    false_accept, false_reject, thresholds = _thin(*det_curve(labels, both))
    operating_point = None
    if scores.threshold is not None:
        operating_point = (
            float((scores.impostor >= scores.threshold).mean()),
            float((scores.genuine < scores.threshold).mean()),
        )
    resolution = (0.5 / impostor, 0.5 / genuine)
    return DetPoints(false_accept, false_reject, thresholds, operating_point, resolution)


def _thin(false_accept: Floats, false_reject: Floats, thresholds: Floats) -> tuple[Floats, Floats, Floats]:
    """Returns at most `_MAX_DET_POINTS` points of a curve, denser where rates are small."""
    if len(thresholds) <= _MAX_DET_POINTS:
        return false_accept, false_reject, thresholds
    distance = np.zeros(len(thresholds))
    for rates in (false_accept, false_reject):
        odds = np.log((rates + 1e-6) / (1 - rates + 1e-6))
        distance[1:] += np.abs(np.diff(odds)).cumsum()
    kept = np.unique(np.searchsorted(distance, np.linspace(0, distance[-1], _MAX_DET_POINTS)))
    return false_accept[kept], false_reject[kept], thresholds[kept]


def histogram(scores: ScoreSet) -> tuple[Floats, Floats, Floats]:
    """Returns the distribution of the scores.

    Returns:
        Edges (b + 1,) of bins that span the scores and the threshold; shares of the genuine comparisons and
        of the impostor comparisons in each bin, (b,) percent, 0 if there are none. The outer bins include
        outliers beyond the edges.
    """
    values = [scores.genuine.astype(np.float64), scores.impostor.astype(np.float64)]
    nonempty = [part for part in values if len(part)]
    tails = (_TAIL_SHARE, 1 - _TAIL_SHARE)
    ends = np.concatenate([np.quantile(part, tails) for part in nonempty] or [np.zeros(1)])
    if scores.threshold is not None:
        ends = np.append(ends, scores.threshold)
    edges: Floats = np.histogram_bin_edges(ends, bins=_BINS)
    clipped = [np.clip(part, edges[0], edges[-1]) for part in values]
    genuine, impostor = (100 * np.histogram(part, edges)[0] / max(1, len(part)) for part in clipped)
    return edges, genuine, impostor


def confusion(predictions: WindowPredictions) -> Floats:
    """Returns the confusion matrix in percent of all windows (paper, Fig. 10).

    Returns:
        (C or C + 1, C): column a, row b is the share of windows with true person a and predicted person b;
        the additional row, if needed, is of windows without a predicted person.
    """
    people = len(predictions.names)
    labels = [*range(people), UNKNOWN]
    shares = confusion_matrix(predictions.truth, predictions.predicted, labels=labels, normalize="all").T
    rows = people + bool((predictions.predicted == UNKNOWN).any())
    percent: Floats = 100 * shares[:rows, :people]
    return percent


def most_frequent_confusions(predictions: WindowPredictions) -> ReportTable:
    """Returns a table of the Rank-1 and the most frequent confusion of each person.

    People are sorted by the share of that confusion, highest first; people without windows are left out. Of
    equally frequent confusions, the first is shown.
    """
    rows: list[dict[str, Any]] = []
    for person in range(len(predictions.names)):
        predicted = predictions.predicted[predictions.truth == person]
        if not len(predicted):
            continue
        others, counts = np.unique(predicted[predicted != person], return_counts=True)
        row = {
            "person": predictions.display_name(person),
            "windows": len(predicted),
            "right": 100 * float((predicted == person).mean()),
            "taken": predictions.display_name(int(others[counts.argmax()])) if len(others) else None,
            "share": 100 * float(counts.max()) / len(predicted) if len(others) else 0.0,
        }
        rows.append(row)
    rows.sort(key=lambda row: -row["share"])
    columns = {
        "person": "person",
        "windows": predictions.unit,
        "right": "correct (%)",
        "taken": "most often confused with",
        "share": "confused (%)",
    }
    return ReportTable(f"Most frequent confusion of each person{predictions.title_suffix}", columns, rows)


@dataclass(frozen=True, slots=True)
class Sample:
    """Window to show.

    Attributes:
        window: index of the window.
        easy: whether its prediction is correct.
    """

    window: int
    easy: bool


def choose_samples(predictions: WindowPredictions, pairs: int = 4) -> tuple[Sample, ...]:
    """Chooses easy and hard windows of the most confused people (paper, Sec. 5.5).

    Pairs (true a, predicted b) are sorted by their number of windows. Each pair contributes the most
    confident correct window of a, if any, and the most confident window of a predicted as b. Without any
    confusion, the most confident correct windows of different people are chosen.

    Args:
        predictions: predictions with margins.
        pairs: maximum number of pairs.

    Returns:
        Samples pair by pair, easy before hard.

    Raises:
        ValueError: there are no margins.
    """
    if predictions.margin is None:
        raise ValueError("margin: expected one for each window, got none")
    correct, margin = predictions.correct(), predictions.margin

    def most_confident(mask: NDArray[np.bool_], easy: bool) -> list[Sample]:
        indices = np.flatnonzero(mask)
        return [Sample(int(indices[margin[indices].argmax()]), easy)] if len(indices) else []

    confused = np.stack([predictions.truth, predictions.predicted])[:, ~correct]
    confusions, counts = np.unique(confused, axis=1, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:pairs]
    chosen: list[Sample] = []
    for true_person, other in confusions.T[order]:
        own = predictions.truth == true_person
        chosen += most_confident(own & correct, True)
        chosen += most_confident(own & (predictions.predicted == other), False)
    if not chosen:
        for person in np.unique(predictions.truth)[:pairs]:
            chosen += most_confident(predictions.truth == person, True)
    return tuple(dict.fromkeys(chosen))
