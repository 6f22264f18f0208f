"""What all pictures share: an empty figure, a scale for losses, and the way into a file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from stream.errors import RunError

__all__ = ["COLOURS", "empty_figure", "epoch_axis", "loss_axis", "save_png"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
"""Four that people with colour blindness tell apart (Okabe and Ito)."""

_DPI = 150
_SPREAD = 20.0
"""From this ratio of largest to smallest on, a loss is drawn on a logarithmic scale."""
_TICKS = (1.0, 2.0, 5.0)


def empty_figure(width: float, height: float) -> Figure:
    """A figure whose parts make room for each other; sizes in inches."""
    return Figure(figsize=(width, height), dpi=_DPI, layout="constrained")


def loss_axis(axes: Axes, values: Iterable[float]) -> None:
    """Scale and grid of an ordinate of losses; logarithmic where they span more than a factor of 20.

    Args:
        axes: with the losses already drawn.
        values: what was drawn, 0 or more.
    """
    drawn = list(values)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if drawn and min(drawn) > 0 and max(drawn) > _SPREAD * min(drawn):
        axes.set_yscale("log", subs=list(_TICKS))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        low, high = axes.get_ylim()
        places = [tick * 10.0**power for power in range(-9, 10) for tick in _TICKS]
        axes.set_yticks([place for place in places if low <= place <= high])
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_minor_formatter(NullFormatter())


def epoch_axis(axes: Axes, first: float, last: float) -> None:
    """An abscissa of epochs with whole numbers on it, from the first epoch drawn to the last."""
    axes.set_xlim(first, last)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    axes.set_xlabel("epoch")


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure as PNG; a crash while writing leaves what was there.

    Raises:
        RunError: the file cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        figure.savefig(part, format="png", facecolor="white")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise RunError(
            f"{path}: the picture cannot be written ({error.strerror}); make room and start the same command "
            "again"
        ) from error
