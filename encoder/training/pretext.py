"""Pretext tasks: what the network reads, what it shall give, and what its decoder is fed (paper section 3.1).

Training data are spans: a window of f skeletons and, for prediction, those that follow it.
`stream.windows.cutting` cuts them out of one unbroken stretch of one recording, so no target lies across a
recording's boundary.
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
    "Exercise",
    "concatenate_cages",
    "make_exercise",
    "mask_centres",
    "span_length",
    "suitable_attention",
]


@dataclass(frozen=True, slots=True, eq=False)
class Exercise:
    """A pretext task set to n windows.

    Attributes:
        inputs: (n, f, J, 3) float32, S^I, what the encoder reads.
        targets: (n, f, J, 3) float32, what decoding step t = 1..f shall give.
        auxiliary: (n, f, J, 3) float32, the skeletons that feed the decoder: step t > 1 is fed number t - 1
            (teacher forcing); None where it is fed its own output.
    """

    inputs: FloatArray
    targets: FloatArray
    auxiliary: FloatArray | None


def span_length(pretext: Pretext, f: int) -> int:
    """How many skeletons in a row a task needs for a window of f.

    Raises:
        ValueError: half prediction of an odd window.
    """
    if pretext is Pretext.PREDICTION:
        return 2 * f
    if pretext is Pretext.PREDICTION_HALF:
        if f % 2:
            raise ValueError(f"{pretext}: expected an even number of skeletons a window, got {f}")
        return f + f // 2
    return f


def suitable_attention(pretext: Pretext, attention: Attention) -> Attention:
    """The attention that a task trains with where `attention` was chosen.

    Prediction and sorting cannot use locality, so they take basic attention instead (paper Sec. 5.2.1).
    """
    local = attention in {Attention.MBAS, Attention.LAS}
    return Attention.BAS if local and not pretext.sequential else attention


def mask_centres(pretext: Pretext, f: int) -> Tensor:
    """p_t of Eq. 5 for t = 1..f, counted from 1: f - t + 1 for `reverse`, t for `plain`.

    Returns:
        (f,) int64.

    Raises:
        ValueError: the task has no locality.
    """
    if not pretext.sequential:
        raise ValueError(f"{pretext}: there is no locality mask")
    return pretext.decoding.centres(f)


def make_exercise(
    pretext: Pretext, spans: FloatArray, f: int, draw: np.random.RandomState, *, training: bool = True
) -> Exercise:
    """Set a task.

    In training the decoder of `reverse` and `plain` is fed the true skeletons (Eq. 2, x_t = target t), that
    of prediction and sorting its own output; in testing every decoder is fed its own output.

    Args:
        pretext: the task.
        spans: (n, L, J, 3) float32, L = `span_length`, skeletons in order of time.
        f: skeletons of a window.
        draw: shuffles for sorting: one permutation a window, the same for X, Y and Z.
        training: False for the paper's test mode.

    Raises:
        ValueError: the spans have another length.
    """
    length = span_length(pretext, f)
    if spans.ndim != 4 or spans.shape[1] != length:
        raise ValueError(f"spans: expected (n, {length}, J, 3) for {pretext}, got {spans.shape}")
    window = spans[:, :f]
    if pretext is Pretext.SORTING:
        order = draw.random_sample((len(spans), f)).argsort(axis=1)
        return Exercise(np.take_along_axis(window, order[:, :, None, None], axis=1), window, None)
    targets = window[:, ::-1] if pretext is Pretext.REVERSE else spans[:, length - f :]
    taught = training and pretext.sequential
    return Exercise(window, targets, targets if taught else None)


def concatenate_cages(cages: Sequence[Tensor]) -> Tensor:
    """The CAGEs of several tasks as one (Sec. 5.2.1): step by step side by side.

    Args:
        cages: for each task (n, f, 3 K).

    Returns:
        (n, f, tasks * 3 K), in the order of the tasks.
    """
    return torch.cat(tuple(cages), dim=-1)
