"""Writes the plots that `sge-stream train` saves next to the weights."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from encoder.attention import Attention
from encoder.training.pretext import locality_centres
from encoder.training.spans import Spans
from encoder.training.trainer import Trainer
from tools.training.pictures.alignment import draw_alignment
from tools.training.pictures.canvas import save_png
from tools.training.pictures.loss_curves import draw_losses
from tools.training.window_averages import average_windows

__all__ = ["ATTENTION", "LOSSES", "write_pictures"]

LOSSES = "losses.png"
ATTENTION = "attention.png"


def write_pictures(trainer: Trainer, spans: Spans, folder: Path, out: Console) -> None:
    """Plots the losses over the epochs and, if the encoder has attention, its matrices (Fig. 4 of the paper).

    Args:
        trainer: the trainer, after training.
        spans: the training data.
        folder: folder for `losses.png` and `attention.png`.
        out: console for the names of the files written.

    Raises:
        RunError: a file cannot be written.
    """
    save_png(draw_losses(trainer.history), folder / LOSSES)
    out.print(f"wrote {folder / LOSSES}", highlight=False, soft_wrap=True)
    (pretext,) = trainer.config.pretexts
    attention = trainer.model.config.attention
    if attention is Attention.NONE:
        out.print(f"no {ATTENTION}: an encoder without attention has no alignment scores", highlight=False)
        return
    averages = average_windows(trainer.model, trainer.config, spans)
    assert averages.alignment is not None
    centres = locality_centres(pretext, trainer.config.f).tolist() if pretext.sequential else None
    title = f"Average alignment scores, {pretext}, {averages.windows:,} windows of the training data"
    figure = draw_alignment({attention.upper(): averages.alignment}, title, centres)
    save_png(figure, folder / ATTENTION)
    out.print(f"wrote {folder / ATTENTION}", highlight=False, soft_wrap=True)
