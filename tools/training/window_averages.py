"""Average reconstruction loss and alignment scores of a trained encoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from encoder.attention import Attention, locality_mask
from encoder.model import GaitEncoder
from encoder.training.augment import stretch_margin
from encoder.training.losses import reconstruction_loss
from encoder.training.pretext import make_pretext_batch, span_length
from encoder.training.spans import Spans
from encoder.training.train_config import TrainConfig

__all__ = ["WindowAverages", "average_windows"]

_BATCH = 256
"""Windows per forward pass."""


@dataclass(frozen=True, slots=True, eq=False)
class WindowAverages:
    """Means over windows.

    Attributes:
        windows: number of windows.
        reconstruction: L_S (Eq. 3), summed over X, Y and Z, square metres per window.
        alignment: (3, f, f), axes [dimension, t, j]: a_t(j) of Eq. 4, with `mbas` times the locality mask,
            as in the weighting of the encoded states (Eq. 6); None without attention.
    """

    windows: int
    reconstruction: float
    alignment: NDArray[np.float64] | None


def average_windows(
    model: GaitEncoder, config: TrainConfig, spans: Spans, *, max_windows: int = 4096, seed: int = 0
) -> WindowAverages:
    """Runs an encoder on a random sample of its training data and averages its loss and scores.

    The forward pass is that of training, with teacher forcing if the pretext task uses it, but without
    augmentation.

    Args:
        model: the encoder, on any device.
        config: its training settings, for one pretext task.
        spans: the training data, of `encoder.training.batch_losses.span_length_and_step`.
        max_windows: maximum size of the sample.
        seed: seed of the sample; the same spans give the same sample.
    """
    (pretext,) = config.pretexts
    length = span_length(pretext, config.f)
    first = stretch_margin(config.augment, length)
    device = next(model.parameters()).device
    rows = np.sort(np.random.RandomState(seed).permutation(len(spans))[:max_windows])
    draw = np.random.RandomState(seed)
    loss = 0.0
    scores = []
    for start in range(0, len(rows), _BATCH):
        part = spans.skeletons[rows[start : start + _BATCH], first : first + length]
        batch = make_pretext_batch(pretext, part, config.f, draw)
        inputs, targets = (
            torch.tensor(np.ascontiguousarray(skeletons), device=device)
            for skeletons in (batch.inputs, batch.targets)
        )
        with torch.inference_mode():
            encoding = model(inputs, None if batch.auxiliary is None else targets)
            loss += len(part) * float(reconstruction_loss(encoding.reconstruction, targets).sum())
        if encoding.alignment is not None:
            scores.append(encoding.alignment.sum(dim=0, dtype=torch.float64).cpu().numpy())
    alignment = np.sum(scores, axis=0).transpose(1, 0, 2) / len(rows) if scores else None
    if alignment is not None and model.config.attention is Attention.MBAS:
        alignment = alignment * locality_mask(config.f, config.f, model.config.decoding).numpy()
    return WindowAverages(len(rows), loss / len(rows), alignment)
