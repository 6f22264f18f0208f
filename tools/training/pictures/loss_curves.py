"""The losses of a training over its epochs."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from encoder.training.checkpoint import EpochReport
from tools.training.pictures.canvas import COLOURS, empty_figure, epoch_axis, loss_axis

__all__ = ["draw_losses"]

_LOSSES = {
    "reconstruction": ("$L_S$, reconstruction", "square metres a window"),
    "alignment": ("$L_A$, alignment", "squared scores a window"),
    "contrast": ("$L_C$, contrast", "nats a sample"),
    "l2": (r"$\beta\,\|\Theta\|^2$, L2", "at the end of the epoch"),
}
_MANY = 40
"""From so many epochs on, a curve has no marks."""


def draw_losses(history: Sequence[EpochReport]) -> Figure:
    """L_S, L_A, L_C and L2 of each epoch, each on an ordinate of its own: their units differ.

    The first three are means over the epoch, sums of X, Y and Z, and without their weights. One that is 0
    throughout was not trained with and is left out.

    Args:
        history: a report for each epoch done.

    Raises:
        ValueError: there is none.
    """
    if not history:
        raise ValueError("history: expected an epoch or more, got none")
    epochs = [report.epoch for report in history]
    drawn = {name: [float(getattr(report, name)) for report in history] for name in _LOSSES}
    drawn = {name: values for name, values in drawn.items() if any(values)}
    figure = empty_figure(7.0, 0.6 + 2.1 * len(drawn))
    rows = figure.subplots(len(drawn), 1, sharex=True, squeeze=False)[:, 0]
    mark = "" if len(history) >= _MANY else "o"
    for axes, (name, values), colour in zip(rows, drawn.items(), COLOURS, strict=False):
        label, unit = _LOSSES[name]
        axes.plot(
            epochs, values, color=colour, marker=mark, markersize=4, label=f"{label}, last {values[-1]:.4g}"
        )
        axes.set_ylabel(unit)
        axes.legend(loc="best")
        loss_axis(axes, values)
    beside = 0.5 + 0.02 * (epochs[-1] - epochs[0])
    epoch_axis(rows[-1], epochs[0] - beside, epochs[-1] + beside)
    figure.align_ylabels(rows)
    figure.suptitle(f"Losses of the training, {len(history)} epoch{'s' if len(history) > 1 else ''}")
    return figure
