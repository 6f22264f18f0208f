"""Pretext tasks: inputs, targets and decoder inputs of the network (paper section 3.1).

Training data are spans, runs of consecutive skeletons: a window of f skeletons and, for prediction, the
skeletons that follow it. `stream.windows.cutting` cuts each span from one uninterrupted part of one
recording, so no target crosses a recording's boundary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from encoder.attention import Attention
from encoder.pretext_tasks import Pretext
from stream.body import FloatArray

__all__ = [
    "PretextBatch",
    "concatenate_cages",
    "locality_centres",
    "make_pretext_batch",
    "span_length",
    "suitable_attention",
]


@dataclass(frozen=True, slots=True, eq=False)
class PretextBatch:
    """Inputs and targets of a pretext task for n windows.

    Attributes:
        inputs: (n, f, J, 3) float32, S^I, the input of the encoder.
        targets: (n, f, J, 3) float32, the target of decoding step t = 1..f.
        auxiliary: (n, f, J, 3) float32, the skeletons for teacher forcing: the input of step t > 1 is
            skeleton t - 1. None if the decoder gets its own output.
    """

    inputs: FloatArray
    targets: FloatArray
    auxiliary: FloatArray | None


def span_length(pretext: Pretext, f: int) -> int:
    """Returns how many consecutive skeletons a task needs for a window of f skeletons.

    Raises:
        ValueError: half prediction with an odd f.
    """
    if pretext is Pretext.PREDICTION:
        return 2 * f
    if pretext is Pretext.PREDICTION_HALF:
        if f % 2:
            raise ValueError(f"{pretext}: expected an even number of skeletons per window, got {f}")
        return f + f // 2
    return f


def suitable_attention(pretext: Pretext, attention: Attention) -> Attention:
    """Returns the attention that a task trains with if `attention` is configured.

    Prediction and sorting cannot use locality, so they use basic attention instead (paper Sec. 5.2.1).
    """
    local = attention in {Attention.MBAS, Attention.LAS}
    return Attention.BAS if local and not pretext.sequential else attention


def locality_centres(pretext: Pretext, f: int) -> Tensor:
    """Returns p_t of Eq. 5 for t = 1..f, counted from 1: f - t + 1 for `reverse`, t for `plain`.

    Returns:
        (f,) int64.

    Raises:
        ValueError: the task has no locality mask.
    """
    if not pretext.sequential:
        raise ValueError(f"{pretext}: this task has no locality mask")
    return pretext.decoding.centres(f)


def make_pretext_batch(
    pretext: Pretext, spans: FloatArray, f: int, random: np.random.RandomState
) -> PretextBatch:
    """Returns inputs and targets of a task for training.

    The decoder of `reverse` and `plain` gets the true skeletons (Eq. 2, x_t = target t), and that of
    prediction and sorting its own output.

    Args:
        pretext: the task.
        spans: (n, L, J, 3) float32, L = `span_length`, skeletons in order of time.
        f: skeletons of a window.
        random: draws the shuffles for sorting: one permutation per window, the same for X, Y and Z.

    Raises:
        ValueError: the spans have the wrong length.
    """
    length = span_length(pretext, f)
    if spans.ndim != 4 or spans.shape[1] != length:
        raise ValueError(f"spans: expected (n, {length}, J, 3) for {pretext}, got {spans.shape}")
    window = spans[:, :f]
    if pretext is Pretext.SORTING:
        order = random.random_sample((len(spans), f)).argsort(axis=1)
        return PretextBatch(np.take_along_axis(window, order[:, :, None, None], axis=1), window, None)
    targets = window[:, ::-1] if pretext is Pretext.REVERSE else spans[:, length - f :]
    return PretextBatch(window, targets, targets if pretext.sequential else None)


def concatenate_cages(cages: Sequence[Tensor]) -> Tensor:
    """Concatenates the CAGEs of several tasks, step by step (Sec. 5.2.1).

    Args:
        cages: (n, f, 3 K) for each task.

    Returns:
        (n, f, tasks * 3 K), in the order of the tasks.
    """
    return torch.cat(tuple(cages), dim=-1)
