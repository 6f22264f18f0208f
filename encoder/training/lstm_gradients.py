"""Autograd functions for LSTM training, one per step or per layer, with hand-written gradients.

The gradient of a weight that several steps share is one product over all steps: a `GradientCollector` stores
the input of each step's product and the gradient of its output. In this module `d_x` is the gradient of the
loss with respect to x.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from encoder.lstm import DIMENSIONS, State

__all__ = ["GradientCollector", "lstm_layer", "lstm_step", "project", "share_weight", "shared_product"]

_aten = torch.ops.aten


def share_weight(weight: Tensor, steps: int, dtype: torch.dtype) -> tuple[Tensor, GradientCollector]:
    """Returns a weight (3, inputs, outputs) for the products of `steps` steps, and its gradient collector."""
    collector = GradientCollector(steps)
    return _apply(_SharedWeight, weight, collector, dtype), collector


def shared_product(first: Tensor, second: Tensor, weight: Tensor, collector: GradientCollector) -> Tensor:
    """Returns the product of two concatenated inputs (3, n, K) and a shared weight."""
    result: Tensor = _apply(_SharedProduct, first, second, weight, collector)
    return result


def lstm_step(
    projected: Tensor, below: Tensor | None, state: State, weight: Tensor, collector: GradientCollector
) -> State:
    """Runs one step of an LSTM layer.

    Args:
        projected: (3, n, 4 K), the bias, plus products that are already computed.
        below: (3, n, M), the input from the layer below, or None without such an input.
        state: the state before the step.
        weight: (3, M + K, 4 K), from `share_weight`.
        collector: the weight's gradient collector.
    """
    next_state: State = _apply(_LstmStep, projected, below, *state, weight, collector)
    return next_state


def lstm_layer(rows: Tensor, kernel: Tensor, bias: Tensor, dtype: torch.dtype) -> tuple[Tensor, State]:
    """Runs all steps of a layer from a zero state, like `encoder.lstm.DimensionLstm`.

    Args:
        rows: (3, f, n, inputs).
        kernel: (3, inputs + K, 4 K).
        bias: (3, 4 K).
        dtype: the dtype of the products.

    Returns:
        The hidden states of all steps (3, f, n, K), and the state after the last step.
    """
    hidden, h, c = _apply(_LstmLayer, rows, kernel, bias, dtype)
    return hidden, (h, c)


def project(rows: Tensor, kernel: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
    """Returns rows (3, f, n, inputs) times kernel plus bias, with one product for all steps."""
    flat = rows.flatten(1, 2)
    if dtype is torch.float32:
        product = torch.baddbmm(bias.unsqueeze(1), flat, kernel)
    else:
        product = torch.bmm(flat.to(dtype), kernel.to(dtype)).float().add_(bias.unsqueeze(1))
    return product.view(*rows.shape[:3], kernel.shape[-1])


def _apply(function: type[torch.autograd.Function], *arguments: object) -> Any:
    apply: Any = function.apply  # untyped in torch
    return apply(*arguments)


class GradientCollector:
    """Stores, for each step, the input of the product with a shared weight and the gradient of its output."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._stored = 0
        self._inputs = self._gradients = torch.empty(0)

    def add_input(self, *parts: Tensor, dtype: torch.dtype) -> tuple[Tensor, int]:
        """Stores the concatenated parts of a step's input; returns the stored input and the step's number."""
        widths = [part.shape[-1] for part in parts]
        if self._stored == 0:
            shape = (DIMENSIONS, self._steps, parts[0].shape[1], sum(widths))
            self._inputs = parts[0].new_empty(shape, dtype=dtype)
        step, self._stored = self._stored, self._stored + 1
        slot = self._inputs[:, step]
        for part, columns in zip(parts, torch.split(slot, widths, dim=-1), strict=True):
            columns.copy_(part)
        return slot, step

    def gradient_slot(self, step: int, width: int) -> Tensor:
        """Returns the memory for the gradient of a step's output; its dtype is that of the inputs."""
        if not len(self._gradients):
            # Zeros, because a step that does not contribute to the loss never writes its gradient.
            self._gradients = self._inputs.new_zeros(*self._inputs.shape[:3], width)
        return self._gradients[:, step]

    def weight_gradient(self) -> Tensor | None:
        """Returns the gradient of the weight, and frees the memory; None if no step has a gradient."""
        if not len(self._gradients):
            return None
        inputs, gradients = self._inputs.flatten(1, 2), self._gradients.flatten(1, 2)
        self._inputs = self._gradients = torch.empty(0)
        return torch.bmm(inputs.transpose(1, 2), gradients).float()


