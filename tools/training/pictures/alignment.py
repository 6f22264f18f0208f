"""Plots of attention matrices: average alignment scores, as in Fig. 4 of the paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from tools.training.pictures.canvas import COLOURS, empty_figure

__all__ = ["draw_alignment"]

_DIMENSIONS = ("X", "Y", "Z")
_MAX_NUMBERED = 16
"""Largest window, in skeletons, whose cells have room for a number."""
_BRIGHT = 0.55
"""Share of the colour scale above which numbers are black instead of white."""


def draw_alignment(
    scores: Mapping[str, NDArray[np.float64]], title: str, centres: Sequence[int] | None = None
) -> Figure:
    """Plots the matrices of X, Y and Z side by side, one row per attention type, on a common colour scale.

    The horizontal axis is the input skeleton j. The vertical axis is the output skeleton t, from 1 at the
    top. In reverse reconstruction, a skeleton corresponds to itself on the diagonal from upper right to lower
    left.

    Args:
        scores: a_t(j) by the name of the attention type, each (3, f, f), axes [dimension, t, j].
        title: title of the figure.
        centres: p_t of Eq. 5 for t = 1..f, counted from 1; these cells get a frame. None for a task without
            locality.

    Returns:
        The figure.

    Raises:
        ValueError: there are no scores, or their shapes differ from (3, f, f).
    """
    shapes = {matrices.shape for matrices in scores.values()}
    if len(shapes) != 1:
        raise ValueError(f"scores: expected matrices of one shape (3, f, f), got {sorted(shapes)}")
    (shape,) = shapes
    f = shape[-1]
    if shape != (3, f, f):
        raise ValueError(f"scores: expected (3, f, f), got {shape}")
    side = max(2.9, 0.42 * min(f, _MAX_NUMBERED) + 0.7)
    figure = empty_figure(3 * side + 1.0, len(scores) * side + 0.8)
    grid = figure.subplots(len(scores), 3, sharex=True, sharey=True, squeeze=False)
    norm = Normalize(0.0, max(float(matrices.max()) for matrices in scores.values()))
    for row, (name, matrices) in zip(grid, scores.items(), strict=True):
        for axes, dimension, matrix in zip(row, _DIMENSIONS, matrices, strict=True):
            image = _matrix(axes, matrix, norm, centres)
            axes.set_title(f"{name}, {dimension}")
        row[0].set_ylabel("output skeleton $t$")
    for axes in grid[-1]:
        axes.set_xlabel("input skeleton $j$")
    figure.colorbar(image, ax=grid, label="average alignment score", fraction=0.03, pad=0.02)
    figure.suptitle(title)
    return figure


def _matrix(
    axes: Axes, matrix: NDArray[np.float64], norm: Normalize, centres: Sequence[int] | None
) -> AxesImage:
    f = len(matrix)
    image = axes.imshow(matrix, norm=norm, cmap="viridis", extent=(0.5, f + 0.5, f + 0.5, 0.5))
    ticks = range(1, f + 1, 1 if f <= _MAX_NUMBERED else 8)
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)
    for t, p in enumerate(centres or (), start=1):
        axes.add_patch(
            Rectangle((p - 0.47, t - 0.47), 0.94, 0.94, fill=False, edgecolor=COLOURS[1], linewidth=1.2)
        )
    if f > _MAX_NUMBERED:
        return image
    for t, row in enumerate(matrix, start=1):
        for j, score in enumerate(row, start=1):
            colour = "black" if norm(score) > _BRIGHT else "white"
            axes.text(j, t, f"{score:.2f}", ha="center", va="center", color=colour, fontsize=8)
    return image
