"""Training steps that are timed: ours, and the same in plain torch, on seeded synthetic windows.

The plain step is `encoder.model` under autograd in fp32, with the same losses and an Adam that is not fused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch

from encoder.attention import Attention, locality_mask
from encoder.model import GaitEncoder
from encoder.training.batch_losses import span_length_and_step
from encoder.training.contrast import Contrast, make_pairs, seeded_head
from encoder.training.losses import Losses, alignment_loss, contrastive_loss, reconstruction_loss
from encoder.training.pretext import make_pretext_batch
from encoder.training.spans import IntArray, Spans, epoch_batches
from encoder.training.train_config import TrainConfig
from encoder.weights import seeded_state

__all__ = ["PlainStep", "Step", "endless_batches", "synthetic_spans"]

Step = Callable[[IntArray, tuple[int, ...]], torch.Tensor]
"""Trains on rows of the spans with a seed; returns L_S, L_A and L_C (3, 3), axes [loss, dimension]."""


def synthetic_spans(config: TrainConfig, recordings: int = 64, windows: int = 16, seed: int = 0) -> Spans:
    """Returns random skeletons for training with `config`: `windows` windows of each of the recordings."""
    (pretext,) = config.pretexts
    length, _ = span_length_and_step(config, pretext)
    rng = np.random.RandomState(seed)
    skeletons = 0.3 * rng.standard_normal((recordings * windows, length, 20, 3))
    recording = np.repeat(np.arange(recordings), windows)
    names = tuple(f"recording {number}" for number in range(recordings))
    return Spans(skeletons.astype(np.float32), recording, names, ("",) * recordings, 0)


class PlainStep:
    """The step of `encoder.training.trainer.Trainer.train_step` in plain torch, without augmentation.

    Args:
        config: settings with one pretext task.
        spans: training data.
        device: device of the model.
    """

    def __init__(self, config: TrainConfig, spans: Spans, device: torch.device) -> None:
        (self._pretext,) = config.pretexts
        self._config = config
        self._spans = spans
        self._device = device
        shape = config.encoder_config(self._pretext, spans.joints)
        self.model = GaitEncoder(shape)
        self.model.load_state_dict(seeded_state(shape, config.seed))
        self.model.train().to(device)
        self.head = seeded_head(config.f, config.hidden, config.seed).to(device)
        self._parameters = [*self.model.parameters(), *self.head.parameters()]
        self._optimiser = torch.optim.Adam(
            self._parameters, lr=config.learning_rate, weight_decay=2 * config.l2_weight, foreach=False
        )

    def train_step(self, rows: IntArray, seed: tuple[int, ...]) -> torch.Tensor:
        """See `Step`."""
        config = self._config
        rng = np.random.RandomState(list(seed))
        batch = make_pretext_batch(self._pretext, self._spans.skeletons[rows], config.f, rng)
        inputs = torch.tensor(batch.inputs.copy(), device=self._device)
        targets = torch.tensor(batch.targets.copy(), device=self._device)
        self._optimiser.zero_grad()
        encoding = self.model(inputs, None if batch.auxiliary is None else targets)
        alignment = contrast = targets.new_zeros(3)
        if self.model.config.attention is Attention.LAS:
            mask = locality_mask(config.f, config.f, self.model.config.decoding)
            alignment = alignment_loss(encoding.alignment, mask.to(self._device))
        if config.contrast != Contrast.NONE:
            recordings = torch.from_numpy(self._spans.recording[rows]).to(self._device)
            pairs = make_pairs(Contrast(config.contrast), recordings, config.interval)
            contrast = contrastive_loss(self.head(encoding.contexts), pairs, config.temperature)
        losses = Losses(reconstruction_loss(encoding.reconstruction, targets), alignment, contrast)
        torch.autograd.backward(losses.weighted(config.weights))
        torch.nn.utils.clip_grad_value_(self._parameters, config.clip)
        self._optimiser.step()
        return torch.stack((losses.reconstruction, losses.alignment, losses.contrast)).detach()


def endless_batches(config: TrainConfig, spans: Spans) -> Iterator[IntArray]:
    """Yields complete batches without end."""
    epoch = 0
    while True:
        epoch += 1
        contrast = Contrast(config.contrast)
        yield from epoch_batches(
            spans, contrast, size=config.batch, reach=config.reach, seed=config.seed, epoch=epoch
        )
