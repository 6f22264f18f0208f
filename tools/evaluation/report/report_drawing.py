"""The pictures of curves, scores and confusions."""

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
from tools.evaluation.report.inputs import NamedWindows, RankCurve, ScoreSet
from tools.evaluation.report.theme import Theme

__all__ = ["CMC_PLACES", "cmc_picture", "confusion_picture", "det_picture", "normal_deviate", "score_picture"]

CMC_PLACES = 50
"""A CMC is drawn no farther than this; its CSV goes to the end."""

_RATES = (0.0001, 0.001, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99, 0.999)
_MARKERS = ("o", "s", "^", "D", "v", "P")
_NAMED_TICKS = 40
"""From more people on, not every one of a confusion matrix has a number at the axes."""


def cmc_picture(figure: Figure, curves: Sequence[RankCurve]) -> None:
    """Rank-k over k, a curve a method."""
    axes = figure.add_subplot()
    last = min(CMC_PLACES, max(curve.places for curve in curves))
    for curve in curves:
        length = min(last, curve.places)
        percent = cmc_curve(curve, length)
        axes.plot(
            range(1, length + 1), percent, lw=1.8, label=_label(f"{curve.name} ({percent[0]:.1f} % at 1)")
        )
    axes.set(xlabel="k", ylabel="own person found among the first k (%)", ylim=(0, 101))
    axes.set_xlim(1, max(2, last))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _legend(axes, "lower right")


def normal_deviate(rates: Floats, finest: float) -> Floats:
    """Where error rates stand on an axis of normal deviates.

    Args:
        rates: (k,) in 0..1.
        finest: rates nearer than this to 0 or 1 are drawn as this near; in 0..0.5.

    Returns:
        (k,) the standard normal distribution's quantiles.
    """
    quantile = NormalDist().inv_cdf
    return np.array([quantile(rate) for rate in np.clip(rates, finest, 1 - finest).tolist()])


def det_picture(figure: Figure, sets: Sequence[ScoreSet]) -> None:
    """Both errors against each other on axes of normal deviates; sets that lack one kind are left out."""
    axes = figure.add_subplot()
    drawn = [(scores.name, points) for scores in sets if (points := det_points(scores)) is not None]
    for turn, (name, points) in enumerate(drawn):
        (line,) = axes.plot(*_deviates(points, points.accepted, points.refused), lw=1.8, label=_label(name))
        if points.chosen is not None:
            accepted, refused = (np.array([rate]) for rate in points.chosen)
            look: dict[str, Any] = {
                "marker": _MARKERS[turn % len(_MARKERS)],
                "mfc": "none",
                "mew": 1.8,
                "ms": 9,
                "ls": "none",
            }
            place = _deviates(points, accepted, refused)
            axes.plot(*place, color=line.get_color(), label=_label(f"{name}, as decided"), **look)
    finest = np.min([points.finest for _, points in drawn], axis=0)
    _deviate_ticks(axes, *finest.tolist())
    axes.set(xlabel="impostors accepted (%)", ylabel="genuine refused (%)")
    _legend(axes, "best")


def _deviates(points: DetPoints, accepted: Floats, refused: Floats) -> tuple[Floats, Floats]:
    return normal_deviate(accepted, points.finest[0]), normal_deviate(refused, points.finest[1])


def _deviate_ticks(axes: Axes, x_least: float, y_least: float) -> None:
    """Percents at both axes, which reach to half of what one comparison counts."""
    for axis, least in ((axes.xaxis, x_least), (axes.yaxis, y_least)):
        shown = [rate for rate in _RATES if least <= rate <= 1 - least]
        axis.set_ticks(normal_deviate(np.array(shown), least), [f"{100 * rate:g}" for rate in shown])
    axes.set_xlim(*normal_deviate(np.array([0.0, 1.0]), x_least))
    axes.set_ylim(*normal_deviate(np.array([0.0, 1.0]), y_least))


def score_picture(figure: Figure, scores: ScoreSet) -> None:
    """Histograms of genuine and impostor scores, with the threshold."""
    axes = figure.add_subplot()
    edges, *shares = histogram(scores)
    for share, part, what in zip(
        shares, (scores.genuine, scores.impostor), ("genuine", "impostors"), strict=True
    ):
        if len(part):
            (line,) = axes.step(
                [*edges, edges[-1]], [0, *share, 0], where="pre", lw=1.6, label=f"{what} ({len(part)})"
            )
            axes.fill_between(edges, [*share, 0], step="post", alpha=0.25, color=line.get_color())
    if scores.threshold is not None:
        axes.axvline(
            scores.threshold,
            color="C4",
            ls=(0, (6, 2)),
            lw=1.6,
            label=f"accepted from {scores.threshold:.3g}",
        )
    axes.set(xlabel="score", ylabel="share of each kind (%)")
    axes.set_ylim(bottom=0)
    _legend(axes, "best")


def confusion_picture(figure: Figure, theme: Theme, named: NamedWindows) -> None:
    """The paper's Fig. 10: who walks along, who is named up, and the share of all windows."""
    figure.set_layout_engine(
        "compressed"
    )  # the other one cuts off the label of an ordinate that cannot widen
    axes = figure.add_subplot()
    shares = confusion(named)
    colours = LinearSegmentedColormap.from_list("share", [theme.face, theme.lines[0], theme.ink])
    scale = PowerNorm(0.5, vmin=0, vmax=shares.max())  # or the few windows off the diagonal would not be seen
    image = axes.imshow(shares, cmap=colours, norm=scale, origin="lower", interpolation="nearest")
    names = named.shown_names
    step = -(-len(names) // _NAMED_TICKS)
    shown = range(0, len(names), step)
    axes.set_xticks(shown, [names[place] for place in shown], rotation=90, fontsize=7)
    ups, labels = list(shown), [names[place] for place in shown]
    if len(shares) > len(names):
        ups, labels = [*ups, len(names)], [*labels, "unknown"]
    axes.set_yticks(ups, labels, fontsize=7)
    axes.set(xlabel="who walks", ylabel="who is named")
    axes.grid(False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(True)
    figure.colorbar(image, ax=axes, label=f"share of all {named.unit} (%)", shrink=0.8)


def _label(name: str) -> str:
    """The name in a legend, which would leave out those that begin with an underscore."""
    return f" {name}" if name.startswith("_") else name


def _legend(axes: Axes, place: Literal["lower right", "best"]) -> None:
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles, [str(label) for label in labels], loc=place, fontsize=8.5)
