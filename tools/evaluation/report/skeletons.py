"""Drawing of sample windows as skeletons side by side (paper, Fig. 11)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stream.body import FloatArray
from stream.skeleton import CANONICAL, LAYOUTS, to_canonical
from tools.evaluation.report.counts import Sample
from tools.evaluation.report.inputs import WindowPredictions
from tools.evaluation.report.theme import Theme

__all__ = ["LIMBS", "draw_samples", "place_side_by_side", "sample_size", "sample_title"]

LIMBS: tuple[tuple[str, ...], ...] = (
    ("Head", "ShoulderCenter", "Spine", "HipCenter"),
    ("ShoulderCenter", "ShoulderLeft", "ElbowLeft", "WristLeft", "HandLeft"),
    ("HipCenter", "HipLeft", "KneeLeft", "AnkleLeft", "FootLeft"),
    ("ShoulderCenter", "ShoulderRight", "ElbowRight", "WristRight", "HandRight"),
    ("HipCenter", "HipRight", "KneeRight", "AnkleRight", "FootRight"),
)
"""Lines of canonical joints that draw a body: trunk, left arm and leg, right arm and leg."""

_GAP = 0.25
"""Gap between neighbouring skeletons, metres."""


def place_side_by_side(window: FloatArray, layout: str) -> tuple[FloatArray, FloatArray]:
    """Places the skeletons of a window side by side, in the view of the sensor.

    Args:
        window: (f, J, 3) hip-centred metres, Y up, X to the sensor's left.
        layout: joint layout; layouts in `stream.skeleton.LAYOUTS` are mapped to the canonical 20 joints.

    Returns:
        Horizontal (f, J') and vertical (f, J') positions, metres; skeletons do not overlap.
    """
    joints = window
    if layout in LAYOUTS:
        joints, _ = to_canonical(LAYOUTS[layout], window, np.ones(window.shape[:-1], np.float32))
    across, up = -joints[..., 0], joints[..., 1]
    widths = np.nanmax(across, axis=1) - np.nanmin(across, axis=1)
    starts = np.concatenate([[0.0], np.cumsum(widths[:-1] + _GAP)])
    placed: FloatArray = across - np.nanmin(across, axis=1, keepdims=True) + starts[:, None]
    return placed.astype(np.float32), up


def sample_title(predictions: WindowPredictions, sample: Sample) -> str:
    """Returns a title such as `Id. 7, Pred. 12`, as in the paper."""
    truth, predicted = predictions.truth[sample.window], predictions.predicted[sample.window]
    return f"Id. {predictions.display_name(int(truth))}, Pred. {predictions.display_name(int(predicted))}"


def sample_size(samples: Sequence[Sample]) -> tuple[float, float]:
    """Returns the width and height of the plot, inches."""
    return 9.0, 0.4 + 2.0 * max(1, *(len(column) for column in _columns(samples)))


def _columns(samples: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    return [sample for sample in samples if sample.easy], [sample for sample in samples if not sample.easy]


def draw_samples(
    figure: Figure, theme: Theme, predictions: WindowPredictions, samples: Sequence[Sample]
) -> None:
    """Draws easy samples in the left column and hard samples in the right one, all at the same scale."""
    assert predictions.windows is not None
    columns = _columns(samples)
    grid = figure.subplots(max(map(len, columns)), 2, squeeze=False)
    placed = {
        sample: place_side_by_side(predictions.windows[sample.window], predictions.layout)
        for sample in samples
    }
    width = max(np.nanmax(across) for across, _ in placed.values())
    low, high = (edge([edge(up) for _, up in placed.values()]) for edge in (np.nanmin, np.nanmax))
    for place, (column, heading) in enumerate(zip(columns, ("easy", "hard"), strict=True)):
        for row, axes in enumerate(grid[:, place]):
            axes.set_axis_off()
            axes.set(xlim=(-_GAP / 2, width + _GAP / 2), ylim=(low - 0.05, high + 0.05), aspect="equal")
            if row < len(column):
                across, up = placed[column[row]]
                _draw_window(axes, theme, across + (width - np.nanmax(across)) / 2, up)
                axes.set_title(f"{heading}: {sample_title(predictions, column[row])}", fontsize=9.5)


def _draw_window(axes: Axes, theme: Theme, across: FloatArray, up: FloatArray) -> None:
    colours = (theme.foreground, *(theme.lines[0],) * 2, *(theme.lines[1],) * 2)
    canonical = across.shape[1] == len(CANONICAL)
    for right, high in zip(across, up, strict=True):
        if canonical:
            for limb, colour in zip(LIMBS, colours, strict=True):
                places = [CANONICAL.index(joint) for joint in limb]
                axes.plot(right[places], high[places], marker="o", ls="-", color=colour, lw=1.4, ms=2.2)
        else:
            axes.plot(right, high, "o", color=theme.foreground, ms=2.2)
