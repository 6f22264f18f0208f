"""An LSTM layer for X, Y and Z at once: three networks without shared parameters, computed as one batch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["DIMENSIONS", "FORGET_BIAS", "DimensionLstm", "State"]

DIMENSIONS = 3
"""X, Y and Z."""

State = tuple[Tensor, Tensor]
"""Hidden state and cell of a layer, (3, n, K) each."""

FORGET_BIAS = 1.0
"""Added to the forget gate's bias in the computation."""


class DimensionLstm(nn.Module):
    """One LSTM layer for all three dimensions.

    The forget bias of 1 is added in the computation and is not part of the bias parameter, so that weight
    decay does not pull it to 0.

    Args:
        inputs: size of the input of one step.
        hidden: K, size of the state.

    Attributes:
        kernel: (3, inputs + K, 4 K); rows: input, then hidden state; columns: input gate, forget gate, output
            gate, candidate.
        bias: (3, 4 K).
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.inputs = inputs
        self.hidden = hidden
        self.kernel = nn.Parameter(torch.zeros(DIMENSIONS, inputs + hidden, 4 * hidden))
        self.bias = nn.Parameter(torch.zeros(DIMENSIONS, 4 * hidden))

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Runs f steps; one product projects the inputs of all steps.

        Args:
            inputs: (3, f, n, inputs).
            state: the state before the first step; None for zeros.

        Returns:
            The hidden states of all steps (3, f, n, K), and the state after the last step.
        """
        _, f, n, _ = inputs.shape
        rows = inputs.reshape(DIMENSIONS, f * n, self.inputs)
        projected = torch.baddbmm(self.bias.unsqueeze(1), rows, self.kernel[:, : self.inputs])
        projected = projected.view(DIMENSIONS, f, n, 4 * self.hidden)
        zeros = inputs.new_zeros(DIMENSIONS, n, self.hidden)
        h, c = state or (zeros, zeros)
        hidden = []
        for t in range(f):
            gates = torch.baddbmm(projected[:, t], h, self.kernel[:, self.inputs :])
            input_gate, forget_gate, output_gate, candidate = gates.chunk(4, dim=-1)
            kept = torch.sigmoid(forget_gate + FORGET_BIAS) * c
            c = kept + torch.sigmoid(input_gate) * torch.tanh(candidate)
            h = torch.sigmoid(output_gate) * torch.tanh(c)
            hidden.append(h)
        return torch.stack(hidden, dim=1), (h, c)
