"""Autograd nodes for an LSTM's training: one a step or a layer, their gradients written out.

A weight that several steps use gets its gradient by one product over all of them: each step leaves what it
fed to the weight, and the gradient of what came out, in a `Ledger`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from encoder.lstm import DIMENSIONS, State

__all__ = ["Ledger", "lstm_layer", "lstm_step", "product", "project", "share"]

_aten = torch.ops.aten


def share(weight: Tensor, steps: int, dtype: torch.dtype) -> tuple[Tensor, Ledger]:
    """A weight (3, inputs, outputs) for the products of so many steps, and their ledger."""
    ledger = Ledger(steps)
    return _node(_Share, weight, ledger, dtype), ledger


def product(first: Tensor, second: Tensor, weight: Tensor, ledger: Ledger) -> Tensor:
    """Two parts (3, n, K) side by side times a shared weight."""
    result: Tensor = _node(_Product, first, second, weight, ledger)
    return result


def lstm_step(projected: Tensor, below: Tensor | None, state: State, weight: Tensor, ledger: Ledger) -> State:
    """A step of a layer that reads `below` (3, n, M), or nothing, beside its own state.

    Args:
        projected: (3, n, 4 K), the bias, and what else was multiplied already.
        below: what the shared weight's first M rows take.
        state: before the step.
        weight: (3, M + K, 4 K), from `share`.
        ledger: its ledger.
    """
    after: State = _node(_LstmStep, projected, below, *state, weight, ledger)
    return after


def lstm_layer(rows: Tensor, kernel: Tensor, bias: Tensor, dtype: torch.dtype) -> tuple[Tensor, State]:
    """All steps of a layer that begins with zeros, as `encoder.lstm.DimensionLstm` takes them.

    Args:
        rows: (3, f, n, inputs).
        kernel: (3, inputs + K, 4 K).
        bias: (3, 4 K).
        dtype: of the products.

    Returns:
        The hidden states of all steps (3, f, n, K), and the state after the last.
    """
    hidden, h, c = _node(_LstmLayer, rows, kernel, bias, dtype)
    return hidden, (h, c)


def project(rows: Tensor, kernel: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
    """(3, f, n, inputs) times kernel plus bias, all steps in one product."""
    flat = rows.flatten(1, 2)
    if dtype is torch.float32:
        product = torch.baddbmm(bias.unsqueeze(1), flat, kernel)
    else:
        product = torch.bmm(flat.to(dtype), kernel.to(dtype)).float().add_(bias.unsqueeze(1))
    return product.view(*rows.shape[:3], kernel.shape[-1])


def _node(function: type[torch.autograd.Function], *given: object) -> Any:
    apply: Any = function.apply  # torch leaves it untyped
    return apply(*given)


class Ledger:
    """What f steps fed to a weight, and the gradients of what came out, each step in its slot."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._given = 0
        self._fed = self._gradients = torch.empty(0)

    def feed(self, *parts: Tensor, dtype: torch.dtype) -> tuple[Tensor, int]:
        """Put the parts of a step side by side; the slot they lie in and its number."""
        widths = [part.shape[-1] for part in parts]
        if self._given == 0:
            shape = (DIMENSIONS, self._steps, parts[0].shape[1], sum(widths))
            self._fed = parts[0].new_empty(shape, dtype=dtype)
        step, self._given = self._given, self._given + 1
        slot = self._fed[:, step]
        for part, place in zip(parts, torch.split(slot, widths, dim=-1), strict=True):
            place.copy_(part)
        return slot, step

    def gradient(self, step: int, width: int) -> Tensor:
        """The slot for the gradient of a step's product; it is as precise as what was fed."""
        if not len(self._gradients):
            # Zeros: a step that the loss does not look at never comes here.
            self._gradients = self._fed.new_zeros(*self._fed.shape[:3], width)
        return self._gradients[:, step]

    def settle(self) -> Tensor | None:
        """The weight's gradient; None where no step has one."""
        if not len(self._gradients):
            return None
        fed, gradients = self._fed.flatten(1, 2), self._gradients.flatten(1, 2)
        self._fed = self._gradients = torch.empty(0)
        return torch.bmm(fed.transpose(1, 2), gradients).float()


