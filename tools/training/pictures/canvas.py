"""Common parts of the plots: colours, an empty figure, axes of losses and epochs, and PNG output."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from stream.errors import RunError
from stream.file_writing import replace_file

__all__ = ["COLOURS", "empty_figure", "epoch_axis", "loss_axis", "save_png"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
"""Colours that remain distinguishable with colour blindness (Okabe and Ito)."""

_DPI = 150
_LOG_RATIO = 20.0
"""Ratio of largest to smallest loss above which the scale is logarithmic."""
_TICKS = (1.0, 2.0, 5.0)
"""Ticks per decade of a logarithmic scale."""


def empty_figure(width: float, height: float) -> Figure:
    """Returns an empty figure with constrained layout; sizes in inches."""
    return Figure(figsize=(width, height), dpi=_DPI, layout="constrained")


def loss_axis(axes: Axes, values: Iterable[float]) -> None:
    """Sets the scale and grid of a loss axis; logarithmic if the losses span more than a factor of 20.

    Args:
        axes: axes on which the losses are already plotted.
        values: the losses plotted, 0 or more.
    """
    drawn = list(values)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if drawn and min(drawn) > 0 and max(drawn) > _LOG_RATIO * min(drawn):
        axes.set_yscale("log", subs=list(_TICKS))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        low, high = axes.get_ylim()
        ticks = [tick * 10.0**power for power in range(-9, 10) for tick in _TICKS]
        axes.set_yticks([tick for tick in ticks if low <= tick <= high])
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_minor_formatter(NullFormatter())


def epoch_axis(axes: Axes, first: float, last: float) -> None:
    """Sets a horizontal axis of epochs, from `first` to `last`, with integer ticks."""
    axes.set_xlim(first, last)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    axes.set_xlabel("epoch")


def save_png(figure: Figure, path: Path) -> None:
    """Writes a figure as PNG; an existing file is replaced only after a complete write.

    Raises:
        RunError: the file cannot be written.
    """
    coded = BytesIO()
    figure.savefig(coded, format="png", facecolor="white")
    try:
        replace_file(path, coded.getvalue())
    except OSError as error:
        raise RunError(
            f"{path}: the picture cannot be written ({error.strerror}); check the folder and the free space, "
            "and run the same command again"
        ) from error
