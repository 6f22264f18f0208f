"""The contrasting space: the projection f_C of the paper, and which samples of a batch are contrasted."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from encoder.lstm import DIMENSIONS
from stream.errors import DataError

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
    """Which windows are pulled together and which pushed apart.

    Attributes:
        NONE: no contrastive learning; the features are AGEs.
        WITHIN: Algorithm 1 as printed, in a batch of consecutive windows of one recording. An inner window
            stands in it twice, as the second of one pair and the first of the next, so an anchor's
            identical copy is among its negatives, and its loss cannot fall below log 2.
        WITHIN_MASKED: the same without those copies.
        ACROSS: each pair from another recording, as far as the draw has it; only windows of other
            recordings are negatives.
    """

    NONE = "none"
    WITHIN = "within"
    WITHIN_MASKED = "within-masked"
    ACROSS = "across"


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """The positive pairs of a batch of n windows; its 2 m samples are all `first`, then all `second`.

    Attributes:
        first: (m,) int64, rows of the batch.
        second: (m,) int64, the row that belongs to each.
        excluded: (2 m, 2 m) bool, sample pairs [anchor, other] that count neither as positive nor as
            negative; None where all count.
    """

    first: Tensor
    second: Tensor
    excluded: Tensor | None = None


def make_pairs(contrast: Contrast, recordings: Tensor, interval: int = 1) -> Pairs:
    """The positive pairs of a batch.

    Args:
        contrast: `WITHIN` and `WITHIN_MASKED` take a batch of consecutive windows and pair row k with row
            k + interval; `ACROSS` takes a batch of pairs in which rows 2 k and 2 k + 1 belong together.
        recordings: (n,) int64, which recording each row is from.
        interval: 1 for neighbours.

    Raises:
        ValueError: `NONE` has no pairs; or `ACROSS` with an odd number of rows.
    """
    n = len(recordings)
    rows = torch.arange(n, device=recordings.device)
    if contrast is Contrast.NONE:
        raise ValueError("contrast none has no pairs")
    if contrast is Contrast.ACROSS:
        if n % 2:
            raise ValueError(f"across: expected an even number of rows, got {n}")
        first, second = rows[0::2], rows[1::2]
        return Pairs(first, second, _alike(recordings[torch.cat((first, second))]))
    first, second = rows[: max(0, n - interval)], rows[interval:]
    masked = contrast is Contrast.WITHIN_MASKED
    return Pairs(first, second, _alike(torch.cat((first, second))) if masked else None)


def _alike(labels: Tensor) -> Tensor:
    """(2 m, 2 m): the same label, and neither the sample itself nor its positive."""
    alike = labels.unsqueeze(0) == labels.unsqueeze(1)
    own = torch.arange(len(labels), device=labels.device)
    alike[own, own] = False
    alike[own, own.roll(len(labels) // 2)] = False
    return alike


def head_shapes(f: int, hidden: int) -> dict[str, tuple[int, ...]]:
    """The parameters of a `ContrastHead` by name; 459,264 numbers a dimension for f = 6 and K = 256."""
    return {
        "kernel1": (DIMENSIONS, f * hidden, hidden),
        "bias1": (DIMENSIONS, hidden),
        "kernel2": (DIMENSIONS, hidden, hidden),
        "bias2": (DIMENSIONS, hidden),
    }


class ContrastHead(nn.Module):
    """f_C, a multi-layer perceptron a dimension: z = W2 ReLU(W1 V) (Eq. 13), each layer with a bias.

    A new module is all zeros.

    Args:
        f: skeletons of a window.
        hidden: K; V has f K numbers, z and the layer between K.
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
        """Project windows.

        Args:
            contexts: (n, f, 3, K), as `encoder.model.GaitEncoding.contexts`; V^(i) of Eq. 12 is a window's
                contexts of one dimension, one after the other.

        Returns:
            (3, n, K), z of X, Y and Z.
        """
        gait = contexts.permute(2, 0, 1, 3).flatten(2)
        inner = torch.relu(torch.baddbmm(self.bias1.unsqueeze(1), gait, self.kernel1))
        return torch.baddbmm(self.bias2.unsqueeze(1), inner, self.kernel2)

    def features(self, contexts: Tensor) -> Tensor:
        """The z of X, Y and Z side by side, one a window: (n, 3 K), of contexts (n, f, 3, K)."""
        z: Tensor = self(contexts)
        return z.transpose(0, 1).flatten(1)


def seeded_head(f: int, hidden: int, seed: int) -> ContrastHead:
    """A projection with random weights: kernels Glorot-uniform, biases 0; the same on every machine."""
    head = ContrastHead(f, hidden)
    for name, parameter in head.named_parameters():
        if name.startswith("kernel"):
            draw = np.random.RandomState([seed, zlib.crc32(f"head.{name}".encode("ascii"))])
            limit = np.sqrt(6.0 / (parameter.shape[-2] + parameter.shape[-1]))
            values = draw.uniform(-limit, limit, tuple(parameter.shape))
            parameter.data.copy_(torch.from_numpy(values))
    return head


def save_head(path: Path, head: ContrastHead) -> None:
    """Write a projection's weights as safetensors; a crash while writing leaves what was there.

    Raises:
        DataError: the file cannot be written.
    """
    tensors = {name: value.detach().cpu().contiguous() for name, value in head.state_dict().items()}
    part = path.with_name(f"{path.name}.part")
    try:
        save_file(tensors, part, metadata={"kind": _KIND})
        part.replace(path)
    except (OSError, SafetensorError) as error:
        part.unlink(missing_ok=True)
        raise DataError(f"{path}: the weights cannot be written ({error}); choose another place") from error


def load_head(path: Path, f: int, hidden: int) -> ContrastHead:
    """Read a projection's weights.

    Raises:
        DataError: the file is missing, corrupt, of another kind, or for another f or K.
    """
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            kind = (file.metadata() or {}).get("kind")
            state = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path}: no readable safetensors file ({error}); train again or fetch it") from error
    shapes = {name: tuple(value.shape) for name, value in state.items()}
    if kind != _KIND or shapes != head_shapes(f, hidden):
        raise DataError(f"{path}: expected a projection for f = {f} and K = {hidden}; name another file")
    head = ContrastHead(f, hidden)
    head.load_state_dict(state)
    return head
