"""Plots of curves, score histograms and confusion matrices."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tools.evaluation.report.counts import DetPoints, Floats, cmc_curve, confusion, det_points, histogram
from tools.evaluation.report.inputs import RankCurve, ScoreSet, WindowPredictions
from tools.evaluation.report.theme import Theme

__all__ = ["CMC_MAX_RANK", "draw_cmc", "draw_confusion", "draw_det", "draw_scores", "normal_deviate"]

CMC_MAX_RANK = 50
"""Highest rank in a CMC plot; the CSV file has all ranks."""

_RATES = (0.0001, 0.001, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99, 0.999)
_MARKERS = ("o", "s", "^", "D", "v", "P")
_MAX_TICKS = 40
"""Maximum number of labelled people at an axis of a confusion matrix."""


def draw_cmc(figure: Figure, curves: Sequence[RankCurve]) -> None:
    """Draws Rank-k over k, one curve for each method."""
    axes = figure.add_subplot()
    last = min(CMC_MAX_RANK, max(curve.max_rank for curve in curves))
    for curve in curves:
        length = min(last, curve.max_rank)
        percent = cmc_curve(curve, length)
        axes.plot(
            range(1, length + 1), percent, lw=1.8, label=_label(f"{curve.name} ({percent[0]:.1f} % at 1)")
        )
    axes.set(xlabel="k", ylabel="correct person among the first k (%)", ylim=(0, 101))
    axes.set_xlim(1, max(2, last))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(axes, "lower right")


def normal_deviate(rates: Floats, resolution: float) -> Floats:
    """Returns the positions of error rates on a normal deviate axis.

    Args:
        rates: (k,) rates in 0..1.
        resolution: smallest distance from 0 and 1, in 0..0.5; closer rates are clipped.

    Returns:
        (k,) quantiles of the standard normal distribution.
    """
    quantile = NormalDist().inv_cdf
    return np.array([quantile(rate) for rate in np.clip(rates, resolution, 1 - resolution).tolist()])


def draw_det(figure: Figure, sets: Sequence[ScoreSet]) -> None:
    """Draws DET curves on normal deviate axes; sets without genuine or impostor scores are left out."""
    axes = figure.add_subplot()
    drawn = [(scores.name, points) for scores in sets if (points := det_points(scores)) is not None]
    for number, (name, points) in enumerate(drawn):
        (line,) = axes.plot(
            *_deviates(points, points.false_accept, points.false_reject), lw=1.8, label=_label(name)
        )
        if points.operating_point is not None:
            false_accept, false_reject = (np.array([rate]) for rate in points.operating_point)
            style: dict[str, Any] = {
                "marker": _MARKERS[number % len(_MARKERS)],
                "mfc": "none",
                "mew": 1.8,
                "ms": 9,
                "ls": "none",
            }
            position = _deviates(points, false_accept, false_reject)
            axes.plot(*position, color=line.get_color(), label=_label(f"{name}, at threshold"), **style)
    resolution = np.min([points.resolution for _, points in drawn], axis=0)
    _deviate_ticks(axes, *resolution.tolist())
    axes.set(xlabel="false accept rate (%)", ylabel="false reject rate (%)")
    _legend(axes, "best")


def _deviates(points: DetPoints, false_accept: Floats, false_reject: Floats) -> tuple[Floats, Floats]:
    return (
        normal_deviate(false_accept, points.resolution[0]),
        normal_deviate(false_reject, points.resolution[1]),
    )


def _deviate_ticks(axes: Axes, x_resolution: float, y_resolution: float) -> None:
    """Sets limits and ticks in percent; each axis ends at half the rate of one comparison."""
    for axis, resolution in ((axes.xaxis, x_resolution), (axes.yaxis, y_resolution)):
        shown = [rate for rate in _RATES if resolution <= rate <= 1 - resolution]
        axis.set_ticks(normal_deviate(np.array(shown), resolution), [f"{100 * rate:g}" for rate in shown])
    axes.set_xlim(*normal_deviate(np.array([0.0, 1.0]), x_resolution))
    axes.set_ylim(*normal_deviate(np.array([0.0, 1.0]), y_resolution))


def draw_scores(figure: Figure, scores: ScoreSet) -> None:
    """Draws histograms of genuine and impostor scores, with the threshold."""
    axes = figure.add_subplot()
    edges, *shares = histogram(scores)
    for share, part, kind in zip(
        shares, (scores.genuine, scores.impostor), ("genuine", "impostor"), strict=True
    ):
        if len(part):
            (line,) = axes.step(
                [*edges, edges[-1]], [0, *share, 0], where="pre", lw=1.6, label=f"{kind} ({len(part)})"
            )
            axes.fill_between(edges, [*share, 0], step="post", alpha=0.25, color=line.get_color())
    if scores.threshold is not None:
        axes.axvline(
            scores.threshold,
            color="C4",
            ls=(0, (6, 2)),
            lw=1.6,
            label=f"threshold {scores.threshold:.3g}",
        )
    axes.set(xlabel="score", ylabel="share of each kind (%)")
    axes.set_ylim(bottom=0)
    _legend(axes, "best")


def draw_confusion(figure: Figure, theme: Theme, predictions: WindowPredictions) -> None:
    """Draws a confusion matrix: true people on the x axis, predicted people on the y axis (Fig. 10)."""
    figure.set_layout_engine("compressed")  # the constrained layout cuts off the y label
    axes = figure.add_subplot()
    shares = confusion(predictions)
    colours = LinearSegmentedColormap.from_list("share", [theme.background, theme.lines[0], theme.foreground])
    scale = PowerNorm(0.5, vmin=0, vmax=shares.max())  # keeps small values visible
    image = axes.imshow(shares, cmap=colours, norm=scale, origin="lower", interpolation="nearest")
    names = predictions.display_names
    step = -(-len(names) // _MAX_TICKS)
    shown = range(0, len(names), step)
    axes.set_xticks(shown, [names[place] for place in shown], rotation=90, fontsize=7)
    rows, labels = list(shown), [names[place] for place in shown]
    if len(shares) > len(names):
        rows, labels = [*rows, len(names)], [*labels, "unknown"]
    axes.set_yticks(rows, labels, fontsize=7)
    axes.set(xlabel="true person", ylabel="predicted person")
    axes.grid(False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(True)
    figure.colorbar(image, ax=axes, label=f"share of all {predictions.unit} (%)", shrink=0.8)


def _label(name: str) -> str:
    """Returns a legend label; Matplotlib omits labels that start with an underscore."""
    return f" {name}" if name.startswith("_") else name


def _legend(axes: Axes, location: Literal["lower right", "best"]) -> None:
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles, [str(label) for label in labels], loc=location, fontsize=8.5)
