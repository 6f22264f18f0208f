"""The training pass: the same numbers and gradients as the model's forward pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from encoder.attention import Attention
from encoder.model import EncoderConfig, GaitEncoder, GaitEncoding
from encoder.training.training_pass import training_pass
from encoder.weights import seeded_state


def network(config: EncoderConfig) -> GaitEncoder:
    model = GaitEncoder(config)
    model.load_state_dict(seeded_state(config, seed=3))
    draw = np.random.RandomState(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2.0).add_(torch.from_numpy(draw.uniform(-0.3, 0.3, parameter.shape)))
    return model


def some_loss(encoding: GaitEncoding) -> Tensor:
    """Returns a loss that weights every output number differently."""
    outputs = [encoding.reconstruction, encoding.encoded, encoding.contexts]
    if encoding.alignment is not None:
        outputs.append(encoding.alignment)
    draw = np.random.RandomState(1)
    weights = [torch.from_numpy(draw.standard_normal(g.shape).astype("f4")) for g in outputs]
    return torch.stack([(g * w).sum() for g, w in zip(outputs, weights, strict=True)]).sum()


@pytest.mark.parametrize("teacher_forcing", [False, True], ids=["own-output", "teacher"])
@pytest.mark.parametrize(
    "settings",
    [{"attention": a} for a in Attention]
    + [{"attention": "mbas", "decoding": "plain"}]
    + [{"alignment": "general"}, {"layers": 1}, {"layers": 3}],
    ids=str,
)
def test_numbers_and_gradients_equal_those_of_the_model(
    settings: dict[str, Any], teacher_forcing: bool
) -> None:
    model = network(EncoderConfig(f=4, joints=3, hidden=5, **settings))
    windows = torch.from_numpy(np.random.RandomState(7).standard_normal((6, 4, 3, 3)).astype("f4"))
    auxiliary = windows.flip(1) * 0.9 if teacher_forcing else None
    expected, got = model(windows, auxiliary), training_pass(model, windows, auxiliary)
    for name in ("reconstruction", "encoded", "contexts", "alignment"):
        torch.testing.assert_close(getattr(got, name), getattr(expected, name), rtol=1e-5, atol=1e-6)
    names, parameters = zip(*model.named_parameters(), strict=True)
    wanted = torch.autograd.grad(some_loss(expected), parameters)
    gradients = torch.autograd.grad(some_loss(got), parameters)
    for name, gradient, want in zip(names, gradients, wanted, strict=True):
        np.testing.assert_allclose(gradient, want, rtol=1e-3, atol=1e-4, err_msg=name)


def test_a_second_pass_gives_the_same_gradients() -> None:
    model = network(EncoderConfig(f=4, joints=3, hidden=5))
    windows = torch.from_numpy(np.random.RandomState(7).standard_normal((6, 4, 3, 3)).astype("f4"))
    parameters = list(model.parameters())
    first = torch.autograd.grad(some_loss(training_pass(model, windows)), parameters)
    second = torch.autograd.grad(some_loss(training_pass(model, windows)), parameters)
    for a, b in zip(first, second, strict=True):
        assert torch.equal(a, b)


def test_a_loss_on_some_steps_has_the_gradients_of_the_model() -> None:
    model = network(EncoderConfig(f=4, joints=3, hidden=5))
    windows = torch.from_numpy(np.random.RandomState(7).standard_normal((6, 4, 3, 3)).astype("f4"))
    names, parameters = zip(*model.named_parameters(), strict=True)
    wanted, gradients = (
        torch.autograd.grad(encoding.contexts[:, :3].square().sum(), parameters, allow_unused=True)
        for encoding in (model(windows, windows), training_pass(model, windows, windows))
    )
    for name, gradient, want in zip(names, gradients, wanted, strict=True):
        assert (gradient is None) == (want is None), name
        if want is not None and gradient is not None:
            np.testing.assert_allclose(gradient, want, rtol=1e-3, atol=1e-5, err_msg=name)
    assert any(want is None for want in wanted)


@pytest.mark.parametrize("teacher_forcing", [False, True], ids=["own-output", "teacher"])
def test_bf16_products_are_close_to_fp32(teacher_forcing: bool) -> None:
    model = network(EncoderConfig(f=4, joints=3, hidden=16))
    windows = torch.from_numpy(np.random.RandomState(7).standard_normal((6, 4, 3, 3)).astype("f4"))
    auxiliary = windows.flip(1) if teacher_forcing else None
    exact = training_pass(model, windows, auxiliary)
    rough = training_pass(model, windows, auxiliary, torch.bfloat16)
    assert rough.reconstruction.dtype is torch.float32
    torch.testing.assert_close(rough.contexts, exact.contexts, rtol=0.1, atol=0.05)
    assert not torch.equal(rough.contexts, exact.contexts)
    parameters = list(model.parameters())
    wanted = torch.autograd.grad(some_loss(exact), parameters)
    gradients = torch.autograd.grad(some_loss(rough), parameters)
    for gradient, want in zip(gradients, wanted, strict=True):
        assert gradient.dtype is torch.float32
        cosine = torch.nn.functional.cosine_similarity(gradient.flatten(), want.flatten(), dim=0)
        assert float(cosine) > 0.97


@pytest.mark.parametrize("teacher_forcing", [False, True], ids=["own-output", "teacher"])
@pytest.mark.parametrize("attention", list(Attention))
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_zero_windows_give_zero_gradients(
    attention: Attention, teacher_forcing: bool, dtype: torch.dtype
) -> None:
    model = network(EncoderConfig(f=4, joints=3, hidden=5, attention=attention))
    windows = torch.zeros(0, 4, 3, 3)
    encoding = training_pass(model, windows, windows if teacher_forcing else None, dtype)
    assert encoding.reconstruction.shape == (0, 4, 3, 3)
    assert encoding.contexts.shape == (0, 4, 3, 5)
    parameters = list(model.parameters())
    for gradient, parameter in zip(
        torch.autograd.grad(some_loss(encoding), parameters), parameters, strict=True
    ):
        assert torch.equal(gradient, torch.zeros_like(parameter))
