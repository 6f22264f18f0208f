"""The encoder by oneDNN's kernels, against the plain model."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from encoder import onednn
from encoder.attention import Alignment, Attention, Decoding
from encoder.model import EncoderConfig, GaitEncoder
from encoder.onednn import OneDnnEncoder
from encoder.weights import seeded_state

needs_onednn = pytest.mark.skipif(not onednn.supported(), reason="needs a torch with oneDNN's LSTM")
needs_bf16 = pytest.mark.skipif(
    not onednn.bf16_supported(), reason="needs a CPU with products of bf16 numbers"
)

ARCHITECTURES = [
    {},
    {"attention": Attention.MBAS},
    {"attention": Attention.MBAS, "decoding": Decoding.PLAIN},
    {"attention": Attention.BAS, "alignment": Alignment.GENERAL},
    {"attention": Attention.NONE},
    {"layers": 1},
    {"layers": 3, "hidden": 5},
    {"f": 4, "joints": 3, "hidden": 33},
]


def seeded_model(**settings: Any) -> GaitEncoder:
    """Returns a model whose biases are not zeros and whose gates leave their linear range."""
    config = EncoderConfig(**{"hidden": 16, **settings})
    model = GaitEncoder(config).eval()
    model.load_state_dict(seeded_state(config, seed=3))
    noise = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2.0).add_(torch.empty(parameter.shape).uniform_(-0.3, 0.3, generator=noise))
    return model


def seeded_windows(model: GaitEncoder, n: int) -> torch.Tensor:
    shape = (n, model.config.f, model.config.joints, 3)
    return torch.empty(shape).normal_(generator=torch.Generator().manual_seed(7))


@needs_onednn
@pytest.mark.parametrize("settings", ARCHITECTURES, ids=str)
@pytest.mark.parametrize("n", [1, 2, 9])
def test_cages_are_those_of_the_plain_model(settings: dict[str, Any], n: int) -> None:
    model = seeded_model(**settings)
    windows = seeded_windows(model, n)
    with torch.inference_mode():
        expected = model.encode(windows)
        found = OneDnnEncoder(model).encode(windows)
    assert found.shape == expected.shape
    torch.testing.assert_close(found, expected, atol=5e-6, rtol=1e-5)
    assert float(expected.std()) > 0.05


@needs_bf16
@pytest.mark.parametrize("settings", ARCHITECTURES, ids=str)
def test_cages_in_bf16_are_close_to_those_of_the_plain_model(settings: dict[str, Any]) -> None:
    model = seeded_model(**settings)
    windows = seeded_windows(model, 40)
    with torch.inference_mode():
        expected = model.encode(windows)
        found = OneDnnEncoder(model, torch.bfloat16).encode(windows)
    assert found.dtype == torch.float32
    assert float((found - expected).square().mean().sqrt()) < 0.02 * float(expected.std())


@needs_onednn
def test_later_changes_of_the_model_have_no_effect() -> None:
    model = seeded_model()
    windows = seeded_windows(model, 3)
    fast = OneDnnEncoder(model)
    with torch.inference_mode():
        before = fast.encode(windows)
        for parameter in model.parameters():
            parameter.zero_()
        assert torch.equal(fast.encode(windows), before)
