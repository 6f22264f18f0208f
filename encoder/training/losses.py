"""The losses of the paper, and their sum (Eq. 3, 7, 14 and 16).

Each loss is summed over a window and averaged over the batch, and is given for X, Y and Z apart: they are
three networks that share nothing, each with a loss of its own; what is minimised is the sum of the three.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from encoder.training.contrast import Pairs

__all__ = [
    "Losses",
    "Weights",
    "alignment_loss",
    "contrastive_loss",
    "objective",
    "reconstruction_loss",
    "squared_norm",
]


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of Eq. 16.

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
    """The losses of one batch, (3,) each: of X, Y and Z.

    Attributes:
        reconstruction: L_S.
        alignment: L_A, zeros where it is not trained with.
        contrast: L_C, zeros where it is not trained with.
    """

    reconstruction: Tensor
    alignment: Tensor
    contrast: Tensor

    def weighted(self, weights: Weights) -> Tensor:
        """lambda_S L_S + lambda_A L_A + lambda_C L_C of Eq. 16, over X, Y and Z; a scalar."""
        return (
            weights.reconstruction * self.reconstruction
            + weights.alignment * self.alignment
            + weights.contrast * self.contrast
        ).sum()


def reconstruction_loss(output: Tensor, target: Tensor, of: int | None = None) -> Tensor:
    """L_S: the squared errors of a window's skeletons (Eq. 3), averaged over the windows.

    Args:
        output: (n, f, J, 3) metres.
        target: (n, f, J, 3) metres.
        of: how many windows the whole batch has, where these are a part of it; n where None.

    Returns:
        (3,) square metres.
    """
    return _mean((output - target).square().sum(dim=(1, 2)), of)


def alignment_loss(alignment: Tensor, mask: Tensor, of: int | None = None) -> Tensor:
    """L_A: the sum over t and j of (a_t(j) - l_t(j) a_t(j))^2 (Eq. 6 and 7), averaged over the windows.

    The masked score is not detached: Eq. 7 is minimised as printed, with the masked score as the function of
    a_t(j) that Eq. 6 makes it, so that the gradient is 2 (1 - l)^2 a. A detached one would weigh the nearest
    positions, where l is almost 1, by (1 - l) instead and press the scores harder onto the centre alone.

    Args:
        alignment: (n, f, 3, f), a_t(j) before any mask, axes [window, t, dimension, j].
        mask: (f, f), l_t(j), row t, column j.
        of: how many windows the whole batch has, where these are a part of it; n where None.

    Returns:
        (3,).
    """
    masked = alignment * mask.to(alignment).unsqueeze(1)
    return _mean((alignment - masked).square().sum(dim=(1, 3)), of)


def _mean(windows: Tensor, of: int | None) -> Tensor:
    return windows.mean(dim=0) if of is None or of == len(windows) else windows.sum(dim=0) / of


def contrastive_loss(z: Tensor, pairs: Pairs, temperature: float) -> Tensor:
    """L_C: the mean over all 2 m anchors of l(i, j) (Eq. 14, Algorithm 1).

    With `Contrast.WITHIN` and interval 1 it is Algorithm 1 to the letter: m = n - 1 pairs, 2 n - 2 samples,
    each an anchor once, so both directions of each pair.

    Args:
        z: (3, n, K), the projected windows of the batch (Eq. 13).
        pairs: which of them are positives.
        temperature: tau.

    Returns:
        (3,); zeros where the batch has no pair.
    """
    m = len(pairs.first)
    if m == 0:
        # Still a function of z: a parameter without a gradient would miss a step of the optimiser.
        return 0 * z.sum(dim=(1, 2))
    unit = torch.nn.functional.normalize(z, dim=-1)
    samples = unit[:, torch.cat((pairs.first, pairs.second))]
    similarity = torch.bmm(samples, samples.transpose(1, 2)) / temperature
    own = torch.arange(2 * m, device=z.device)
    positive = similarity[:, own, own.roll(m)]
    left_out = torch.eye(2 * m, dtype=torch.bool, device=z.device)
    if pairs.excluded is not None:
        left_out = left_out | pairs.excluded
    others = similarity.masked_fill(left_out, float("-inf"))
    return (torch.logsumexp(others, dim=-1) - positive).mean(dim=-1)


def squared_norm(parameters: Iterable[Tensor]) -> Tensor:
    """||Theta||_2^2 of Eq. 16, a scalar."""
    return torch.stack([parameter.square().sum() for parameter in parameters]).sum()


def objective(losses: Losses, weights: Weights, parameters: Iterable[Tensor]) -> Tensor:
    """L, what is minimised (Eq. 16); a scalar."""
    return losses.weighted(weights) + weights.l2 * squared_norm(parameters)
