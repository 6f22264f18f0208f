"""Plots that compare attention types by reconstruction loss, as in Fig. 5 and Fig. 6 of the paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tools.training.pictures.canvas import COLOURS, empty_figure, loss_axis

__all__ = ["draw_final_losses", "draw_training_curves"]

_UNIT = "reconstruction loss $L_S$, square metres per window"
_STYLES = ("-", "-", "-.", "--")
"""Line styles of the curves; they differ because BAS and LAS may overlap."""


def draw_training_curves(
    epochs: NDArray[np.float64], curves: Mapping[str, NDArray[np.float64]], title: str
) -> Figure:
    """Plots reconstruction loss over training time, one curve per attention type (Fig. 5).

    The line is the mean over the seeds; the band shows their range.

    Args:
        epochs: (p,) epochs since the start of training, of each point.
        curves: losses by the name of the attention type, each (s, p) square metres, one row per seed.
        title: title of the figure.

    Returns:
        The figure.
    """
    figure = empty_figure(8.0, 5.0)
    axes = figure.subplots()
    for (name, values), colour, style in zip(curves.items(), COLOURS, _STYLES, strict=False):
        axes.plot(epochs, values.mean(axis=0), style, color=colour, linewidth=1.8, label=name)
        if len(values) > 1:
            low, high = values.min(axis=0), values.max(axis=0)
            axes.fill_between(epochs, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.set_ylabel(_UNIT)
    axes.legend(title=_legend(curves))
    loss_axis(axes, (float(v) for values in curves.values() for v in values.ravel()))
    axes.set_xlim(0.0, float(np.ceil(epochs[-1])))
    axes.set_xlabel("epochs since the start of training")
    axes.set_title(title)
    return figure


def draw_final_losses(names: Sequence[str], cases: Mapping[str, NDArray[np.float64]], title: str) -> Figure:
    """Plots reconstruction loss at the end of training, with and without contrastive learning (Fig. 6).

    A bar is the mean over the seeds, with its value above; a dot is one seed.

    Args:
        names: names of the attention types.
        cases: losses by the name of the case, each (a, s) square metres, one row per attention type, one
            column per seed.
        title: title of the figure.

    Returns:
        The figure.
    """
    figure = empty_figure(8.0, 5.0)
    axes = figure.subplots()
    width = 0.8 / len(cases)
    for i, ((case, values), colour) in enumerate(zip(cases.items(), COLOURS, strict=False)):
        positions = np.arange(len(names)) + (i - (len(cases) - 1) / 2) * width
        bars = axes.bar(positions, values.mean(axis=1), 0.94 * width, color=colour, alpha=0.75, label=case)
        highest = values.max(axis=1)
        for bar, top in zip(bars, highest, strict=True):
            middle = bar.get_x() + bar.get_width() / 2
            axes.annotate(
                f"{bar.get_height():.4g}",
                (middle, float(top)),
                xytext=(0, 5),
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize=9,
            )
        if values.shape[1] > 1:
            axes.plot(np.repeat(positions, values.shape[1]), values.ravel(), "o", color="black", markersize=3)
    axes.set_xticks(range(len(names)), labels=list(names))
    axes.set_ylabel(_UNIT)
    axes.margins(y=0.12)
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    figure.legend(loc="outside lower center", ncols=len(cases))
    axes.set_title(title)
    return figure


def _legend(curves: Mapping[str, NDArray[np.float64]]) -> str | None:
    seeds = len(next(iter(curves.values())))
    return f"mean and range of {seeds} seeds" if seeds > 1 else None
