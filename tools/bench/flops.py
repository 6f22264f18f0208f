"""Floating-point operations of the gait encoder, counted from its configuration."""

from __future__ import annotations

from encoder.attention import Alignment, Attention
from encoder.lstm import DIMENSIONS
from encoder.model import EncoderConfig

__all__ = ["window_flops"]


def window_flops(config: EncoderConfig) -> int:
    """Returns the operations of the matrix products of one window, two for each multiplication and addition.

    Everything that `encoder.model.GaitEncoder` computes in test mode counts, the decoder's output too. What
    is no product (gates, tanh, biases) does not.

    Args:
        config: the architecture.
    """
    hidden, attends = config.hidden, config.attention is not Attention.NONE
    first_of_decoder = config.joints + (hidden if attends else 0)
    per_step = sum(
        _lstm(inputs, hidden)
        for inputs in (config.joints, first_of_decoder, *[hidden] * (2 * (config.layers - 1)))
    )
    per_step += hidden * config.joints  # output layer
    if attends:
        scores_and_context = 2 * config.f * hidden
        per_step += scores_and_context + 2 * hidden * hidden
        if config.alignment is Alignment.GENERAL:
            per_step += hidden * hidden
    return 2 * DIMENSIONS * config.f * per_step


def _lstm(inputs: int, hidden: int) -> int:
    return (inputs + hidden) * 4 * hidden
