"""Networks that learn to name people from windows: what they share, and the LSTMs that papers compare with.

Cross-entropy and Adam on batches of 128 windows, numbers standardised over the training windows, a learning
rate that falls to 0 in a straight line. The epoch kept is the one that names most of the windows at the end
of each training walk, which are not learned from. A training is bounded: it has as many epochs as `_STEPS`
steps allow, and no more than `_EPOCHS`.
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
from tools.evaluation.methods.method import Description, Features, Material, Told, describe
from tools.evaluation.methods.validation_windows import BoolArray, held_out

__all__ = [
    "LstmNetwork",
    "Network",
    "PerceptronNetwork",
    "WindowNetwork",
    "ask",
    "lstm",
    "scale_by",
    "seeded",
    "train_network",
]

_HIDDEN = 256
_BATCH = 128
_RATE = 1e-3
_EPOCHS = 12
_STEPS = 4000
_BLOCK = 1024


class WindowNetwork(nn.Module, ABC):
    """Scaling, an embedding that a subclass defines, and a linear layer to C people.

    Args:
        inputs: D, numbers a skeleton.
        people: C.
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
        """What the last layer reads, (n, 256), of scaled rows (n, f, D)."""

    def features(self, rows: Tensor) -> Tensor:
        """The embedding (n, 256) of rows (n, f, D)."""
        return self.embed((rows - self.centre) / self.scale)

    def forward(self, rows: Tensor) -> Tensor:
        """Logits (n, C) of rows (n, f, D)."""
        logits: Tensor = self.output(self.features(rows))
        return logits


class LstmNetwork(WindowNetwork):
    """An LSTM over a window's skeletons; its last hidden state is the embedding.

    Args:
        inputs: D, numbers a skeleton.
        people: C.
        layers: of the LSTM.
    """

    def __init__(self, inputs: int, people: int, layers: int) -> None:
        super().__init__(inputs, people)
        self.lstm = nn.LSTM(inputs, _HIDDEN, layers, batch_first=True)

    def embed(self, rows: Tensor) -> Tensor:
        """The last layer's state after the last skeleton."""
        states: Tensor = self.lstm(rows)[0]
        return states[:, -1]


