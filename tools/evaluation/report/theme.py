"""Colours of plots on a light and on a dark page, and rendering to PNG."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from cycler import cycler
from matplotlib import rc_context
from matplotlib.figure import Figure

__all__ = ["DARK", "LIGHT", "Theme", "png"]

_DPI = 150


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of the plots and of the page.

    Attributes:
        name: `light` or `dark`.
        background: colour of the background.
        foreground: colour of text, axes, and the trunk of a body.
        grid: colour of grids and separators.
        lines: colours of curves, distinguishable with colour blindness (Okabe and Ito).
    """

    name: str
    background: str
    foreground: str
    grid: str
    lines: tuple[str, ...]

    @property
    def settings(self) -> dict[str, object]:
        """Matplotlib settings. Math text is disabled, since names may contain a dollar sign."""
        foreground_keys = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
        background_keys = ("figure.facecolor", "axes.facecolor", "savefig.facecolor", "legend.facecolor")
        styles, colours = ["-", "--", "-.", ":"], len(self.lines)
        # Each cycle of the colours starts with the next line style, so that 24 curves are distinguishable.
        looks = [
            (self.lines[number % colours], styles[(number + number // colours) % len(styles)])
            for number in range(colours * len(styles))
        ]
        return {
            **dict.fromkeys(foreground_keys, self.foreground),
            **dict.fromkeys(background_keys, self.background),
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.prop_cycle": cycler(
                color=[look[0] for look in looks], linestyle=[look[1] for look in looks]
            ),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "font.size": 9.5,
            "grid.color": self.grid,
            "grid.linewidth": 0.6,
            "legend.edgecolor": self.grid,
            "legend.framealpha": 0.9,
            "text.parse_math": False,
        }


LIGHT = Theme(
    "light",
    "#ffffff",
    "#1b1f24",
    "#d5d9de",
    ("#0072b2", "#d55e00", "#009e73", "#a6428a", "#7a5c00", "#4d4d4d"),
)
DARK = Theme(
    "dark",
    "#14181d",
    "#e6e9ed",
    "#3a424c",
    ("#56b4e9", "#f0903c", "#2fc79a", "#e39ac8", "#f0e442", "#b8bec6"),
)


def png(draw: Callable[[Figure, Theme], None], size: tuple[float, float], theme: Theme) -> bytes:
    """Renders a plot as PNG; the same data give the same bytes.

    Args:
        draw: function that draws on an empty figure.
        size: width and height, inches.
        theme: colours.
    """
    settings: Any = theme.settings
    with rc_context(settings):
        figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
        draw(figure, theme)
        out = BytesIO()
        figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
