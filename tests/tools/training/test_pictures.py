"""Plots show the given values, and a saved file is a PNG of the figure's size."""

from __future__ import annotations

import struct
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from encoder.training.training_progress import EpochReport
from stream.errors import RunError
from tools.training.pictures.alignment import draw_alignment
from tools.training.pictures.attention_losses import draw_final_losses, draw_training_curves
from tools.training.pictures.canvas import empty_figure, save_png
from tools.training.pictures.loss_curves import draw_losses


def history(epochs: int, *, alignment: float = 0.25, contrast: float = 9.0) -> list[EpochReport]:
    return [
        EpochReport(e, 2.0 / e, alignment / e, contrast - 0.1 * e, 50.0 + e, 100, 1.5)
        for e in range(1, epochs + 1)
    ]


def png_size(path: Path) -> tuple[int, int]:
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def plotted_lines(figure: Figure) -> list[list[float]]:
    return [np.asarray(line.get_ydata()).tolist() for axes in figure.axes for line in axes.get_lines()]


def matrices(seed: int, f: int = 4) -> NDArray[np.float64]:
    scores = np.random.RandomState(seed).random_sample((3, f, f))
    return np.asarray(scores / scores.sum(axis=-1, keepdims=True))


def clipped_labels(figure: Figure) -> list[str]:
    """Returns the labels that leave the figure or overlap."""
    FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
    frame = figure.bbox
    texts = [t for axes in figure.axes for t in (axes.xaxis.label, axes.yaxis.label, axes.title)]
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts if t.get_text()]
    overlapping = [a for (a, one), (_, other) in combinations(boxes, 2) if one.overlaps(other)]
    return overlapping + [
        text
        for text, box in boxes
        if box.x0 < frame.x0 or box.x1 > frame.x1 or box.y0 < frame.y0 or box.y1 > frame.y1
    ]


def test_plotted_losses_are_those_of_the_history() -> None:
    reports = history(3)
    figure = draw_losses(reports)
    assert plotted_lines(figure) == [
        [r.reconstruction for r in reports],
        [r.alignment for r in reports],
        [r.contrast for r in reports],
        [r.l2 for r in reports],
    ]
    assert figure.axes[0].get_ylabel() == "square metres per window"
    assert np.asarray(figure.axes[0].get_lines()[0].get_xdata()).tolist() == [1, 2, 3]
    assert [axes.get_legend() is not None for axes in figure.axes] == [True] * 4


def test_an_unused_loss_is_omitted() -> None:
    figure = draw_losses(history(2, alignment=0.0))
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "square metres per window",
        "nats per sample",
        "at the end of the epoch",
    ]


def test_a_wide_range_of_losses_has_a_logarithmic_scale() -> None:
    assert draw_losses(history(60)).axes[0].get_yscale() == "log"
    assert draw_losses(history(3)).axes[0].get_yscale() == "linear"


def test_epoch_ticks_are_integers() -> None:
    for epochs in (1, 2, 50):
        axes = draw_losses(history(epochs)).axes[-1]
        assert all(tick == int(tick) for tick in axes.get_xticks())


def test_an_empty_history_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one epoch"):
        draw_losses([])


def test_an_attention_matrix_has_outputs_as_rows_and_a_number_in_each_cell() -> None:
    scores = matrices(1)
    figure = draw_alignment({"LAS": scores}, "scores", centres=[4, 3, 2, 1])
    for dimension, axes in enumerate(figure.axes[:3]):
        assert axes.get_title() == f"LAS, {'XYZ'[dimension]}"
        np.testing.assert_array_equal(np.asarray(axes.images[0].get_array()), scores[dimension])
        cells = {text.get_position(): text.get_text() for text in axes.texts}
        assert cells == {(j + 1, t + 1): f"{scores[dimension, t, j]:.2f}" for t in range(4) for j in range(4)}
        low, high = axes.get_ylim()
        assert low > high  # the first output skeleton is at the top
        framed = {(round(p.get_center()[0]), round(p.get_center()[1])) for p in axes.patches}  # type: ignore[attr-defined]
        assert framed == {(4, 1), (3, 2), (2, 3), (1, 4)}
    assert figure.axes[0].get_ylabel() == "output skeleton $t$"
    assert figure.axes[0].get_xlabel() == "input skeleton $j$"


