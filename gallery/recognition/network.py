"""The recognition network f_RN of the paper (Sec. 3.3.3): which of the people it was trained on walks here.

One hidden layer of 256 ReLU and a linear layer to C people, on frozen CAGEs.
`gallery.recognition.network_training` trains it. It knows nobody but its C people, and its probabilities sum
to 1 over them: for a stranger, or with one person only, they mean nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from stream.body import FloatArray
from stream.errors import DataError

__all__ = ["Recogniser", "RecognitionNetwork", "Strategy"]

_KIND = "sge-stream recognition network"
_VERSION = "1"
_BLOCK = 4096  # windows predicted at once


class Strategy(StrEnum):
    """How a window's f skeleton-level CAGEs become one prediction.

    Attributes:
        AP: average prediction. Each predicts, and the mean of the predicted probabilities is the window's.
        SC: sequence-level concatenation. All f together predict once.
    """

    AP = "ap"
    SC = "sc"


class RecognitionNetwork(nn.Module):
    """f_RN, with the scaling of its input.

    Args:
        f: skeletons a window.
        dimension: D, numbers of a skeleton-level CAGE.
        people: C.
        hidden: units of the hidden layer.
        strategy: AP or SC.

    Attributes:
        centre: (D,), taken from a CAGE first; zeros in a new network.
        scale: (D,), what is left is divided by; ones in a new network.
        hidden: the hidden layer, from D numbers with AP, from f D with SC.
        output: the linear layer to C people.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, f: int, dimension: int, people: int, hidden: int, strategy: Strategy) -> None:
        super().__init__()
        self.f = f
        self.strategy = strategy
        self.register_buffer("centre", torch.zeros(dimension))
        self.register_buffer("scale", torch.ones(dimension))
        self.hidden = nn.Linear(dimension * (f if strategy is Strategy.SC else 1), hidden)
        self.output = nn.Linear(hidden, people)

    def logits(self, cages: Tensor) -> Tensor:
        """What the softmax takes.

        Args:
            cages: (..., D), each skeleton for itself, with AP; (n, f, D), windows, with SC.

        Returns:
            (..., C) with AP, (n, C) with SC.
        """
        scaled = (cages - self.centre) / self.scale
        rows = scaled.flatten(1) if self.strategy is Strategy.SC else scaled
        found: Tensor = self.output(torch.relu(self.hidden(rows)))
        return found

    def forward(self, cages: Tensor) -> Tensor:
        """Probabilities (n, C) of windows (n, f, D); rows sum to 1."""
        predicted = torch.softmax(self.logits(cages), dim=-1)
        return predicted if self.strategy is Strategy.SC else predicted.mean(dim=1)


@dataclass(frozen=True, slots=True, eq=False)
class Recogniser:
    """A trained recognition network and the people whom it knows.

    Attributes:
        people: the C people, in the order of the predictions.
        network: in tools.evaluation mode.
        extra: further metadata of its file, such as the contract of the CAGEs.
    """

    people: tuple[str, ...]
    network: RecognitionNetwork
    extra: Mapping[str, str]

    def predict(self, cages: FloatArray) -> FloatArray:
        """Probabilities of the people for each window.

        Args:
            cages: (n, f, D) float32.

        Returns:
            (n, C) float32; rows sum to 1.

        Raises:
            ValueError: the shape is another than that trained on.
        """
        expected = (self.network.f, len(self.network.centre))
        if cages.shape[1:] != expected:
            raise ValueError(f"cages: expected shape (n, {expected[0]}, {expected[1]}), got {cages.shape}")
        blocks = [np.empty((0, len(self.people)), np.float32)]
        with torch.inference_mode():
            for start in range(0, len(cages), _BLOCK):
                blocks.append(self.network(torch.from_numpy(cages[start : start + _BLOCK])).numpy())
        return np.concatenate(blocks)

    def save(self, path: Path) -> None:
        """Write the network as safetensors; a crash while writing leaves what was there.

        Args:
            path: replaced where it exists.

        Raises:
            DataError: the file cannot be written.
        """
        own = {"kind": _KIND, "version": _VERSION, "people": json.dumps(self.people)}
        own |= {"strategy": self.network.strategy.value, "f": str(self.network.f)}
        part = path.with_name(f"{path.name}.part")
        try:
            save_file(self.network.state_dict(), part, metadata=dict(self.extra) | own)
            part.replace(path)
        except (OSError, SafetensorError) as error:
            raise DataError(
                f"{path}: the network cannot be written ({error}); choose another place"
            ) from error

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a network.

        Raises:
            DataError: the file is missing, corrupt, or holds something else.
        """
        try:
            with safe_open(path, framework="pt", device="cpu") as file:
                metadata = dict(file.metadata() or {})
                state = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        except FileNotFoundError as error:
            raise DataError(f"{path}: there is no such recognition network; check the path") from error
        except (OSError, SafetensorError) as error:
            raise DataError(
                f"{path}: expected a safetensors file, got something unreadable; train it again"
            ) from error
        if metadata.pop("kind", None) != _KIND or metadata.pop("version", None) != _VERSION:
            raise DataError(
                f"{path}: expected a recognition network of version {_VERSION}, got something else; name "
                "another file, or train it again"
            )
        try:
            people = tuple(str(person) for person in json.loads(metadata.pop("people")))
            strategy, f = Strategy(metadata.pop("strategy")), int(metadata.pop("f"))
            dimension, hidden = len(state["centre"]), len(state["hidden.bias"])
            network = RecognitionNetwork(f, dimension, len(people), hidden, strategy)
            network.load_state_dict(state)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise DataError(
                f"{path}: the network does not fit what its file says of it; train it again"
            ) from error
        if not all(bool(torch.isfinite(tensor).all()) for tensor in state.values()):
            raise DataError(f"{path}: the network holds numbers that are not finite; train it again")
        return cls(people, network.eval(), metadata)
