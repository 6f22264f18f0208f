"""The attention of the gait decoder over the encoded gait states (paper section 3.2, Eq. 4 to 8).

Positions are counted from 1 where a formula of the paper is meant, from 0 where a tensor is indexed.
"""

from __future__ import annotations

from enum import StrEnum

import torch
from torch import Tensor

__all__ = ["Alignment", "Attention", "Decoding", "alignment_scores", "context", "locality_mask"]


class Attention(StrEnum):
    """How the decoder attends to the encoded gait states.

    Attributes:
        NONE: not at all. The decoder is a plain LSTM decoder (Eq. 2 without an attentional state), so no
            context exists; the features are then the encoded gait states themselves, the paper's own
            features where it works without attention (Table 4, "h_t"). Giving the decoder h_{p_t} as its
            context instead would be attention of the hardest kind, fixed on the right position.
        BAS: basic alignment scores (Eq. 4).
        MBAS: the basic scores times the locality mask (Eq. 6); they no longer sum to 1.
        LAS: locality-aware alignment scores. They are computed as `BAS`; what makes them local is the
            training loss L_A (Eq. 7), so that inference does not tell the two apart.
    """

    NONE = "none"
    BAS = "bas"
    MBAS = "mbas"
    LAS = "las"


class Decoding(StrEnum):
    """The order in which the decoder gives a window's skeletons; it places the locality mask's centres p_t.

    Attributes:
        REVERSE: the last first, as the paper's reverse reconstruction does; p_t = f - t + 1 (Eq. 5).
        PLAIN: in order of time, as Table 4 without Rev. Rec.; p_t = t.
    """

    REVERSE = "reverse"
    PLAIN = "plain"

    def centres(self, f: int) -> Tensor:
        """p_t for t = 1..f, counted from 1; (f,) int64."""
        steps = torch.arange(1, f + 1)
        return steps.flip(0) if self is Decoding.REVERSE else steps


class Alignment(StrEnum):
    """What correlates a decoded with an encoded gait state.

    Attributes:
        DOT: the dot product of the paper's Eq. 4.
        GENERAL: a learnt matrix W_m between the two, as in the authors' code.
    """

    DOT = "dot"
    GENERAL = "general"


def alignment_scores(decoded: Tensor, keys: Tensor) -> Tensor:
    """Basic alignment scores a_t(j) of one decoding step t (Eq. 4).

    Args:
        decoded: (..., K), the decoded gait state of step t.
        keys: (..., f, K), the encoded gait states h_j (W_m h_j with `Alignment.GENERAL`).

    Returns:
        (..., f), positive, summing to 1 over j.
    """
    correlations = torch.matmul(keys, decoded.unsqueeze(-1)).squeeze(-1)
    return torch.softmax(correlations, dim=-1)


def locality_mask(f: int, window: int, decoding: Decoding = Decoding.REVERSE) -> Tensor:
    """Gaussian mask l_t(j) around p_t with sigma = D / 2 (Eq. 5).

    Args:
        f: skeletons of a window.
        window: D, positions; the mask is 0 outside [p_t - D, p_t + D].
        decoding: where the centres p_t lie.

    Returns:
        (f, f) float64 on the CPU, row t, column j.
    """
    position = torch.arange(1, f + 1, dtype=torch.float64)
    offset = position.unsqueeze(0) - decoding.centres(f).to(torch.float64).unsqueeze(1)
    sigma = window / 2
    mask = torch.exp(-offset.square() / (2 * sigma**2))
    return torch.where(offset.abs() <= window, mask, torch.zeros_like(mask))


def context(scores: Tensor, encoded: Tensor) -> Tensor:
    """Context vector c_t of one decoding step (Eq. 8).

    Args:
        scores: (..., f), basic, masked or locality-aware alignment scores.
        encoded: (..., f, K), the encoded gait states.

    Returns:
        (..., K), the sum of the states weighted by the scores.
    """
    return torch.matmul(scores.unsqueeze(-2), encoded).squeeze(-2)