class PerceptronNetwork(WindowNetwork):
    """Two layers on what describes a window as a whole, (n, 1, D), kept from learning it by heart by noise.

    Args:
        inputs: D, numbers a window.
        people: C.
    """

    def __init__(self, inputs: int, people: int) -> None:
        super().__init__(inputs, people)
        layers: list[nn.Module] = [nn.Dropout(0.2)]
        for before, after in ((inputs, 2 * _HIDDEN), (2 * _HIDDEN, _HIDDEN)):
            layers += [nn.Linear(before, after), nn.LayerNorm(after), nn.ReLU(), nn.Dropout(0.5)]
        self.layers = nn.Sequential(*layers)

    def embed(self, rows: Tensor) -> Tensor:
        """The second layer; noise of a tenth of each number's deviation is added in training."""
        windows = rows[:, 0]
        if self.training:
            windows = windows + 0.1 * torch.randn_like(windows)
        embedded: Tensor = self.layers(windows)
        return embedded


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A supervised network as a method: it classifies, and what its last layer reads describes a window.

    Attributes:
        name: of its one description.
        prepare: windows (n, f, 20, 3) to what the network reads, (n, f * D).
        build: a new network for D inputs and C people.
        seen: nobody before the trial.
    """

    name: str
    prepare: Features
    build: Callable[[int, int], WindowNetwork]
    seen: frozenset[str] = frozenset()

    @property
    def gives(self) -> tuple[str, ...]:
        """One description."""
        return (self.name,)

    @property
    def learns(self) -> bool:
        """From windows with their people."""
        return True

    def learn(self, material: Material | None, told: Told) -> tuple[Description, ...]:
        """Train the network."""
        assert material is not None
        f = material.f
        rows = _sequences(describe(self.prepare, material.train.windows), f)
        network = train_network(
            self.build, rows, material.train.people, held_out(material.train), material, told
        )

        def asking(answer: Callable[[Tensor], Tensor]) -> Features:
            return lambda windows: ask(answer, _sequences(self.prepare(windows), f))

        classify = asking(lambda part: torch.softmax(network(part), dim=1))
        return (Description(self.name, asking(network.features), classify=classify, supervised=True),)


def train_network(
    build: Callable[[int, int], WindowNetwork],
    rows: Tensor,
    labels: NDArray[np.int64],
    parts: tuple[BoolArray, BoolArray],
    material: Material,
    told: Told,
) -> WindowNetwork:
    """A network that tells C labels apart; the same material and threads give the same bits on one machine.

    Args:
        build: a new one for D inputs and C labels.
        rows: (n, f, D) of the material's windows.
        labels: (n,) 0..C-1.
        parts: (n,) which windows to learn from, and (n,) by which the epoch is chosen.
        material: says the seed and the threads.
        told: is told how it goes.
    """
    with seeded(material):
        network = build(rows.shape[2], int(labels.max()) + 1)
        _train(network, rows, torch.from_numpy(labels), parts, told)
    return network


@contextmanager
def seeded(material: Material) -> Iterator[None]:
    """Compute on the material's threads, from its seed; the caller's random numbers are left alone."""
    if material.threads:
        torch.set_num_threads(material.threads)
    with torch.random.fork_rng():
        torch.manual_seed(material.seed)
        yield


def scale_by(network: WindowNetwork, rows: Tensor) -> None:
    """Have a network standardise each number as it is spread over rows (n, f, D)."""
    known = rows.flatten(0, 1)
    network.centre.copy_(known.mean(dim=0))
    deviation = known.std(dim=0, correction=0)
    # A number that never changes says nothing; dividing by its rounding would make it loud.
    network.scale.copy_(torch.where(deviation > 1e-6, deviation, torch.ones_like(deviation)))


def ask(answer: Callable[[Tensor], Tensor], rows: Tensor) -> FloatArray:
    """What a network that was trained answers to rows (n, f, D), some at a time."""
    with torch.inference_mode():
        return np.concatenate([answer(part).numpy() for part in torch.split(rows, _BLOCK)])


def lstm(name: str, layers: int) -> Network:
    """An LSTM on the hip-centred coordinates."""
    return Network(
        name,
        lambda windows: windows.reshape(len(windows), -1),
        lambda inputs, people: LstmNetwork(inputs, people, layers),
    )


def _sequences(rows: FloatArray, f: int) -> Tensor:
    """(n, f, D) of (n, f * D)."""
    return torch.from_numpy(rows).reshape(len(rows), f, -1)


def _train(
    network: WindowNetwork,
    rows: Tensor,
    labels: Tensor,
    parts: tuple[BoolArray, BoolArray],
    told: Told,
) -> None:
    """Train in place, and leave the weights of the best epoch."""
    train, held = (torch.from_numpy(np.flatnonzero(part)) for part in parts)
    scale_by(network, rows[train])
    steps = math.ceil(len(train) / _BATCH)
    epochs = max(2, min(_EPOCHS, _STEPS // steps))
    optimiser = torch.optim.Adam(network.parameters(), lr=_RATE, fused=True)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 1e-3, total_iters=epochs * steps)
    best = (-1.0, 0.0)
    kept: dict[str, Tensor] = {}
    for epoch in range(epochs):
        network.train()
        for step, chosen in enumerate(torch.split(train[torch.randperm(len(train))], _BATCH)):
            told((epoch + step / steps) / epochs, f"epoch {epoch + 1} of {epochs}")
            optimiser.zero_grad()
            torch.autograd.backward(nn.functional.cross_entropy(network(rows[chosen]), labels[chosen]))
            optimiser.step()
            schedule.step()
        network.eval()
        result = _judge(network, rows, labels, held)
        if result > best:
            best, kept = result, {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(kept)
    network.eval()
    told(1.0, "trained")


def _judge(network: WindowNetwork, rows: Tensor, labels: Tensor, held: Tensor) -> tuple[float, float]:
    """Rank-1 and minus the mean cross-entropy of the held-out windows."""
    right, loss = 0, 0.0
    with torch.inference_mode():
        for at in torch.split(held, _BLOCK):
            logits = network(rows[at])
            right += int((logits.argmax(dim=1) == labels[at]).sum())
            loss += float(nn.functional.cross_entropy(logits, labels[at], reduction="sum"))
    return right / len(held), -loss / len(held)
