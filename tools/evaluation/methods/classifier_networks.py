"""Supervised classification networks on windows: shared training code, and the LSTM baselines of the papers.

Training: cross-entropy and Adam on batches of 128 windows, inputs standardised over the training windows,
learning rate decaying linearly to 0. The epoch with the best Rank-1 on the validation windows (the end of
each training walk) is kept. The number of epochs is at most `_EPOCHS` and limited so that the training takes
about `_STEPS` steps.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from stream.body import FloatArray
from tools.evaluation.methods.method import (
    Description,
    FeatureFunction,
    Progress,
    TrainingInput,
    compute_features,
)
from tools.evaluation.methods.validation_windows import BoolArray, split_validation_windows

__all__ = [
    "LstmNetwork",
    "NetworkMethod",
    "PerceptronNetwork",
    "WindowNetwork",
    "fit_scaling",
    "lstm_method",
    "run_in_blocks",
    "seeded_torch",
    "train_network",
]

_HIDDEN = 256
_BATCH = 128
_RATE = 1e-3
_EPOCHS = 12
_STEPS = 4000
_BLOCK = 1024


class WindowNetwork(nn.Module, ABC):
    """Base class: input scaling, an embedding defined by the subclass, and a linear layer to C people.

    Args:
        inputs: D, features in each row of a sequence.
        people: C, number of people.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, inputs: int, people: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))
        self.output = nn.Linear(_HIDDEN, people)

    @abstractmethod
    def embed(self, rows: Tensor) -> Tensor:
        """Returns the embedding (n, 256), the input of the output layer, of scaled rows (n, f, D)."""

    def features(self, rows: Tensor) -> Tensor:
        """Returns the embedding (n, 256) of unscaled rows (n, f, D)."""
        return self.embed((rows - self.centre) / self.scale)

    def forward(self, rows: Tensor) -> Tensor:
        """Returns the logits (n, C) of unscaled rows (n, f, D)."""
        logits: Tensor = self.output(self.features(rows))
        return logits


class LstmNetwork(WindowNetwork):
    """LSTM over the skeletons of a window; the last hidden state is the embedding.

    Args:
        inputs: D, features of a skeleton.
        people: C, number of people.
        layers: number of LSTM layers.
    """

    def __init__(self, inputs: int, people: int, layers: int) -> None:
        super().__init__(inputs, people)
        self.lstm = nn.LSTM(inputs, _HIDDEN, layers, batch_first=True)

    def embed(self, rows: Tensor) -> Tensor:
        """Returns the state of the last layer after the last skeleton."""
        states: Tensor = self.lstm(rows)[0]
        return states[:, -1]


class PerceptronNetwork(WindowNetwork):
    """Perceptron with two hidden layers on features of a whole window, (n, 1, D).

    Dropout and input noise reduce overfitting.

    Args:
        inputs: D, features of a window.
        people: C, number of people.
    """

    def __init__(self, inputs: int, people: int) -> None:
        super().__init__(inputs, people)
        layers: list[nn.Module] = [nn.Dropout(0.2)]
        for before, after in ((inputs, 2 * _HIDDEN), (2 * _HIDDEN, _HIDDEN)):
            layers += [nn.Linear(before, after), nn.LayerNorm(after), nn.ReLU(), nn.Dropout(0.5)]
        self.layers = nn.Sequential(*layers)

    def embed(self, rows: Tensor) -> Tensor:
        """Returns the second hidden layer; in training, inputs get noise of 0.1 standard deviations."""
        windows = rows[:, 0]
        if self.training:
            windows = windows + 0.1 * torch.randn_like(windows)
        embedded: Tensor = self.layers(windows)
        return embedded


@dataclass(frozen=True, slots=True, eq=False)
class NetworkMethod:
    """Method that trains a supervised network; its embedding serves as features.

    Attributes:
        name: name of its only description.
        prepare: maps windows (n, f, J, 3) to the network's inputs (n, f * D).
        build: creates a network for D inputs and C people.
        training_people: empty; it is trained within the draw only.
    """

    name: str
    prepare: FeatureFunction
    build: Callable[[int, int], WindowNetwork]
    training_people: frozenset[str] = frozenset()

    @property
    def description_names(self) -> tuple[str, ...]:
        """Name of its only description."""
        return (self.name,)

    @property
    def needs_training(self) -> bool:
        """Always True."""
        return True

    def fit(self, data: TrainingInput | None, progress: Progress) -> tuple[Description, ...]:
        """Trains the network."""
        assert data is not None
        f = data.f
        rows = _sequences(compute_features(self.prepare, data.train.windows), f)
        split = split_validation_windows(data.train)
        network = train_network(self.build, rows, data.train.people, split, data, progress)

        def on_windows(run: Callable[[Tensor], Tensor]) -> FeatureFunction:
            return lambda windows: run_in_blocks(run, _sequences(self.prepare(windows), f))

        classify = on_windows(lambda block: torch.softmax(network(block), dim=1))
        return (Description(self.name, on_windows(network.features), classify=classify, supervised=True),)


