"""The pictures that `sge-stream train` leaves beside the weights."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from encoder.attention import Attention
from encoder.training.pretext import mask_centres
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
    """Draw the losses over the epochs, and the attention matrices (Fig. 4 of the paper) where there are any.

    Args:
        trainer: after its training.
        spans: the training data.
        folder: gets `losses.png` and `attention.png`.
        out: where it is told what was written.

    Raises:
        RunError: a file cannot be written.
    """
    save_png(draw_losses(trainer.history), folder / LOSSES)
    out.print(f"wrote {folder / LOSSES}", highlight=False, soft_wrap=True)
    (pretext,) = trainer.config.pretexts
    attention = trainer.model.config.attention
    if attention is Attention.NONE:
        out.print(f"no {ATTENTION}: attention none has no alignment scores", highlight=False)
        return
    averages = average_windows(trainer.model, trainer.config, spans)
    assert averages.alignment is not None
    centres = mask_centres(pretext, trainer.config.f).tolist() if pretext.sequential else None
    title = f"Average alignment scores, {pretext}, {averages.windows:,} windows of the training data"
    figure = draw_alignment({attention.upper(): averages.alignment}, title, centres)
    save_png(figure, folder / ATTENTION)
    out.print(f"wrote {folder / ATTENTION}", highlight=False, soft_wrap=True)
