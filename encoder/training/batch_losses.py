"""What a batch teaches: from rows of the training data to the losses of Eq. 16."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from encoder.attention import Attention, locality_mask
from encoder.lstm import DIMENSIONS
from encoder.model import GaitEncoder
from encoder.pretext_tasks import Pretext
from encoder.training.augment import disturb, margin, move
from encoder.training.contrast import Contrast, ContrastHead, make_pairs
from encoder.training.distributed import ALONE, Team
from encoder.training.losses import Losses, alignment_loss, contrastive_loss, reconstruction_loss
from encoder.training.pretext import make_exercise, span_length
from encoder.training.spans import IntArray, Spans
from encoder.training.train_config import TrainConfig
from encoder.training.training_pass import training_pass
from stream.body import FloatArray
from stream.errors import UserError

__all__ = ["Lesson", "spans_length"]


def spans_length(config: TrainConfig, pretext: Pretext) -> tuple[int, int]:
    """Length and step of a task's training spans, for `encoder.training.spans.cut_spans`."""
    length = span_length(pretext, config.f)
    return length + 2 * margin(config.augment, length), max(1, config.f // 2)


class Lesson:
    """One pretext task on one set of training data.

    Args:
        config: the settings; of one pretext task.
        spans: the training data, of `spans_length`.
        device: where it is computed.
        team: whose batches these are; this process learns its share of each.

    Raises:
        UserError: the skeletons cannot be mirrored.
    """

    def __init__(self, config: TrainConfig, spans: Spans, device: torch.device, team: Team = ALONE) -> None:
        if config.augment.mirror and not spans.mirrored:
            raise UserError(
                f"mirror: expected the canonical 20 joints, whose left and right are known, got joints of "
                f"{spans.layout}; set mirror to 0"
            )
        (self._pretext,) = config.pretexts
        self._config = config
        self._spans = spans
        self._device = device
        self._team = team
        self._recording = torch.from_numpy(spans.recording)
        self._mask: Tensor | None = None
        if config.encoder(self._pretext).attention is Attention.LAS:
            self._mask = locality_mask(config.f, config.f, self._pretext.decoding).to(device)

    @property
    def contrasts(self) -> bool:
        """Whether the contrastive projection learns anything."""
        return self._config.contrast != Contrast.NONE and self._config.contrast_weight > 0

    def losses(
        self, model: GaitEncoder, head: ContrastHead, rows: IntArray, seed: tuple[int, ...], precision: str
    ) -> Losses:
        """The losses of a batch.

        With several processes reconstruction and alignment are this one's part of the joint batch's, and the
        contrast is the joint batch's own, with the gradient of this one's windows.

        Args:
            model: the encoder.
            head: the contrastive projection.
            rows: of the spans, the same in all processes.
            seed: of augmentation and of the shuffles for sorting.
            precision: `fp32` or `bf16`.
        """
        config = self._config
        length = span_length(self._pretext, config.f)
        moved = move(config.augment, self._spans.skeletons[rows], length, seed)
        exercise = make_exercise(self._pretext, moved, config.f, np.random.RandomState(list(seed)))
        # All is drawn for the joint batch, so that it does not matter how many processes share it.
        share, count = self._team.share(len(rows)), len(rows)
        inputs = self._tensor(disturb(config.augment, exercise.inputs, seed)[share])
        targets = self._tensor(exercise.targets[share])
        auxiliary = None if exercise.auxiliary is None else targets
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        encoding = training_pass(model, inputs, auxiliary, dtype)
        alignment = contrast = targets.new_zeros(DIMENSIONS)
        if self._mask is not None and encoding.alignment is not None:
            alignment = alignment_loss(encoding.alignment, self._mask, count)
        if self.contrasts:
            recordings = self._recording[torch.from_numpy(rows)].to(self._device)
            pairs = make_pairs(Contrast(config.contrast), recordings, config.interval)
            z = self._team.gather(head(encoding.contexts), count)
            contrast = contrastive_loss(z, pairs, config.temperature)
        return Losses(reconstruction_loss(encoding.reconstruction, targets, count), alignment, contrast)

    def _tensor(self, skeletons: FloatArray) -> Tensor:
        # A copy in torch's own memory: how a product rounds may depend on where its rows lie.
        return torch.tensor(skeletons.copy(), device=self._device)
