"""Contrastive learning: the projection f_C of the paper, and the positive and negative pairs of a batch."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import save
from torch import Tensor, nn

from encoder.lstm import DIMENSIONS
from encoder.tensor_files import read_tensors
from stream.errors import DataError
from stream.file_writing import replace_file

__all__ = [
    "Contrast",
    "ContrastHead",
    "Pairs",
    "head_shapes",
    "load_head",
    "make_pairs",
    "save_head",
    "seeded_head",
]


_KIND = "sge-stream contrastive projection"


class Contrast(StrEnum):
    """How positive and negative pairs are chosen.

    Attributes:
        NONE: no contrastive learning; the features are AGEs.
        WITHIN: Algorithm 1 as printed, on a batch of consecutive windows of one recording. An inner window
            occurs twice, as the second of one pair and the first of the next. So an anchor's identical copy
            is among its negatives, and the anchor's loss cannot fall below log 2.
        WITHIN_MASKED: the same without those copies among the negatives.
        ACROSS: pairs of nearby windows of one recording, drawn at random over all recordings; only windows of
            other recordings are negatives.
    """

    NONE = "none"
    WITHIN = "within"
    WITHIN_MASKED = "within-masked"
    ACROSS = "across"


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """The m positive pairs of a batch of n windows; the 2 m samples are all of `first`, then all of `second`.

    Attributes:
        first: (m,) int64, rows of the batch.
        second: (m,) int64, the positive row of each of `first`.
        excluded: (2 m, 2 m) bool, sample pairs [anchor, other] that are neither positive nor negative; None
            if there are none.
    """

    first: Tensor
    second: Tensor
    excluded: Tensor | None = None


def make_pairs(contrast: Contrast, recordings: Tensor, interval: int = 1) -> Pairs:
    """Returns the positive pairs of a batch.

    Args:
        contrast: `WITHIN` and `WITHIN_MASKED` expect a batch of consecutive windows and pair row k with row
            k + interval; `ACROSS` expects a batch in which rows 2 k and 2 k + 1 are a pair.
        recordings: (n,) int64, the recording of each row.
        interval: 1 for neighbours.

    Raises:
        ValueError: `contrast` is `NONE`, or `ACROSS` with an odd number of rows.
    """
    n = len(recordings)
    rows = torch.arange(n, device=recordings.device)
    if contrast is Contrast.NONE:
        raise ValueError("contrast none has no pairs")
    if contrast is Contrast.ACROSS:
        if n % 2:
            raise ValueError(f"across: expected an even number of rows, got {n}")
        first, second = rows[0::2], rows[1::2]
        return Pairs(first, second, _same_label(recordings[torch.cat((first, second))]))
    first, second = rows[: max(0, n - interval)], rows[interval:]
    masked = contrast is Contrast.WITHIN_MASKED
    return Pairs(first, second, _same_label(torch.cat((first, second))) if masked else None)


def _same_label(labels: Tensor) -> Tensor:
    """Returns (2 m, 2 m): True for the same label, except for the sample itself and its positive."""
    same = labels.unsqueeze(0) == labels.unsqueeze(1)
    index = torch.arange(len(labels), device=labels.device)
    same[index, index] = False
    same[index, index.roll(len(labels) // 2)] = False
    return same


def head_shapes(f: int, hidden: int) -> dict[str, tuple[int, ...]]:
    """Returns the parameter shapes of a `ContrastHead`; 459,264 numbers per dimension for f = 6, K = 256."""
    return {
        "kernel1": (DIMENSIONS, f * hidden, hidden),
        "bias1": (DIMENSIONS, hidden),
        "kernel2": (DIMENSIONS, hidden, hidden),
        "bias2": (DIMENSIONS, hidden),
    }


class ContrastHead(nn.Module):
    """The contrastive projection f_C: one multi-layer perceptron per dimension.

    It computes z = W2 ReLU(W1 V) (Eq. 13), with a bias in each layer. The parameters of a new module are
    zeros.

    Args:
        f: skeletons of a window.
        hidden: K, the size of z and of the hidden layer; V has f K numbers.
    """

    kernel1: nn.Parameter
    bias1: nn.Parameter
    kernel2: nn.Parameter
    bias2: nn.Parameter

    def __init__(self, f: int, hidden: int) -> None:
        super().__init__()
        for name, shape in head_shapes(f, hidden).items():
            self.register_parameter(name, nn.Parameter(torch.zeros(shape)))

    def forward(self, contexts: Tensor) -> Tensor:
        """Projects windows.

        Args:
            contexts: (n, f, 3, K), as `encoder.model.GaitEncoding.contexts`; V^(i) of Eq. 12 is the
                concatenation of a window's contexts of one dimension.

        Returns:
            (3, n, K), z of X, Y and Z.
        """
        gait = contexts.permute(2, 0, 1, 3).flatten(2)
        inner = torch.relu(torch.baddbmm(self.bias1.unsqueeze(1), gait, self.kernel1))
        return torch.baddbmm(self.bias2.unsqueeze(1), inner, self.kernel2)

    def features(self, contexts: Tensor) -> Tensor:
        """Returns the concatenated z of X, Y and Z of each window, (n, 3 K), for contexts (n, f, 3, K)."""
        z: Tensor = self(contexts)
        return z.transpose(0, 1).flatten(1)


def seeded_head(f: int, hidden: int, seed: int) -> ContrastHead:
    """Returns a projection with random weights (Glorot-uniform; biases 0), the same on every machine."""
    head = ContrastHead(f, hidden)
    for name, parameter in head.named_parameters():
        if name.startswith("kernel"):
            random = np.random.RandomState([seed, zlib.crc32(f"head.{name}".encode("ascii"))])
            limit = np.sqrt(6.0 / (parameter.shape[-2] + parameter.shape[-1]))
            values = random.uniform(-limit, limit, tuple(parameter.shape))
            parameter.data.copy_(torch.from_numpy(values))
    return head


def save_head(path: Path, head: ContrastHead) -> None:
    """Writes a projection as safetensors. A crash while writing leaves an existing file unchanged.

    Raises:
        DataError: the file cannot be written.
    """
    tensors = {name: value.detach().cpu().contiguous() for name, value in head.state_dict().items()}
    try:
        replace_file(path, save(tensors, {"kind": _KIND}))
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path}: the weights cannot be written ({error}); choose another place") from error


def load_head(path: Path, f: int, hidden: int) -> ContrastHead:
    """Reads a projection.

    Raises:
        DataError: the file is missing, corrupt, of another kind, or for another f or K.
    """
    metadata, state = read_tensors(
        path,
        lambda cause: f"{path}: expected a readable safetensors file ({cause}); train again or download it",
    )
    shapes = {name: tuple(value.shape) for name, value in state.items()}
    if metadata.get("kind") != _KIND or shapes != head_shapes(f, hidden):
        raise DataError(f"{path}: expected a projection for f = {f} and K = {hidden}; give another file")
    head = ContrastHead(f, hidden)
    head.load_state_dict(state)
    return head
