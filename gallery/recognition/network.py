"""The recognition network f_RN of the paper (Sec. 3.3.3): classifies windows among its training people.

One hidden layer of 256 ReLU and a linear layer to C people, on frozen CAGEs; trained by
`gallery.recognition.network_training`. Its probabilities sum to 1 over its C people: for a stranger, or with
one person only, they mean nothing.
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
from safetensors import SafetensorError
from safetensors.torch import save
from torch import Tensor, nn

from encoder.tensor_files import read_tensors
from stream.body import FloatArray
from stream.errors import DataError, data_errors
from stream.file_writing import replace_file
from stream.paths import path_exists

__all__ = ["Recogniser", "RecognitionNetwork", "Strategy"]

_KIND = "sge-stream recognition network"
_VERSION = "1"
_BLOCK = 4096  # windows predicted at once


class Strategy(StrEnum):
    """How the f skeleton-level CAGEs of a window give one prediction.

    Attributes:
        AP: average prediction, the mean of the probabilities predicted for each skeleton.
        SC: sequence-level concatenation, one prediction from all f CAGEs.
    """

    AP = "ap"
    SC = "sc"


class RecognitionNetwork(nn.Module):
    """f_RN, with the scaling of its input.

    Args:
        f: skeletons of a window.
        dimension: D, numbers of a skeleton-level CAGE.
        people: C.
        hidden: units of the hidden layer.
        strategy: AP or SC.

    Attributes:
        centre: (D,), subtracted from each CAGE; zeros in a new network.
        scale: (D,), divides the difference; ones in a new network.
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
        """Returns the input of the softmax.

        Args:
            cages: (..., D), single skeletons, with AP; (n, f, D), windows, with SC.

        Returns:
            (..., C) with AP, (n, C) with SC.
        """
        scaled = (cages - self.centre) / self.scale
        rows = scaled.flatten(1) if self.strategy is Strategy.SC else scaled
        found: Tensor = self.output(torch.relu(self.hidden(rows)))
        return found

    def forward(self, cages: Tensor) -> Tensor:
        """Returns probabilities (n, C) for windows (n, f, D); rows sum to 1."""
        predicted = torch.softmax(self.logits(cages), dim=-1)
        return predicted if self.strategy is Strategy.SC else predicted.mean(dim=1)


@dataclass(frozen=True, slots=True, eq=False)
class Recogniser:
    """A trained recognition network with its people.

    Attributes:
        people: the C people, in the order of the predictions.
        network: in evaluation mode.
        extra: further metadata for its file, such as the contract of the CAGEs.
    """

    people: tuple[str, ...]
    network: RecognitionNetwork
    extra: Mapping[str, str]

    def predict(self, cages: FloatArray) -> FloatArray:
        """Returns the probability of each person for each window.

        Args:
            cages: (n, f, D) float32.

        Returns:
            (n, C) float32; rows sum to 1.

        Raises:
            ValueError: the shape differs from the training windows.
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
        """Writes the network as safetensors; a crash while writing leaves the earlier file intact.

        Args:
            path: replaced where it exists.

        Raises:
            DataError: the file cannot be written.
        """
        own = {"kind": _KIND, "version": _VERSION, "people": json.dumps(self.people)}
        own |= {"strategy": self.network.strategy.value, "f": str(self.network.f)}
        try:
            replace_file(path, save(self.network.state_dict(), dict(self.extra) | own))
        except (OSError, SafetensorError) as error:
            raise DataError(
                f"{path}: the network cannot be written ({error}); choose another path"
            ) from error

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a network.

        Raises:
            DataError: the file is missing, corrupt, or is not a recognition network.
        """
        if not path_exists(path):
            raise DataError(f"{path}: there is no such recognition network; check the path")
        metadata, state = read_tensors(
            path,
            lambda cause: (
                f"{path}: expected a safetensors file, got something unreadable ({cause}); train it again"
            ),
        )
        if metadata.pop("kind", None) != _KIND or metadata.pop("version", None) != _VERSION:
            raise DataError(
                f"{path}: expected a recognition network of version {_VERSION}, got something else; name "
                "another file, or train it again"
            )
        with data_errors(
            lambda cause: f"{path}: the network does not match the metadata of its file; train it again"
        ):
            people = tuple(str(person) for person in json.loads(metadata.pop("people")))
            strategy, f = Strategy(metadata.pop("strategy")), int(metadata.pop("f"))
            dimension, hidden = len(state["centre"]), len(state["hidden.bias"])
            network = RecognitionNetwork(f, dimension, len(people), hidden, strategy)
            network.load_state_dict(state)
        if not all(bool(torch.isfinite(tensor).all()) for tensor in state.values()):
            raise DataError(f"{path}: the network holds numbers that are not finite; train it again")
        return cls(people, network.eval(), metadata)