class _SharedWeight(torch.autograd.Function):
    """A weight (3, inputs, outputs) that several steps share; its backward runs after that of all steps."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, collector: GradientCollector, dtype: torch.dtype) -> Tensor:
        ctx.collector = collector
        return weight.to(dtype) if weight.dtype != dtype else weight.view_as(weight)

    @staticmethod
    def backward(ctx: Any, *_: Tensor) -> tuple[Tensor | None, None, None]:
        return ctx.collector.weight_gradient(), None, None


class _SharedProduct(torch.autograd.Function):
    """Product of two concatenated inputs (3, n, K) and a shared weight."""

    @staticmethod
    def forward(
        ctx: Any, first: Tensor, second: Tensor, weight: Tensor, collector: GradientCollector
    ) -> Tensor:
        inputs, ctx.step = collector.add_input(first, second, dtype=weight.dtype)
        ctx.save_for_backward(weight)
        ctx.collector = collector
        return torch.bmm(inputs, weight).float()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        (weight,) = ctx.saved_tensors
        gradient = ctx.collector.gradient_slot(ctx.step, weight.shape[-1]).copy_(gradients[0])
        first, second = torch.bmm(gradient, weight.transpose(1, 2)).float().chunk(2, dim=-1)
        return first, second, None, None


def _gates_forward(gates: Tensor, cell: Tensor, hidden: Tensor, next_cell: Tensor, tanh_cell: Tensor) -> None:
    """Turns the pre-activations `gates` (3, n, 4 K) into gates in place.

    It writes the hidden state to `hidden`, the cell after the step to `next_cell` and its tanh to
    `tanh_cell`.
    """
    input_gate, forget_gate, output_gate, candidate = gates.chunk(4, dim=-1)
    forget_gate.add_(1.0)  # the forget bias of `encoder.lstm`
    gates[..., : 3 * cell.shape[-1]].sigmoid_()
    candidate.tanh_()
    torch.mul(forget_gate, cell, out=next_cell)
    next_cell.addcmul_(input_gate, candidate)
    torch.tanh(next_cell, out=tanh_cell)
    torch.mul(output_gate, tanh_cell, out=hidden)


def _gates_backward(
    d_hidden: Tensor, d_cell: Tensor, gates: Tensor, cell: Tensor, tanh_cell: Tensor, d_gates: Tensor
) -> Tensor:
    """Returns the gradient of the cell before a step.

    It writes the gradient of the pre-activations to `d_gates` (3, n, 4 K).
    """
    input_gate, forget_gate, output_gate, candidate = gates.chunk(4, dim=-1)
    d_input_gate, d_forget_gate, d_output_gate, d_candidate = d_gates.chunk(4, dim=-1)
    total: Tensor = d_cell + _aten.tanh_backward(d_hidden * output_gate, tanh_cell)
    torch.mul(total, candidate, out=d_input_gate)
    torch.mul(total, cell, out=d_forget_gate)
    torch.mul(d_hidden, tanh_cell, out=d_output_gate)
    sigmoids, d_sigmoids = (each[..., : 3 * cell.shape[-1]] for each in (gates, d_gates))
    _aten.sigmoid_backward.grad_input(d_sigmoids, sigmoids, grad_input=d_sigmoids)
    _aten.tanh_backward.grad_input(total * input_gate, candidate, grad_input=d_candidate)
    return total.mul_(forget_gate)


class _LstmStep(torch.autograd.Function):
    """An LSTM step of the decoder; see `lstm_step`."""

    @staticmethod
    def forward(
        ctx: Any,
        projected: Tensor,
        below: Tensor | None,
        h: Tensor,
        cell: Tensor,
        weight: Tensor,
        collector: GradientCollector,
    ) -> tuple[Tensor, Tensor]:
        parts = (h,) if below is None else (below, h)
        inputs, ctx.step = collector.add_input(*parts, dtype=weight.dtype)
        if weight.dtype is projected.dtype:
            gates = torch.baddbmm(projected, inputs, weight)
        else:
            gates = torch.bmm(inputs, weight).float().add_(projected)
        h, next_cell, tanh_cell = (torch.empty_like(cell) for _ in range(3))
        _gates_forward(gates, cell, h, next_cell, tanh_cell)
        ctx.save_for_backward(cell, gates, tanh_cell, weight)
        ctx.collector = collector
        ctx.without_input = below is None
        return h, next_cell

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, Tensor, Tensor, None, None]:
        cell, gates, tanh_cell, weight = ctx.saved_tensors
        slot = ctx.collector.gradient_slot(ctx.step, gates.shape[-1])
        d_gates = slot if slot.dtype is gates.dtype else torch.empty_like(gates)
        d_cell = _gates_backward(gradients[0], gradients[1], gates, cell, tanh_cell, d_gates)
        if d_gates is not slot:
            slot.copy_(d_gates)
        d_inputs = torch.bmm(slot, weight.transpose(1, 2)).float()
        if ctx.without_input:
            return d_gates, None, d_inputs, d_cell, None, None
        d_below, d_h = torch.split(d_inputs, [d_inputs.shape[-1] - cell.shape[-1], cell.shape[-1]], dim=-1)
        return d_gates, d_below, d_h, d_cell, None, None


class _LstmLayer(torch.autograd.Function):
    """A layer of the encoder on rows (3, f, n, inputs); returns all h, the last h and the last cell."""

    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, kernel: Tensor, bias: Tensor, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor, Tensor]:
        _, f, n, inputs = rows.shape
        hidden = kernel.shape[-1] // 4
        rows, kernel = rows.to(dtype), kernel.to(dtype)
        gates = project(rows, kernel[:, :inputs], bias, dtype)
        states = rows.new_zeros(DIMENSIONS, f + 1, n, hidden, dtype=torch.float32)
        cells, tanh_cells = torch.zeros_like(states), torch.empty_like(states)
        for t in range(f):
            sums = gates[:, t]
            if t and dtype is torch.float32:
                sums.baddbmm_(states[:, t], kernel[:, inputs:])
            elif t:
                sums.add_(torch.bmm(states[:, t].to(dtype), kernel[:, inputs:]))
            _gates_forward(sums, cells[:, t], states[:, t + 1], cells[:, t + 1], tanh_cells[:, t])
        ctx.save_for_backward(rows, kernel, gates, states, cells, tanh_cells)
        return states[:, 1:].clone(), states[:, f].clone(), cells[:, f].clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        d_states, d_last, d_cell = gradients
        rows, kernel, gates, states, cells, tanh_cells = ctx.saved_tensors
        _, f, _, inputs = rows.shape
        d_gates = torch.empty_like(gates)
        recurrent = kernel[:, inputs:].transpose(1, 2)
        d_hidden = d_last
        for t in reversed(range(f)):
            d_hidden = d_hidden + d_states[:, t]
            d_cell = _gates_backward(
                d_hidden, d_cell, gates[:, t], cells[:, t], tanh_cells[:, t], d_gates[:, t]
            )
            if t:
                d_hidden = torch.bmm(d_gates[:, t].to(kernel.dtype), recurrent).float()
        flat = d_gates.flatten(1, 2)
        d_gates_cast = flat.to(kernel.dtype)
        before = states[:, :f].flatten(1, 2).to(kernel.dtype)
        d_kernel = flat.new_empty(kernel.shape)
        d_kernel[:, :inputs] = torch.bmm(rows.flatten(1, 2).transpose(1, 2), d_gates_cast)
        d_kernel[:, inputs:] = torch.bmm(before.transpose(1, 2), d_gates_cast)
        d_rows = None
        if ctx.needs_input_grad[0]:
            d_rows = torch.bmm(d_gates_cast, kernel[:, :inputs].transpose(1, 2)).float().view(rows.shape)
        return d_rows, d_kernel, flat.sum(dim=1), None
