"""Computes the losses of a batch (Eq. 16) from rows of the training data."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from encoder.attention import Attention, locality_mask
from encoder.lstm import DIMENSIONS
from encoder.model import GaitEncoder
from encoder.pretext_tasks import Pretext
from encoder.training.augment import corrupt_inputs, stretch_margin, transform_spans
from encoder.training.contrast import Contrast, ContrastHead, make_pairs
from encoder.training.distributed import SINGLE_PROCESS, ProcessGroup
from encoder.training.losses import Losses, alignment_loss, contrastive_loss, reconstruction_loss
from encoder.training.pretext import make_pretext_batch, span_length
from encoder.training.spans import IntArray, Spans
from encoder.training.train_config import TrainConfig
from encoder.training.training_pass import training_pass
from stream.body import FloatArray
from stream.errors import UserError

__all__ = ["BatchLosses", "span_length_and_step"]


def span_length_and_step(config: TrainConfig, pretext: Pretext) -> tuple[int, int]:
    """Returns length and step of a task's training spans, for `encoder.training.spans.cut_spans`."""
    length = span_length(pretext, config.f)
    return length + 2 * stretch_margin(config.augment, length), max(1, config.f // 2)


class BatchLosses:
    """Computes the losses of batches, for one pretext task on one set of training data.

    Args:
        config: the settings, with one pretext task.
        spans: the training data, cut as `span_length_and_step` says.
        device: the device of the computation.
        group: the training processes; this process computes its share of each batch.

    Raises:
        UserError: mirroring is configured, but the joints have no known left and right.
    """

    def __init__(
        self, config: TrainConfig, spans: Spans, device: torch.device, group: ProcessGroup = SINGLE_PROCESS
    ) -> None:
        if config.augment.mirror and not spans.mirrored:
            raise UserError(
                f"mirror: expected the canonical 20 joints, which have a known left and right, got joints of "
                f"{spans.layout}; set mirror to 0"
            )
        (self._pretext,) = config.pretexts
        self._config = config
        self._spans = spans
        self._device = device
        self._group = group
        self._recording = torch.from_numpy(spans.recording)
        self._mask: Tensor | None = None
        if config.encoder_config(self._pretext).attention is Attention.LAS:
            self._mask = locality_mask(config.f, config.f, self._pretext.decoding).to(device)

    @property
    def contrasts(self) -> bool:
        """Whether the contrastive loss is part of the training, so that the projection head learns."""
        return self._config.contrast != Contrast.NONE and self._config.contrast_weight > 0

    def losses(
        self, model: GaitEncoder, head: ContrastHead, rows: IntArray, seed: tuple[int, ...], precision: str
    ) -> Losses:
        """Returns the losses of a batch.

        With several processes, reconstruction and alignment are this process's part of the joint batch's
        loss. The contrastive loss is that of the whole joint batch, with the gradient of this process's
        windows.

        Args:
            model: the encoder.
            head: the contrastive projection.
            rows: rows of the spans, the same in all processes.
            seed: the seed of augmentation and of the shuffles for sorting.
            precision: `fp32` or `bf16`.
        """
        config = self._config
        length = span_length(self._pretext, config.f)
        transformed = transform_spans(config.augment, self._spans.skeletons[rows], length, seed)
        batch = make_pretext_batch(self._pretext, transformed, config.f, np.random.RandomState(list(seed)))
        # Random numbers are drawn for the whole joint batch, so they do not depend on the number of
        # processes.
        share, count = self._group.share(len(rows)), len(rows)
        inputs = self._tensor(corrupt_inputs(config.augment, batch.inputs, seed)[share])
        targets = self._tensor(batch.targets[share])
        auxiliary = None if batch.auxiliary is None else targets
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        encoding = training_pass(model, inputs, auxiliary, dtype)
        alignment = contrast = targets.new_zeros(DIMENSIONS)
        if self._mask is not None and encoding.alignment is not None:
            alignment = alignment_loss(encoding.alignment, self._mask, count)
        if self.contrasts:
            recordings = self._recording[torch.from_numpy(rows)].to(self._device)
            pairs = make_pairs(Contrast(config.contrast), recordings, config.interval)
            z = self._group.gather(head(encoding.contexts), count)
            contrast = contrastive_loss(z, pairs, config.temperature)
        return Losses(reconstruction_loss(encoding.reconstruction, targets, count), alignment, contrast)

    def _tensor(self, skeletons: FloatArray) -> Tensor:
        # Copied into memory that torch allocates: the rounding of a product can depend on its alignment.
        return torch.tensor(skeletons.copy(), device=self._device)