def train_network(
    build: Callable[[int, int], WindowNetwork],
    rows: Tensor,
    labels: NDArray[np.int64],
    split: tuple[BoolArray, BoolArray],
    data: TrainingInput,
    progress: Progress,
) -> WindowNetwork:
    """Trains a network that classifies C labels.

    On one machine the result is bit-identical for the same data and thread count.

    Args:
        build: creates a network for D inputs and C labels.
        rows: (n, f, D) inputs of the training windows.
        labels: (n,) labels 0..C-1.
        split: (n,) training mask and (n,) validation mask; the epoch is chosen by the latter.
        data: provides the seed and the thread count.
        progress: receives the progress.
    """
    with seeded_torch(data):
        network = build(rows.shape[2], int(labels.max()) + 1)
        _train(network, rows, torch.from_numpy(labels), split, progress)
    return network


@contextmanager
def seeded_torch(data: TrainingInput) -> Iterator[None]:
    """Applies the thread count and the seed of `data` to PyTorch; restores the random state on exit."""
    if data.threads:
        torch.set_num_threads(data.threads)
    with torch.random.fork_rng():
        torch.manual_seed(data.seed)
        yield


def fit_scaling(network: WindowNetwork, rows: Tensor) -> None:
    """Sets the network's input scaling to the means and standard deviations of rows (n, f, D)."""
    flat = rows.flatten(0, 1)
    network.centre.copy_(flat.mean(dim=0))
    deviation = flat.std(dim=0, correction=0)
    # Constant features are not divided: that would amplify rounding errors.
    network.scale.copy_(torch.where(deviation > 1e-6, deviation, torch.ones_like(deviation)))


def run_in_blocks(run: Callable[[Tensor], Tensor], rows: Tensor) -> FloatArray:
    """Returns the outputs of a trained network for rows (n, f, D), computed in blocks."""
    with torch.inference_mode():
        return np.concatenate([run(block).numpy() for block in torch.split(rows, _BLOCK)])


def lstm_method(name: str, layers: int) -> NetworkMethod:
    """Returns the method of an LSTM on the hip-centred coordinates."""
    return NetworkMethod(
        name,
        lambda windows: windows.reshape(len(windows), -1),
        lambda inputs, people: LstmNetwork(inputs, people, layers),
    )


def _sequences(rows: FloatArray, f: int) -> Tensor:
    """Returns rows (n, f * D) as sequences (n, f, D)."""
    return torch.from_numpy(rows).reshape(len(rows), f, -1)


def _train(
    network: WindowNetwork,
    rows: Tensor,
    labels: Tensor,
    split: tuple[BoolArray, BoolArray],
    progress: Progress,
) -> None:
    """Trains the network in place and restores the weights of the best epoch."""
    train, validation = (torch.from_numpy(np.flatnonzero(mask)) for mask in split)
    fit_scaling(network, rows[train])
    steps = math.ceil(len(train) / _BATCH)
    epochs = max(2, min(_EPOCHS, _STEPS // steps))
    optimiser = torch.optim.Adam(network.parameters(), lr=_RATE, fused=True)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 1e-3, total_iters=epochs * steps)
    best = (-1.0, 0.0)
    best_weights: dict[str, Tensor] = {}
    for epoch in range(epochs):
        network.train()
        for step, chosen in enumerate(torch.split(train[torch.randperm(len(train))], _BATCH)):
            progress((epoch + step / steps) / epochs, f"epoch {epoch + 1} of {epochs}")
            optimiser.zero_grad()
            torch.autograd.backward(nn.functional.cross_entropy(network(rows[chosen]), labels[chosen]))
            optimiser.step()
            schedule.step()
        network.eval()
        result = _validate(network, rows, labels, validation)
        if result > best:
            best = result
            best_weights = {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(best_weights)
    network.eval()
    progress(1.0, "trained")


def _validate(
    network: WindowNetwork, rows: Tensor, labels: Tensor, validation: Tensor
) -> tuple[float, float]:
    """Returns Rank-1 and the negative mean cross-entropy on the validation windows."""
    correct, loss = 0, 0.0
    with torch.inference_mode():
        for at in torch.split(validation, _BLOCK):
            logits = network(rows[at])
            correct += int((logits.argmax(dim=1) == labels[at]).sum())
            loss += float(nn.functional.cross_entropy(logits, labels[at], reduction="sum"))
    return correct / len(validation), -loss / len(validation)
