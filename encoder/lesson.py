"""What a batch teaches: from rows of the training data to the losses of Eq. 16."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from encoder.attention import Attention
from encoder.augment import disturb, margin, move
from encoder.contrast import Contrast, ContrastHead, make_pairs
from encoder.dataset import IntArray, Spans
from encoder.losses import Losses, alignment_loss, contrastive_loss, locality, reconstruction_loss
from encoder.lstm import DIMENSIONS
from encoder.model import GaitEncoder
from encoder.pretext import Pretext, make_exercise, mask_centres, span_length
from encoder.settings import TrainConfig
from encoder.training_pass import training_pass
from stream.body import FloatArray

__all__ = ["Lesson", "spans_length"]


def spans_length(config: TrainConfig, pretext: Pretext) -> tuple[int, int]:
    """The length and the step of the spans that a task is trained on, for `encoder.dataset.cut_spans`."""
    length = span_length(pretext, config.f)
    return length + 2 * margin(config.augment, length), max(1, config.f // 2)


class Lesson:
    """One pretext task on one set of training data.

    Args:
        config: the settings; of one pretext task.
        spans: the training data, of `spans_length`.
        device: where it is computed.
    """

    def __init__(self, config: TrainConfig, spans: Spans, device: torch.device) -> None:
        (self._pretext,) = config.pretexts
        self._config = config
        self._spans = spans
        self._device = device
        self._recording = torch.from_numpy(spans.recording)
        self._mask: Tensor | None = None
        if config.encoder(self._pretext).attention is Attention.LAS:
            self._mask = locality(mask_centres(self._pretext, config.f), config.f).to(device)

    @property
    def contrasts(self) -> bool:
        """Whether the contrastive projection learns anything."""
        return self._config.contrast != Contrast.NONE and self._config.contrast_weight > 0

    def losses(
        self, model: GaitEncoder, head: ContrastHead, rows: IntArray, seed: tuple[int, ...], precision: str
    ) -> Losses:
        """The losses of a batch.

        Args:
            model: the encoder.
            head: the contrastive projection.
            rows: of the spans.
            seed: of augmentation and of the shuffles for sorting.
            precision: `fp32` or `bf16`.
        """
        config = self._config
        length = span_length(self._pretext, config.f)
        moved = move(config.augment, self._spans.skeletons[rows], length, seed)
        exercise = make_exercise(self._pretext, moved, config.f, np.random.RandomState(list(seed)))
        inputs = self._tensor(disturb(config.augment, exercise.inputs, seed))
        targets = self._tensor(exercise.targets)
        auxiliary = None if exercise.auxiliary is None else targets
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        encoding = training_pass(model, inputs, auxiliary, dtype)
        alignment = contrast = targets.new_zeros(DIMENSIONS)
        if self._mask is not None and encoding.alignment is not None:
            alignment = alignment_loss(encoding.alignment, self._mask)
        if self.contrasts:
            recordings = self._recording[torch.from_numpy(rows)].to(self._device)
            pairs = make_pairs(Contrast(config.contrast), recordings, config.interval)
            contrast = contrastive_loss(head(encoding.contexts), pairs, config.temperature)
        return Losses(reconstruction_loss(encoding.reconstruction, targets), alignment, contrast)

    def _tensor(self, skeletons: FloatArray) -> Tensor:
        # A copy in torch's own memory: how a product rounds may depend on where its rows lie.
        return torch.tensor(np.ascontiguousarray(skeletons), device=self._device)
