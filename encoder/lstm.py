"""An LSTM layer for X, Y and Z at once: three networks that share nothing, computed together."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["DIMENSIONS", "DimensionLstm", "State"]

DIMENSIONS = 3
"""X, Y and Z."""

State = tuple[Tensor, Tensor]
"""Hidden state and cell of a layer, (3, n, K) each."""

_FORGET_BIAS = 1.0


class DimensionLstm(nn.Module):
    """One LSTM layer of all dimensions.

    1 is added to the forget gate in the computation, not kept in the bias, so that weight decay does not
    pull it to 0.

    Args:
        inputs: numbers of one step's input.
        hidden: K, numbers of the state.

    Attributes:
        kernel: (3, inputs + K, 4 K); rows: the input's, then the state's; columns: the input, forget and
            output gates, then the candidate.
        bias: (3, 4 K).
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.inputs = inputs
        self.hidden = hidden
        self.kernel = nn.Parameter(torch.zeros(DIMENSIONS, inputs + hidden, 4 * hidden))
        self.bias = nn.Parameter(torch.zeros(DIMENSIONS, 4 * hidden))

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Take f steps; the inputs of all of them are projected in one product.

        Args:
            inputs: (3, f, n, inputs).
            state: before the first step; None is zeros.

        Returns:
            The hidden states of all steps (3, f, n, K), and the state after the last.
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
            take, forget, give, candidate = gates.chunk(4, dim=-1)
            c = torch.sigmoid(forget + _FORGET_BIAS) * c + torch.sigmoid(take) * torch.tanh(candidate)
            h = torch.sigmoid(give) * torch.tanh(c)
            hidden.append(h)
        return torch.stack(hidden, dim=1), (h, c)
