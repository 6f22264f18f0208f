"""Training of the recognition network, selected on validation windows of the training people's own walks.

Cross-entropy and Adam on batches of 128 (paper, Sec. 3.3.3; with AP every skeleton has its window's label).
It differs from the paper in three points:

- The published code kept the network that was best on the *test* windows. Here windows of the training
  people are held out for validation, and the epoch with the best validation result is kept.
- CAGEs are standardised first, each of their D numbers over the training windows (`standardise`). On 20
  people of KGBD, untrained CAGEs, 40 epochs at 5e-4: Rank-1 58 without and 83 with it (AP), 66 and 84 (SC).
- The learning rate starts at 2e-3 and falls to 0 in 6 epochs (AP) or 12 (SC), because users wait for it.
  On 100 people with 100 windows each, untrained CAGEs, that recognised 71 % of the validation windows with AP
  and 67 % with SC; the paper's constant 5e-4 recognised 69 % and 68 % after 40 and 29 epochs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from gallery.recognition.network import Recogniser, RecognitionNetwork, Strategy
from stream.body import FloatArray

__all__ = ["EpochResult", "RecognitionConfig", "TrainingResult", "split_walk_ends", "train_recogniser"]

BoolArray = NDArray[np.bool_]

_BLOCK = 1024  # windows evaluated at once


@dataclass(frozen=True, slots=True)
class RecognitionConfig:
    """Settings of a training.

    Attributes:
        strategy: AP or SC.
        hidden: units of the hidden layer, at least 1.
        learning_rate: initial, of Adam, above 0; it falls linearly to 0.
        batch: samples of a step, at least 1: skeletons with AP, windows with SC.
        epochs: 0 for the default: 6 with AP, whose epoch has f times as many steps, and 12 with SC.
        standardise: scale each number of a CAGE to mean 0 and standard deviation 1.
        seed: of the first weights and the order of the windows.

    Raises:
        ValueError: a value is out of bounds.
    """

    strategy: Strategy = Strategy.AP
    hidden: int = 256
    learning_rate: float = 2e-3
    batch: int = 128
    epochs: int = 0
    standardise: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for name, minimum in (("hidden", 1), ("batch", 1), ("epochs", 0)):
            if getattr(self, name) < minimum:
                raise ValueError(f"{name}: expected at least {minimum}, got {getattr(self, name)}")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate: expected a number above 0, got {self.learning_rate}")

    @property
    def trained_epochs(self) -> int:
        """The number of epochs, with the default resolved."""
        return self.epochs or (6 if self.strategy is Strategy.AP else 12)


@dataclass(frozen=True, slots=True)
class EpochResult:
    """One epoch of training.

    Attributes:
        epoch: from 1.
        loss: mean cross-entropy of the training samples during the epoch.
        rank1: share of the validation windows recognised, 0..1; NaN without any.
        validation_loss: mean cross-entropy of the validation windows; NaN without any.
    """

    epoch: int
    loss: float
    rank1: float
    validation_loss: float


@dataclass(frozen=True, slots=True, eq=False)
class TrainingResult:
    """The result of a training.

    Attributes:
        recogniser: the network of the epoch kept.
        kept: that epoch, from 1: the highest Rank-1 on the validation windows, the lower cross-entropy
            deciding ties; the last epoch without validation windows.
        history: all epochs.
    """

    recogniser: Recogniser
    kept: int
    history: tuple[EpochResult, ...]


def split_walk_ends(walks: ArrayLike, share: float = 0.2, overlap: int = 1) -> tuple[BoolArray, BoolArray]:
    """Splits off the end of each walk for validation.

    Args:
        walks: (n,) the walk of each window; windows of a walk in order of time.
        share: of a walk's windows, 0..1, rounded; at least one window of a walk of four or more, none of a
            shorter one.
        overlap: windows between the two parts that are dropped, because they share skeletons with both: 1
            where windows start every f / 2 skeletons, 0 where they do not overlap.

    Returns:
        (n,) bool, the training windows; (n,) bool, the validation windows.
    """
    walk = np.asarray(walks)
    train, validation = np.zeros(len(walk), bool), np.zeros(len(walk), bool)
    for number in np.unique(walk):
        own = np.flatnonzero(walk == number)
        count = max(1, round(share * len(own))) if len(own) >= 4 else 0
        validation[own[len(own) - count :]] = True
        train[own[: len(own) - count - (overlap if count else 0)]] = True
    return train, validation


def train_recogniser(
    cages: FloatArray,
    owners: ArrayLike,
    train: BoolArray,
    validation: BoolArray | None,
    people: tuple[str, ...],
    config: RecognitionConfig | None = None,
    *,
    extra: Mapping[str, str] | None = None,
    progress: Callable[[EpochResult], None] = lambda _: None,
) -> TrainingResult:
    """Trains a recognition network and keeps its best epoch on the validation windows, or its last.

    The same data, configuration and number of torch threads give the same bits on one machine.

    Args:
        cages: (n, f, D) float32, finite.
        owners: (n,) int, the person of each window, as an index of `people`.
        train: (n,) bool, the training windows.
        validation: (n,) bool, the windows to select the epoch by; None keeps the last epoch, where every
            window is used for training.
        people: the C people.
        config: settings; the defaults if not given.
        extra: metadata to keep with the network.
        progress: called after each epoch.

    Raises:
        ValueError: a shape differs, a number is not finite, a person has no training window, or `validation`
            marks no window or a training window.
    """
    config = config or RecognitionConfig()
    labels = torch.as_tensor(np.asarray(owners), dtype=torch.int64)
    _check(cages, labels.numpy(), train, validation, people)
    _, f, dimension = cages.shape
    network = RecognitionNetwork(f, dimension, len(people), config.hidden, config.strategy)
    marks = (train, np.zeros_like(train) if validation is None else validation)
    train_at, validation_at = (torch.from_numpy(np.flatnonzero(mask)) for mask in marks)
    trainer = _Trainer(network, torch.from_numpy(cages), labels, train_at, validation_at, config)
    history: list[EpochResult] = []
    best, kept = (-1.0, 0.0), 0
    state: dict[str, Tensor] = {}
    for epoch in range(1, config.trained_epochs + 1):
        history.append(EpochResult(epoch, trainer.train_epoch(), *trainer.validate()))
        progress(history[-1])
        result = (history[-1].rank1, -history[-1].validation_loss)
        if validation is None or result > best:
            best, kept = result, epoch
            state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.load_state_dict(state)
    return TrainingResult(Recogniser(people, network.eval(), extra or {}), kept, tuple(history))


def _check(
    cages: FloatArray,
    labels: NDArray[np.int64],
    train: BoolArray,
    validation: BoolArray | None,
    people: tuple[str, ...],
) -> None:
    n = len(cages)
    columns = [column for column in (labels, train, validation) if column is not None]
    if cages.ndim != 3 or any(column.shape != (n,) for column in columns):
        got = ", ".join(str(array.shape) for array in (cages, *columns))
        raise ValueError(f"expected cages (n, f, D) with n owners and n marks, got {got}")
    if not np.isfinite(cages).all():
        raise ValueError("cages: expected finite numbers, got NaN or infinity")
    if validation is not None and ((train & validation).any() or not validation.any()):
        raise ValueError("validation: expected at least one window, and none that is trained on")
    if n and not 0 <= labels.min() <= labels.max() < len(people):
        raise ValueError(f"owners: expected 0 to {len(people) - 1}, got {labels.min()} to {labels.max()}")
    without = np.flatnonzero(np.bincount(labels[train], minlength=len(people)) == 0)
    if len(without):
        raise ValueError(f"train: expected a window of every person, got none of {people[without[0]]}")


class _Trainer:
    """A network with its training data and optimiser."""

    def __init__(
        self,
        network: RecognitionNetwork,
        cages: Tensor,
        labels: Tensor,
        train_at: Tensor,
        validation_at: Tensor,
        config: RecognitionConfig,
    ) -> None:
        self._network = network
        self._cages = cages
        self._labels = labels
        self._train_at = train_at
        self._validation_at = validation_at
        self._samples, self._samples_at, self._sample_labels = cages, train_at, labels[train_at]
        if config.strategy is Strategy.AP:
            # Each skeleton is a sample, with the label of its window.
            f = cages.shape[1]
            self._samples = cages.flatten(0, 1)
            self._samples_at = (train_at[:, None] * f + torch.arange(f)).flatten()
            self._sample_labels = self._sample_labels.repeat_interleave(f)
        self._batch = config.batch
        self._generator = torch.Generator().manual_seed(config.seed)
        for layer in (network.hidden, network.output):
            nn.init.xavier_uniform_(layer.weight, generator=self._generator)
            nn.init.zeros_(layer.bias)
        if config.standardise:
            self._standardise()
        self._optimiser = torch.optim.Adam(network.parameters(), lr=config.learning_rate, fused=True)
        steps = config.trained_epochs * math.ceil(len(self._sample_labels) / config.batch)
        self._schedule = torch.optim.lr_scheduler.LinearLR(
            self._optimiser, 1.0, 1.0 / steps, total_iters=steps - 1
        )

    def train_epoch(self) -> float:
        """Trains one epoch; returns the mean cross-entropy of its samples."""
        total = 0.0
        order = torch.randperm(len(self._sample_labels), generator=self._generator)
        for chosen in _parts(order, self._batch):
            logits = self._network.logits(self._samples.index_select(0, self._samples_at[chosen]))
            loss = nn.functional.cross_entropy(logits, self._sample_labels[chosen])
            self._optimiser.zero_grad()
            torch.autograd.backward(loss)
            self._optimiser.step()
            self._schedule.step()
            total += float(loss.detach()) * len(chosen)
        return total / len(order)

    def validate(self) -> tuple[float, float]:
        """Returns Rank-1 and mean cross-entropy of the validation windows; NaN without any."""
        if not len(self._validation_at):
            return math.nan, math.nan
        right, loss = 0, 0.0
        with torch.inference_mode():
            for at in _parts(self._validation_at, _BLOCK):
                predicted, labels = self._network(self._cages[at]), self._labels[at]
                right += int((predicted.argmax(dim=1) == labels).sum())
                likely = predicted.gather(1, labels[:, None])
                loss -= float(likely.clamp_min(1e-30).log().sum())
        return right / len(self._validation_at), loss / len(self._validation_at)

    def _standardise(self) -> None:
        """Sets the network's scaling to the mean and deviation over all skeletons of the training windows."""
        rows = len(self._train_at) * self._cages.shape[1]
        sums = torch.zeros(2, self._cages.shape[2], dtype=torch.float64)
        # Small blocks: large ones in double precision do not fit the processor's cache.
        for at in _parts(self._train_at, 32):
            block = self._cages[at].flatten(0, 1).double()
            sums[0] += block.sum(dim=0)
            sums[1] += block.square_().sum(dim=0)
        mean, square = sums / rows
        deviation = (square - mean.square()).clamp_min(0).sqrt()
        self._network.centre.copy_(mean)
        # A constant number carries no information; dividing by its rounding error would amplify noise.
        self._network.scale.copy_(torch.where(deviation > 1e-6, deviation, torch.ones_like(deviation)))


def _parts(indices: Tensor, size: int) -> list[Tensor]:
    return list(torch.split(indices, size))
