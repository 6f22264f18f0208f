"""What a trained encoder does on average: its reconstruction loss and its alignment scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from encoder.attention import Attention, locality_mask
from encoder.model import GaitEncoder
from encoder.training.augment import margin
from encoder.training.losses import reconstruction_loss
from encoder.training.pretext import make_exercise, span_length
from encoder.training.spans import Spans
from encoder.training.train_config import TrainConfig

__all__ = ["WindowAverages", "average_windows"]

_CHUNK = 256
"""Windows computed at once."""


@dataclass(frozen=True, slots=True, eq=False)
class WindowAverages:
    """Means over windows.

    Attributes:
        windows: how many.
        reconstruction: L_S (Eq. 3), the sum of X, Y and Z, square metres a window.
        alignment: (3, f, f), axes [dimension, t, j]: a_t(j) of Eq. 4, with `mbas` times the locality mask,
            as it weighs the encoded states (Eq. 6); None without attention.
    """

    windows: int
    reconstruction: float
    alignment: NDArray[np.float64] | None


def average_windows(
    model: GaitEncoder, config: TrainConfig, spans: Spans, *, most: int = 4096, seed: int = 0
) -> WindowAverages:
    """Run an encoder on a sample of its training data, as in training, but without augmentation.

    As in training: with teacher forcing where the pretext task has it.

    Args:
        model: the encoder, on any device.
        config: what it was trained with; of one pretext task.
        spans: the training data, of `encoder.training.batch_losses.spans_length`.
        most: so many windows at most; all where there are fewer.
        seed: draws the sample, the same of the same spans.
    """
    (pretext,) = config.pretexts
    length = span_length(pretext, config.f)
    first = margin(config.augment, length)
    device = next(model.parameters()).device
    rows = np.sort(np.random.RandomState(seed).permutation(len(spans))[:most])
    draw = np.random.RandomState(seed)
    loss = 0.0
    scores = []
    for start in range(0, len(rows), _CHUNK):
        part = spans.skeletons[rows[start : start + _CHUNK], first : first + length]
        exercise = make_exercise(pretext, part, config.f, draw)
        inputs, targets = (
            torch.tensor(np.ascontiguousarray(skeletons), device=device)
            for skeletons in (exercise.inputs, exercise.targets)
        )
        with torch.inference_mode():
            encoding = model(inputs, None if exercise.auxiliary is None else targets)
            loss += len(part) * float(reconstruction_loss(encoding.reconstruction, targets).sum())
        if encoding.alignment is not None:
            scores.append(encoding.alignment.sum(dim=0, dtype=torch.float64).cpu().numpy())
    alignment = np.sum(scores, axis=0).transpose(1, 0, 2) / len(rows) if scores else None
    if alignment is not None and model.config.attention is Attention.MBAS:
        alignment = alignment * locality_mask(config.f, config.f, model.config.decoding).numpy()
    return WindowAverages(len(rows), loss / len(rows), alignment)
