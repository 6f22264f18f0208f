"""The losses of the paper, and their sum (Eq. 3, 7, 14 and 16).

Each loss is summed over a window and averaged over the batch. X, Y and Z have separate losses, because they
are three networks without shared parameters; training minimises the sum of the three.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from encoder.training.contrast import Pairs

__all__ = [
    "LossWeights",
    "Losses",
    "alignment_loss",
    "contrastive_loss",
    "reconstruction_loss",
    "squared_norm",
]


@dataclass(frozen=True, slots=True)
class LossWeights:
    """Weights of the losses in Eq. 16.

    Attributes:
        reconstruction: lambda_S.
        alignment: lambda_A.
        contrast: lambda_C.
        l2: beta.
    """

    reconstruction: float = 1.0
    alignment: float = 1.0
    contrast: float = 1.0
    l2: float = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Losses:
    """Losses of one batch, each (3,) for X, Y and Z.

    Attributes:
        reconstruction: L_S.
        alignment: L_A, zeros if it is not part of the training.
        contrast: L_C, zeros if it is not part of the training.
    """

    reconstruction: Tensor
    alignment: Tensor
    contrast: Tensor

    def weighted(self, weights: LossWeights) -> Tensor:
        """Returns lambda_S L_S + lambda_A L_A + lambda_C L_C of Eq. 16, summed over X, Y and Z; a scalar."""
        return (
            weights.reconstruction * self.reconstruction
            + weights.alignment * self.alignment
            + weights.contrast * self.contrast
        ).sum()


def reconstruction_loss(output: Tensor, target: Tensor, total: int | None = None) -> Tensor:
    """Returns L_S: the squared errors of a window's skeletons (Eq. 3), averaged over the windows.

    Args:
        output: (n, f, J, 3) metres.
        target: (n, f, J, 3) metres.
        total: number of windows of the whole batch, if these are a part of it; None for n.

    Returns:
        (3,) square metres.
    """
    return _mean((output - target).square().sum(dim=(1, 2)), total)


def alignment_loss(alignment: Tensor, mask: Tensor, total: int | None = None) -> Tensor:
    """Returns L_A: the sum over t and j of (a_t(j) - l_t(j) a_t(j))^2 (Eq. 6 and 7), averaged over windows.

    The masked score is not detached. Eq. 7 is minimised as printed, with the masked score as a function of
    a_t(j) (Eq. 6), so the gradient is 2 (1 - l)^2 a. With a detached score the factor of the nearest
    positions, where l is almost 1, would be (1 - l), which would push the scores harder onto the centre.

    Args:
        alignment: (n, f, 3, f), a_t(j) before any mask, axes [window, t, dimension, j].
        mask: (f, f), l_t(j), row t, column j.
        total: number of windows of the whole batch, if these are a part of it; None for n.

    Returns:
        (3,).
    """
    masked = alignment * mask.to(alignment).unsqueeze(1)
    return _mean((alignment - masked).square().sum(dim=(1, 3)), total)


def _mean(windows: Tensor, total: int | None) -> Tensor:
    return windows.mean(dim=0) if total is None or total == len(windows) else windows.sum(dim=0) / total


def contrastive_loss(z: Tensor, pairs: Pairs, temperature: float) -> Tensor:
    """Returns L_C: the mean over all 2 m anchors of l(i, j) (Eq. 14, Algorithm 1).

    With `Contrast.WITHIN` and interval 1 it is exactly Algorithm 1: m = n - 1 pairs and 2 n - 2 samples. Each
    sample is an anchor once, so each pair counts in both directions.

    Args:
        z: (3, n, K), the projected windows of the batch (Eq. 13).
        pairs: the positive pairs.
        temperature: tau.

    Returns:
        (3,); zeros if the batch has no pair.
    """
    m = len(pairs.first)
    if m == 0:
        # A function of z, not a constant: the optimiser skips parameters without a gradient.
        return 0 * z.sum(dim=(1, 2))
    unit = torch.nn.functional.normalize(z, dim=-1)
    samples = unit[:, torch.cat((pairs.first, pairs.second))]
    similarity = torch.bmm(samples, samples.transpose(1, 2)) / temperature
    index = torch.arange(2 * m, device=z.device)
    positive = similarity[:, index, index.roll(m)]
    excluded = torch.eye(2 * m, dtype=torch.bool, device=z.device)
    if pairs.excluded is not None:
        excluded = excluded | pairs.excluded
    others = similarity.masked_fill(excluded, float("-inf"))
    return (torch.logsumexp(others, dim=-1) - positive).mean(dim=-1)


def squared_norm(parameters: Iterable[Tensor]) -> Tensor:
    """Returns ||Theta||_2^2 of Eq. 16, a scalar."""
    return torch.stack([parameter.square().sum() for parameter in parameters]).sum()