class _Share(torch.autograd.Function):
    """A weight (3, inputs, outputs) of several steps; autograd comes back here after the last of them."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, ledger: Ledger, dtype: torch.dtype) -> Tensor:
        ctx.ledger = ledger
        return weight.to(dtype) if weight.dtype != dtype else weight.view_as(weight)

    @staticmethod
    def backward(ctx: Any, *_: Tensor) -> tuple[Tensor | None, None, None]:
        return ctx.ledger.settle(), None, None


class _Product(torch.autograd.Function):
    """Two parts (3, n, K) side by side times a shared weight."""

    @staticmethod
    def forward(ctx: Any, first: Tensor, second: Tensor, weight: Tensor, ledger: Ledger) -> Tensor:
        fed, ctx.step = ledger.feed(first, second, dtype=weight.dtype)
        ctx.save_for_backward(weight)
        ctx.ledger = ledger
        return torch.bmm(fed, weight).float()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        (weight,) = ctx.saved_tensors
        gradient = ctx.ledger.gradient(ctx.step, weight.shape[-1]).copy_(gradients[0])
        first, second = torch.bmm(gradient, weight.transpose(1, 2)).float().chunk(2, dim=-1)
        return first, second, None, None


def _open_gates(gates: Tensor, cell: Tensor, hidden: Tensor, after: Tensor, bent: Tensor) -> None:
    """A step: turns the sums `gates` (3, n, 4 K) into gates, and writes `hidden`, `after` and its tanh."""
    take, forget, give, candidate = gates.chunk(4, dim=-1)
    forget.add_(1.0)  # the forget bias of `encoder.lstm`
    gates[..., : 3 * cell.shape[-1]].sigmoid_()
    candidate.tanh_()
    torch.mul(forget, cell, out=after)
    after.addcmul_(take, candidate)
    torch.tanh(after, out=bent)
    torch.mul(give, bent, out=hidden)


def _close_gates(
    of_hidden: Tensor, of_cell: Tensor, gates: Tensor, cell: Tensor, bent: Tensor, result: Tensor
) -> Tensor:
    """The gradient of the cell before a step; that of the sums is written to `result` (3, n, 4 K)."""
    take, forget, give, candidate = gates.chunk(4, dim=-1)
    of_take, of_forget, of_give, of_candidate = result.chunk(4, dim=-1)
    total: Tensor = of_cell + _aten.tanh_backward(of_hidden * give, bent)
    torch.mul(total, candidate, out=of_take)
    torch.mul(total, cell, out=of_forget)
    torch.mul(of_hidden, bent, out=of_give)
    sigmoids, of_sigmoids = (each[..., : 3 * cell.shape[-1]] for each in (gates, result))
    _aten.sigmoid_backward.grad_input(of_sigmoids, sigmoids, grad_input=of_sigmoids)
    _aten.tanh_backward.grad_input(total * take, candidate, grad_input=of_candidate)
    return total.mul_(forget)


class _LstmStep(torch.autograd.Function):
    """An LSTM step of the decoder: `projected` (3, n, 4 K) plus (`below` and h) times a shared weight.

    `below` is None where the layer has nothing else to read.
    """

    @staticmethod
    def forward(
        ctx: Any,
        projected: Tensor,
        below: Tensor | None,
        h: Tensor,
        cell: Tensor,
        weight: Tensor,
        ledger: Ledger,
    ) -> tuple[Tensor, Tensor]:
        parts = (h,) if below is None else (below, h)
        fed, ctx.step = ledger.feed(*parts, dtype=weight.dtype)
        if weight.dtype is projected.dtype:
            gates = torch.baddbmm(projected, fed, weight)
        else:
            gates = torch.bmm(fed, weight).float().add_(projected)
        h, after, bent = (torch.empty_like(cell) for _ in range(3))
        _open_gates(gates, cell, h, after, bent)
        ctx.save_for_backward(cell, gates, bent, weight)
        ctx.ledger = ledger
        ctx.alone = below is None
        return h, after

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, Tensor, Tensor, None, None]:
        cell, gates, bent, weight = ctx.saved_tensors
        slot = ctx.ledger.gradient(ctx.step, gates.shape[-1])
        result = slot if slot.dtype is gates.dtype else torch.empty_like(gates)
        of_cell = _close_gates(gradients[0], gradients[1], gates, cell, bent, result)
        if result is not slot:
            slot.copy_(result)
        fed = torch.bmm(slot, weight.transpose(1, 2)).float()
        if ctx.alone:
            return result, None, fed, of_cell, None, None
        below, h = torch.split(fed, [fed.shape[-1] - cell.shape[-1], cell.shape[-1]], dim=-1)
        return result, below, h, of_cell, None, None


class _LstmLayer(torch.autograd.Function):
    """A layer of the encoder on rows (3, f, n, inputs); gives all h, the last h and the last cell."""

    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, kernel: Tensor, bias: Tensor, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor, Tensor]:
        _, f, n, inputs = rows.shape
        hidden = kernel.shape[-1] // 4
        rows, kernel = rows.to(dtype), kernel.to(dtype)
        gates = project(rows, kernel[:, :inputs], bias, dtype)
        states = rows.new_zeros(DIMENSIONS, f + 1, n, hidden, dtype=torch.float32)
        cells, bents = torch.zeros_like(states), torch.empty_like(states)
        for t in range(f):
            sums = gates[:, t]
            if t and dtype is torch.float32:
                sums.baddbmm_(states[:, t], kernel[:, inputs:])
            elif t:
                sums.add_(torch.bmm(states[:, t].to(dtype), kernel[:, inputs:]))
            _open_gates(sums, cells[:, t], states[:, t + 1], cells[:, t + 1], bents[:, t])
        ctx.save_for_backward(rows, kernel, gates, states, cells, bents)
        return states[:, 1:].clone(), states[:, f].clone(), cells[:, f].clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        of_states, of_last, of_cell = gradients
        rows, kernel, gates, states, cells, bents = ctx.saved_tensors
        _, f, _, inputs = rows.shape
        results = torch.empty_like(gates)
        recurrent = kernel[:, inputs:].transpose(1, 2)
        of_hidden = of_last
        for t in reversed(range(f)):
            of_hidden = of_hidden + of_states[:, t]
            of_cell = _close_gates(of_hidden, of_cell, gates[:, t], cells[:, t], bents[:, t], results[:, t])
            if t:
                of_hidden = torch.bmm(results[:, t].to(kernel.dtype), recurrent).float()
        flat = results.flatten(1, 2)
        low = flat.to(kernel.dtype)
        before = states[:, :f].flatten(1, 2).to(kernel.dtype)
        of_kernel = flat.new_empty(kernel.shape)
        of_kernel[:, :inputs] = torch.bmm(rows.flatten(1, 2).transpose(1, 2), low)
        of_kernel[:, inputs:] = torch.bmm(before.transpose(1, 2), low)
        of_rows = None
        if ctx.needs_input_grad[0]:
            of_rows = torch.bmm(low, kernel[:, :inputs].transpose(1, 2)).float().view(rows.shape)
        return of_rows, of_kernel, flat.sum(dim=1), None
