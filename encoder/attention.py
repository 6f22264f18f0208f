"""Attention of the gait decoder over the encoded gait states (paper section 3.2, Eq. 4 to 8).

Positions count from 1 in formulas of the paper, and from 0 as tensor indices.
"""

from __future__ import annotations

from enum import StrEnum

import torch
from torch import Tensor

__all__ = ["Alignment", "Attention", "Decoding", "alignment_scores", "context", "locality_mask"]


class Attention(StrEnum):
    """How the decoder attends to the encoded gait states.

    Attributes:
        NONE: no attention. The decoder is a plain LSTM decoder (Eq. 2 without an attentional state), so there
            is no context. The features are the encoded gait states, as in the paper's experiments without
            attention (Table 4, "h_t"). Using h_{p_t} as the decoder's context instead would be hard attention
            that is fixed on the correct position.
        BAS: basic alignment scores (Eq. 4).
        MBAS: masked scores, the basic scores times the locality mask (Eq. 6); they do not sum to 1.
        LAS: locality-aware alignment scores. Their computation is that of `BAS`; the training loss L_A (Eq.
            7) makes them local, so the two are the same at inference.
    """

    NONE = "none"
    BAS = "bas"
    MBAS = "mbas"
    LAS = "las"


class Decoding(StrEnum):
    """Order in which the decoder outputs a window's skeletons; it sets the centres p_t of the locality mask.

    Attributes:
        REVERSE: last skeleton first, as in the paper's reverse reconstruction; p_t = f - t + 1 (Eq. 5).
        PLAIN: in order of time, as in Table 4 without Rev. Rec.; p_t = t.
    """

    REVERSE = "reverse"
    PLAIN = "plain"

    def centres(self, f: int) -> Tensor:
        """Returns p_t for t = 1..f, counted from 1; (f,) int64."""
        steps = torch.arange(1, f + 1)
        return steps.flip(0) if self is Decoding.REVERSE else steps


class Alignment(StrEnum):
    """How a decoded and an encoded gait state are correlated.

    Attributes:
        DOT: dot product (Eq. 4).
        GENERAL: bilinear form with a learnt matrix W_m, as in the authors' code.
    """

    DOT = "dot"
    GENERAL = "general"


def alignment_scores(decoded: Tensor, keys: Tensor) -> Tensor:
    """Returns the basic alignment scores a_t(j) of one decoding step t (Eq. 4).

    Args:
        decoded: (..., K), the decoded gait state of step t.
        keys: (..., f, K), the encoded gait states h_j (W_m h_j with `Alignment.GENERAL`).

    Returns:
        (..., f), positive, summing to 1 over j.
    """
    correlations = torch.matmul(keys, decoded.unsqueeze(-1)).squeeze(-1)
    return torch.softmax(correlations, dim=-1)


def locality_mask(f: int, window: int, decoding: Decoding = Decoding.REVERSE) -> Tensor:
    """Returns the Gaussian mask l_t(j) around p_t with sigma = D / 2 (Eq. 5).

    Args:
        f: skeletons of a window.
        window: D, in positions; the mask is 0 outside [p_t - D, p_t + D].
        decoding: sets the centres p_t.

    Returns:
        (f, f) float64 on the CPU, row t, column j.
    """
    position = torch.arange(1, f + 1, dtype=torch.float64)
    offset = position.unsqueeze(0) - decoding.centres(f).to(torch.float64).unsqueeze(1)
    sigma = window / 2
    mask = torch.exp(-offset.square() / (2 * sigma**2))
    return torch.where(offset.abs() <= window, mask, torch.zeros_like(mask))


def context(scores: Tensor, encoded: Tensor) -> Tensor:
    """Returns the context vector c_t of one decoding step (Eq. 8).

    Args:
        scores: (..., f), basic, masked or locality-aware alignment scores.
        encoded: (..., f, K), the encoded gait states.

    Returns:
        (..., K), the sum of the states weighted by the scores.
    """
    return torch.matmul(scores.unsqueeze(-2), encoded).squeeze(-2)
