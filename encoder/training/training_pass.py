"""Forward pass for training: the same numbers as `encoder.model.GaitEncoder`, with a faster backward pass.

`GaitEncoder.forward` is the reference, and the live system runs it. Its backward pass is slow: each LSTM step
slices the kernel, and autograd represents the gradient of each slice by a tensor of the kernel's size that is
zero outside the slice. Here an LSTM step is one autograd function with a hand-written gradient, and the
gradient of a weight is one product over all steps.
"""

from __future__ import annotations

import torch
from torch import Tensor

from encoder.attention import alignment_scores, context, locality_mask
from encoder.lstm import DIMENSIONS, DimensionLstm, State
from encoder.model import GaitEncoder, GaitEncoding
from encoder.training.lstm_gradients import lstm_layer, lstm_step, project, share_weight, shared_product

__all__ = ["training_pass"]


def training_pass(
    model: GaitEncoder, windows: Tensor, auxiliary: Tensor | None = None, dtype: torch.dtype = torch.float32
) -> GaitEncoding:
    """Returns `model(windows, auxiliary)`, faster than the model if gradients are needed.

    Args:
        model: the encoder; its parameters get the gradients.
        windows: (n, f, J, 3) float32, as for the model.
        auxiliary: (n, f, J, 3) or None, as for the model.
        dtype: the dtype of the products with weights; states, scores and losses are float32.
    """
    encoded = windows.permute(3, 1, 0, 2).contiguous()
    states = []
    for layer in model.encoder:
        assert isinstance(layer, DimensionLstm)
        encoded, state = lstm_layer(encoded, layer.kernel, layer.bias, dtype)
        states.append(state)
    return _Decoder(model, encoded, states, dtype).run(auxiliary)


class _Decoder:
    """The decoder: Eq. 2 and 4 to 10, step by step."""

    def __init__(
        self,
        model: GaitEncoder,
        encoded: Tensor,
        states: list[State],
        dtype: torch.dtype,
    ) -> None:
        self._model = model
        self._dtype = dtype
        self._encoded = encoded
        self._states = states
        joints, steps = model.config.joints, model.config.f
        first = model.decoder[0]
        assert isinstance(first, DimensionLstm)
        self._skeleton_kernel, rest = torch.split(
            first.kernel, [joints, first.kernel.shape[1] - joints], dim=1
        )
        self._first_bias = first.bias
        self._weights = [share_weight(rest, steps, dtype)]
        self._biases = []
        for layer in list(model.decoder)[1:]:
            assert isinstance(layer, DimensionLstm)
            self._weights.append(share_weight(layer.kernel, steps, dtype))
            self._biases.append(layer.bias.unsqueeze(1).expand(-1, encoded.shape[2], -1))

    def run(self, auxiliary: Tensor | None) -> GaitEncoding:
        model, encoded = self._model, self._encoded
        f, n = encoded.shape[1:3]
        memory = encoded.transpose(1, 2).contiguous()
        layer = model.attention
        keys = memory if layer is None else layer.keys(memory)
        attention_weight = None if layer is None else share_weight(layer.kernel, f, self._dtype)
        mask = locality_mask(f, f, model.config.decoding).to(memory)
        attentional = encoded.new_zeros(DIMENSIONS, n, model.config.hidden)
        projections = self._project_auxiliary(auxiliary, f, n)
        attentional_states: list[Tensor] = []
        outputs: list[Tensor] = []
        contexts: list[Tensor] = []
        alignment: list[Tensor] = []
        for t in range(f):
            projected = projections[t] if auxiliary is not None else self._project_own(outputs, n)
            decoded = self._step(projected, None if layer is None else attentional)
            if layer is None or attention_weight is None:
                attentional, c = decoded, encoded[:, f - 1 - t]
            else:
                scores = alignment_scores(decoded, keys)
                c = context(scores * mask[t] if layer.masked else scores, memory)
                attentional = torch.tanh(shared_product(c, decoded, *attention_weight))
                alignment.append(scores)
            contexts.append(c)
            attentional_states.append(attentional)
            if auxiliary is None:
                outputs.append(self._output(attentional.unsqueeze(1)).squeeze(1))
        if auxiliary is not None:
            skeletons = self._output(torch.stack(attentional_states, 1))
        else:
            skeletons = torch.stack(outputs, 1)
        return GaitEncoding(
            reconstruction=skeletons.permute(2, 1, 3, 0),
            encoded=memory.permute(1, 2, 0, 3),
            contexts=torch.stack(contexts).permute(2, 0, 1, 3),
            alignment=torch.stack(alignment).permute(2, 0, 1, 3) if alignment else None,
        )

    def _project_auxiliary(self, auxiliary: Tensor | None, f: int, n: int) -> tuple[Tensor, ...]:
        """Projects the auxiliary skeletons onto the first layer's gates for each step; step 1 has zeros."""
        if auxiliary is None:
            return ()
        joints = self._model.config.joints
        zeros = auxiliary.new_zeros(DIMENSIONS, 1, n, joints)
        rows = torch.cat((zeros, auxiliary.permute(3, 1, 0, 2)[:, : f - 1]), dim=1)
        return project(rows, self._skeleton_kernel, self._first_bias, self._dtype).unbind(1)

    def _project_own(self, outputs: list[Tensor], n: int) -> Tensor:
        """Projects the output skeleton of the previous step onto the first layer's gates."""
        if not outputs:
            return self._first_bias.unsqueeze(1).expand(-1, n, -1)
        kernel, bias = self._skeleton_kernel, self._first_bias
        return project(outputs[-1].unsqueeze(1), kernel, bias, self._dtype).squeeze(1)

    def _step(self, projected: Tensor, attentional: Tensor | None) -> Tensor:
        below = attentional
        for i, weight in enumerate(self._weights):
            summand = projected if i == 0 else self._biases[i - 1]
            self._states[i] = lstm_step(summand, below, self._states[i], *weight)
            below = self._states[i][0]
        assert below is not None
        return below

    def _output(self, attentional: Tensor) -> Tensor:
        return project(attentional, self._model.output_kernel, self._model.output_bias, self._dtype)
