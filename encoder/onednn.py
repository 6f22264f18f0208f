"""CAGEs on a CPU by oneDNN's kernels: those of `GaitEncoder.encode` up to rounding, in less time.

X, Y and Z are computed one after the other. A kernel of oneDNN computes all steps of an LSTM layer, products
and gates together, with weights that were packed once for the processor. torch has these kernels, and the
packing of weights, only as operators without a public name; `supported` looks for them.

The decoder's input is its own output skeleton (Eq. 2), which is a linear function of the attentional state
(Eq. 10). So the output kernel is multiplied into the first decoder layer, and no skeleton is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from encoder.attention import locality_mask
from encoder.lstm import DIMENSIONS, FORGET_BIAS, DimensionLstm, State
from encoder.model import GaitEncoder

__all__ = ["OneDnnEncoder", "bf16_supported", "supported"]

_LSTM = 2
"""torch's number of the LSTM among oneDNN's recurrent layers."""


def supported() -> bool:
    """Returns whether this torch has oneDNN and the operators used here."""
    operators = (
        (torch.ops.aten, "mkldnn_rnn_layer"),
        (torch.ops.mkldnn, "_reorder_mkldnn_rnn_layer_weight"),
        (torch.ops.mkldnn, "_reorder_linear_weight"),
        (torch.ops.mkldnn, "_linear_pointwise"),
    )
    available: Callable[[], bool] = torch.backends.mkldnn.is_available
    return available() and all(hasattr(*each) for each in operators)


def bf16_supported() -> bool:
    """Returns whether the processor has products of bf16 numbers (AVX-512 or AMX) that torch uses."""
    capabilities = torch.cpu.get_capabilities()
    return supported() and any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16"))


class OneDnnEncoder:
    """Computes the CAGEs of a model.

    Args:
        model: the encoder, in float32 on the CPU; its parameters are copied.
        dtype: float32, or bfloat16 for products and states in that precision; see `bf16_supported`.
    """

    def __init__(self, model: GaitEncoder, dtype: torch.dtype = torch.float32) -> None:
        self._dtype = dtype
        with torch.inference_mode():
            self._dimensions = [_Dimension(model, number, dtype) for number in range(DIMENSIONS)]

    def encode(self, windows: Tensor) -> Tensor:
        """Returns the CAGEs (n, f, 3 K) float32 of windows (n, f, J, 3); see `GaitEncoder.encode`."""
        sequences = windows.permute(3, 1, 0, 2).to(self._dtype).contiguous()
        contexts = [each.contexts(inputs) for each, inputs in zip(self._dimensions, sequences, strict=True)]
        return torch.cat(contexts, dim=-1)


class _Layer:
    """One LSTM layer of one dimension.

    Args:
        inputs: (I, 4 K), the kernel's rows for the input; columns as in `DimensionLstm`.
        hidden: (K, 4 K), the kernel's rows for the hidden state.
        bias: (4 K,), without the forget bias.
        dtype: of the computation.
    """

    def __init__(self, inputs: Tensor, hidden: Tensor, bias: Tensor, dtype: torch.dtype) -> None:
        self._size = len(hidden)
        self._dtype = dtype
        kernels = [_torch_gates(kernel).t().to(dtype).contiguous() for kernel in (inputs, hidden)]
        self._kernels: Sequence[Tensor] = torch.ops.mkldnn._reorder_mkldnn_rnn_layer_weight(
            *kernels, self._size, reverse=False, has_biases=True, batch_first=False
        )
        self._bias = self.bias(bias)
        self._no_bias = torch.zeros_like(self._bias)

    def bias(self, bias: Tensor) -> Tensor:
        """Returns a bias (4 K,) as `run` takes it."""
        forget = torch.zeros_like(bias)
        forget[self._size : 2 * self._size] = FORGET_BIAS
        return _torch_gates(bias + forget).to(self._dtype)

    def run(self, inputs: Tensor, state: State, bias: Tensor | None = None) -> tuple[Tensor, State]:
        """Runs the layer over steps (f, n, I) from a state of two (1, n, K); returns (f, n, K) and the state.

        Args:
            inputs: of each step.
            state: hidden state and cell before the first step.
            bias: from `bias`, instead of the layer's own.
        """
        hidden, h, c, _ = torch.ops.aten.mkldnn_rnn_layer(
            inputs,
            *self._kernels,
            self._bias if bias is None else bias,
            self._no_bias,
            *state,
            reverse=False,
            batch_sizes=[],
            mode=_LSTM,
            hidden_size=self._size,
            num_layers=1,
            has_biases=True,
            bidirectional=False,
            batch_first=False,
            train=False,
        )
        return hidden, (h, c)


class _Linear:
    """A product with a kernel (I, K), without bias."""

    def __init__(self, kernel: Tensor, dtype: torch.dtype) -> None:
        self._kernel: Tensor = torch.ops.mkldnn._reorder_linear_weight(kernel.t().to(dtype).contiguous())

    def run(self, inputs: Tensor, activation: str = "none") -> Tensor:
        """Returns the product of inputs (..., I) with the kernel, (..., K), after `none` or `tanh`."""
        product: Tensor = torch.ops.mkldnn._linear_pointwise(inputs, self._kernel, None, activation, [], "")
        return product


class _Encoder:
    """The gait encoder of one dimension (Eq. 1)."""

    def __init__(self, model: GaitEncoder, number: int, dtype: torch.dtype) -> None:
        self._layers = [_layer(_lstm(layer), number, dtype) for layer in model.encoder]
        self._hidden = model.config.hidden

    def run(self, steps: Tensor) -> tuple[Tensor, list[State]]:
        """Returns the encoded gait states (n, f, K) of steps (f, n, J), and the last state of each layer."""
        zeros = steps.new_zeros(1, steps.shape[1], self._hidden)
        states = []
        for layer in self._layers:
            steps, state = layer.run(steps, (zeros, zeros))
            states.append(state)
        return steps.transpose(0, 1).contiguous(), states


class _Decoder:
    """The gait decoder of one dimension with its attention (Eq. 2 and 4 to 10)."""

    def __init__(self, model: GaitEncoder, number: int, dtype: torch.dtype) -> None:
        if model.attention is None:
            raise ValueError("expected a model with attention")
        config = model.config
        first, *deeper = map(_lstm, model.decoder)
        rows = first.kernel[number]
        skeleton, attentional, hidden = rows.tensor_split((config.joints, first.inputs))
        bias = first.bias[number]
        fed_back = bias + model.output_bias[number] @ skeleton
        kernel = attentional + model.output_kernel[number] @ skeleton
        self._first = _Layer(kernel, hidden, fed_back, dtype)
        self._first_bias = self._first.bias(bias)
        self._deeper = [_layer(layer, number, dtype) for layer in deeper]
        self._attention = _Linear(model.attention.kernel[number], dtype)
        self._match = None
        if model.attention.match is not None:
            self._match = _Linear(model.attention.match[number], dtype)
        self._mask = None
        if model.attention.masked:
            self._mask = locality_mask(config.f, config.f, config.decoding).float()

    def run(self, memory: Tensor, states: list[State]) -> Tensor:
        """Returns the contexts (n, f, K) float32 of the encoded gait states.

        Args:
            memory: (n, f, K), the encoded gait states.
            states: of the encoder's layers after the last skeleton; updated.
        """
        n, f, hidden = memory.shape
        # Contexts are the result, so they are not rounded to a lower precision once more.
        values = memory.float()
        keys = values if self._match is None else self._match.run(memory).float()
        attentional = memory.new_zeros(n, hidden)
        contexts = []
        for step in range(f):
            decoded = self._decode(attentional, states, first=step == 0)
            scores = torch.softmax((keys * decoded.unsqueeze(1)).sum(-1), dim=-1)
            if self._mask is not None:
                scores = scores * self._mask[step]
            context = (values * scores.unsqueeze(-1)).sum(1)
            contexts.append(context)
            seen = torch.cat((context.to(memory.dtype), decoded), dim=-1)
            attentional = self._attention.run(seen, "tanh")
        return torch.stack(contexts, dim=1)

    def _decode(self, attentional: Tensor, states: list[State], *, first: bool) -> Tensor:
        """Runs one step through all layers, updates `states`, and returns the decoded gait state (n, K)."""
        bias = self._first_bias if first else None  # the skeleton before the first step is zeros
        steps, states[0] = self._first.run(attentional.unsqueeze(0), states[0], bias)
        for number, layer in enumerate(self._deeper, start=1):
            steps, states[number] = layer.run(steps, states[number])
        return steps.squeeze(0)


class _Dimension:
    """Encoder and decoder of one dimension."""

    def __init__(self, model: GaitEncoder, number: int, dtype: torch.dtype) -> None:
        self._encoder = _Encoder(model, number, dtype)
        self._decoder = None if model.attention is None else _Decoder(model, number, dtype)

    def contexts(self, steps: Tensor) -> Tensor:
        """Returns the contexts (n, f, K) float32, in decoding order, of steps (f, n, J)."""
        memory, states = self._encoder.run(steps)
        # Without attention the features are the encoded gait states, last first; see `GaitEncoding.contexts`.
        return memory.flip(1).float() if self._decoder is None else self._decoder.run(memory, states)


def _lstm(layer: nn.Module) -> DimensionLstm:
    if not isinstance(layer, DimensionLstm):
        raise TypeError(f"expected a DimensionLstm, got {type(layer).__name__}")
    return layer


def _layer(layer: DimensionLstm, number: int, dtype: torch.dtype) -> _Layer:
    """Returns one dimension of a layer."""
    kernel = layer.kernel[number]
    return _Layer(kernel[: layer.inputs], kernel[layer.inputs :], layer.bias[number], dtype)


def _torch_gates(columns: Tensor) -> Tensor:
    """Reorders columns from input gate, forget gate, output gate, candidate to torch's order."""
    input_gate, forget_gate, output_gate, candidate = columns.chunk(4, dim=-1)
    return torch.cat((input_gate, forget_gate, candidate, output_gate), dim=-1)