def test_matrices_of_several_attention_types_share_a_colour_scale() -> None:
    figure = draw_alignment({"BAS": matrices(1) / 2, "LAS": matrices(2)}, "scores")
    images = [image for axes in figure.axes for image in axes.images]
    assert len(images) == 6
    assert {image.get_clim() for image in images} == {(0.0, float(matrices(2).max()))}


def test_cells_of_long_windows_have_no_numbers() -> None:
    figure = draw_alignment({"BAS": matrices(1, f=24)}, "scores")
    assert not figure.axes[0].texts


@pytest.mark.parametrize(
    "scores", [{}, {"BAS": np.zeros((2, 4, 4))}, {"BAS": np.zeros((3, 4, 4)), "LAS": np.zeros((3, 5, 5))}]
)
def test_other_shapes_are_refused(scores: dict[str, NDArray[np.float64]]) -> None:
    with pytest.raises(ValueError, match=r"\(3, f, f\)"):
        draw_alignment(scores, "scores")


def test_curves_show_the_mean_and_range_of_seeds() -> None:
    epochs = np.array([0.25, 0.75, 1.25])
    values = np.array([[3.0, 2.0, 1.0], [5.0, 2.0, 2.0]])
    figure = draw_training_curves(epochs, {"BAS": values, "LAS": values / 2}, "curves")
    (axes,) = figure.axes
    assert plotted_lines(figure) == [[4.0, 2.0, 1.5], [2.0, 1.0, 0.75]]
    corners = axes.collections[0].get_paths()[0].vertices
    assert {(0.25, 3.0), (0.25, 5.0), (1.25, 1.0), (1.25, 2.0)} <= {
        tuple(c) for c in np.asarray(corners).tolist()
    }
    assert axes.get_xlim() == (0.0, 2.0)
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["BAS", "LAS"]
    assert legend.get_title().get_text() == "mean and range of 2 seeds"


def test_bars_show_the_mean_and_the_seeds() -> None:
    without, with_it = np.array([[1.0, 3.0], [4.0, 4.0]]), np.array([[1.0, 2.0], [0.5, 1.5]])
    figure = draw_final_losses(["BAS", "LAS"], {"No LCL": without, "LCL": with_it}, "final")
    (axes,) = figure.axes
    heights = [bar.get_height() for bar in axes.patches]  # type: ignore[attr-defined]
    assert heights == [2.0, 4.0, 1.5, 1.0]
    assert plotted_lines(figure) == [[1.0, 3.0, 4.0, 4.0], [1.0, 2.0, 0.5, 1.5]]
    assert [text.get_text() for text in axes.texts] == ["2", "4", "1.5", "1"]
    assert axes.get_ylim()[0] == 0


@pytest.mark.slow
def test_no_label_is_clipped() -> None:
    three = {name: matrices(i, f=6) for i, name in enumerate(("BAS", "MBAS", "LAS"))}
    values = np.array([[3.0, 2.0]])
    for figure in (
        draw_losses(history(1)),
        draw_alignment(three, "scores", centres=range(6, 0, -1)),
        draw_training_curves(np.array([0.5, 1.5]), {"BAS": values}, "curves"),
        draw_final_losses(["BAS", "LAS"], {"No LCL": values.T, "LCL": values.T}, "final"),
    ):
        assert clipped_labels(figure) == []


def test_a_saved_file_is_a_png_of_the_figures_size(tmp_path: Path) -> None:
    path = tmp_path / "losses.png"
    figure = draw_losses(history(2))
    save_png(figure, path)
    assert png_size(path) == tuple(int(side * figure.dpi) for side in figure.get_size_inches())
    assert [p.name for p in tmp_path.iterdir()] == ["losses.png"]
    first = path.read_bytes()
    save_png(draw_losses(history(3)), path)
    assert path.read_bytes() != first


def test_an_unwritable_target_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="the picture cannot be written"):
        save_png(empty_figure(2, 2), tmp_path / "none" / "a.png")
