"""How pictures look on a light and on a dark page, and how they become PNG."""

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
    """Colours of a picture; those of the page are the same.

    Attributes:
        name: `light` or `dark`.
        face: behind everything.
        ink: text, axes, and the middle of a body.
        faint: grids and help lines.
        lines: of curves, told apart by people with colour blindness (Okabe and Ito).
    """

    name: str
    face: str
    ink: str
    faint: str
    lines: tuple[str, ...]

    @property
    def settings(self) -> dict[str, object]:
        """Matplotlib's settings. No text is taken for mathematics: names may hold a dollar sign."""
        inked = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
        faced = ("figure.facecolor", "axes.facecolor", "savefig.facecolor", "legend.facecolor")
        styles, colours = ["-", "--", "-.", ":"], len(self.lines)
        # Each round of the colours begins with the next style, so that no two of 24 curves look alike.
        turns = [
            (self.lines[turn % colours], styles[(turn + turn // colours) % len(styles)])
            for turn in range(colours * len(styles))
        ]
        return {
            **dict.fromkeys(inked, self.ink),
            **dict.fromkeys(faced, self.face),
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.prop_cycle": cycler(
                color=[turn[0] for turn in turns], linestyle=[turn[1] for turn in turns]
            ),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "font.size": 9.5,
            "grid.color": self.faint,
            "grid.linewidth": 0.6,
            "legend.edgecolor": self.faint,
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
    """A picture, the same bytes for the same data.

    Args:
        draw: draws on an empty figure.
        size: inches, width and height.
        theme: its colours.
    """
    settings: Any = theme.settings
    with rc_context(settings):
        figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
        draw(figure, theme)
        out = BytesIO()
        figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
