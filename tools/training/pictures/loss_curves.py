"""Plot of the losses of a training over its epochs."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from encoder.training.training_progress import EpochReport
from tools.training.pictures.canvas import COLOURS, empty_figure, epoch_axis, loss_axis

__all__ = ["draw_losses"]

_LOSSES = {
    "reconstruction": ("$L_S$, reconstruction", "square metres per window"),
    "alignment": ("$L_A$, alignment", "squared scores per window"),
    "contrast": ("$L_C$, contrast", "nats per sample"),
    "l2": (r"$\beta\,\|\Theta\|^2$, L2", "at the end of the epoch"),
}
_UNMARKED_FROM = 40
"""Number of epochs from which on curves have no markers."""


def draw_losses(history: Sequence[EpochReport]) -> Figure:
    """Plots L_S, L_A, L_C and L2 of each epoch, each on its own axis because their units differ.

    The first three are means over the epoch, summed over X, Y and Z, without their weights. A loss that is
    always 0 was not used in training and is omitted.

    Args:
        history: the reports of the finished epochs.

    Returns:
        The figure.

    Raises:
        ValueError: the history is empty.
    """
    if not history:
        raise ValueError("history: expected at least one epoch, got none")
    epochs = [report.epoch for report in history]
    drawn = {name: [float(getattr(report, name)) for report in history] for name in _LOSSES}
    drawn = {name: values for name, values in drawn.items() if any(values)}
    figure = empty_figure(7.0, 0.6 + 2.1 * len(drawn))
    rows = figure.subplots(len(drawn), 1, sharex=True, squeeze=False)[:, 0]
    marker = "" if len(history) >= _UNMARKED_FROM else "o"
    for axes, (name, values), colour in zip(rows, drawn.items(), COLOURS, strict=False):
        label, unit = _LOSSES[name]
        axes.plot(
            epochs, values, color=colour, marker=marker, markersize=4, label=f"{label}, last {values[-1]:.4g}"
        )
        axes.set_ylabel(unit)
        axes.legend(loc="best")
        loss_axis(axes, values)
    margin = 0.5 + 0.02 * (epochs[-1] - epochs[0])
    epoch_axis(rows[-1], epochs[0] - margin, epochs[-1] + margin)
    figure.align_ylabels(rows)
    figure.suptitle(f"Training losses, {len(history)} epoch{'s' if len(history) > 1 else ''}")
    return figure
