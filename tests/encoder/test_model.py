"""The network against a slow transcription of the paper's Eq. 1 to 11, one window and dimension at a time."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from encoder.attention import Alignment, Attention, Decoding
from encoder.model import EncoderConfig, GaitEncoder
from encoder.weights import load_weights, save_weights, seeded_state

Array = NDArray[np.float64]

SMALL = {"f": 4, "joints": 3, "hidden": 5}


def network(**settings: Any) -> GaitEncoder:
    """Returns a seeded network in double precision, with weights that leave the linear range of the gates."""
    config = EncoderConfig(**settings)
    model = GaitEncoder(config)
    model.load_state_dict(seeded_state(config, seed=3))
    draw = np.random.RandomState(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2.0).add_(torch.from_numpy(draw.uniform(-0.3, 0.3, parameter.shape)))
    return model.double()


def windows(n: int, config: EncoderConfig) -> torch.Tensor:
    return torch.from_numpy(np.random.RandomState(7).standard_normal((n, config.f, config.joints, 3)))


def sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


class Dimension:
    """The paper's encoder and decoder of one dimension, with its symbols and 1-based steps."""

    def __init__(self, model: GaitEncoder, d: int) -> None:
        self.config = model.config
        self.p = {name: value.numpy()[d] for name, value in model.state_dict().items()}

    def lstm(self, layer: str, x: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        h, c = state
        k = self.config.hidden
        gates = np.concatenate([x, h]) @ self.p[f"{layer}.kernel"] + self.p[f"{layer}.bias"]
        input_gate, forget_gate, output_gate = (
            sigmoid(gates[i * k : (i + 1) * k] + (i == 1)) for i in range(3)
        )
        c = forget_gate * c + input_gate * np.tanh(gates[3 * k :])
        return output_gate * np.tanh(c), c

    def stack(self, name: str, x: Array, states: list[tuple[Array, Array]]) -> Array:
        for i in range(self.config.layers):
            states[i] = self.lstm(f"{name}.{i}", x, states[i])
            x = states[i][0]
        return x

    def run(self, skeletons: Array, target: Array | None) -> dict[str, Array]:
        f, k = self.config.f, self.config.hidden
        states = [(np.zeros(k), np.zeros(k)) for _ in range(self.config.layers)]
        h = {t: self.stack("encoder", skeletons[t - 1], states) for t in range(1, f + 1)}  # Eq. 1
        attended = self.config.attention is not Attention.NONE
        x, attentional = np.zeros(self.config.joints), np.zeros(k)
        out: dict[str, list[Array]] = {"S": [], "c": [], "a": []}
        for t in range(1, f + 1):
            fed = np.concatenate([x, attentional]) if attended else x
            decoded = self.stack("decoder", fed, states)  # Eq. 2
            if attended:
                a, c = self.attend(t, decoded, h)
                attentional = np.tanh(np.concatenate([c, decoded]) @ self.p["attention.kernel"])  # Eq. 9
                out["a"].append(a)
            else:
                attentional, c = decoded, h[f - t + 1]
            s = attentional @ self.p["output_kernel"] + self.p["output_bias"]  # Eq. 10
            out["S"].append(s)
            out["c"].append(c)
            x = s if target is None else target[t - 1]
        return {"h": np.array([h[t] for t in range(1, f + 1)])} | {n: np.array(v) for n, v in out.items()}

    def attend(self, t: int, decoded: Array, h: dict[int, Array]) -> tuple[Array, Array]:
        f = self.config.f
        matched = self.config.alignment is Alignment.GENERAL
        keys = {j: h[j] @ self.p["attention.match"] if matched else h[j] for j in h}
        total = sum(math.exp(decoded @ keys[i]) for i in range(1, f + 1))
        a = {j: math.exp(decoded @ keys[j]) / total for j in range(1, f + 1)}  # Eq. 4
        p_t, sigma = t if self.config.decoding is Decoding.PLAIN else f - t + 1, f / 2
        used = a
        if self.config.attention is Attention.MBAS:
            used = {j: a[j] * math.exp(-((j - p_t) ** 2) / (2 * sigma**2)) for j in a}  # Eq. 5 and 6
        c = np.sum([used[j] * h[j] for j in h], axis=0)  # Eq. 8
        return np.array([a[j] for j in range(1, f + 1)]), c


def test_weights_without_a_decoding_order_mean_reverse(tmp_path: Path) -> None:
    model = GaitEncoder(EncoderConfig(f=3, joints=2, hidden=4, layers=1, attention=Attention.MBAS))
    whole = {"kind": "sge-stream gait encoder", "version": "1"}
    config = {"f": 3, "joints": 2, "hidden": 4, "layers": 1, "attention": "mbas", "alignment": "dot"}
    save_file(model.state_dict(), tmp_path / "old", metadata=whole | {"config": json.dumps(config)})
    assert load_weights(tmp_path / "old").config == model.config
    plain = replace(model.config, decoding=Decoding.PLAIN)
    save_weights(tmp_path / "plain", model.state_dict(), plain)
    assert load_weights(tmp_path / "plain").config == plain
    with pytest.raises(ValueError, match="sideways"):
        EncoderConfig(**cast(Any, {"decoding": "sideways"}))


@pytest.mark.parametrize("teacher_forcing", [False, True], ids=["own-output", "teacher"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"attention": "bas"},
        {"attention": "mbas"},
        {"attention": "mbas", "decoding": "plain"},
        {"attention": "none"},
        {"alignment": "general"},
        {"layers": 1},
        {"layers": 3, "attention": "mbas", "alignment": "general"},
    ],
    ids=str,
)
def test_the_network_is_that_of_the_paper(settings: dict[str, Any], teacher_forcing: bool) -> None:
    model = network(**SMALL, **settings)
    batch = windows(3, model.config)
    target = batch.flip(1) * 0.9 if teacher_forcing else None
    with torch.no_grad():
        got = model(batch, target)
    assert (got.alignment is None) == (model.config.attention is Attention.NONE)
    for n in range(3):
        for d in range(3):
            taught_by = None if target is None else target[n, :, :, d].numpy()
            expected = Dimension(model, d).run(batch[n, :, :, d].numpy(), taught_by)
            np.testing.assert_allclose(got.reconstruction[n, :, :, d], expected["S"], rtol=1e-10)
            np.testing.assert_allclose(got.encoded[n, :, d], expected["h"], rtol=1e-10)
            np.testing.assert_allclose(got.contexts[n, :, d], expected["c"], rtol=1e-10)
            if got.alignment is not None:
                np.testing.assert_allclose(got.alignment[n, :, d], expected["a"], rtol=1e-10)


def test_a_cage_is_the_concatenated_contexts_of_x_y_z() -> None:
    model = network(**SMALL)
    batch = windows(2, model.config)
    contexts = model(batch).contexts
    expected = torch.cat([contexts[:, :, 0], contexts[:, :, 1], contexts[:, :, 2]], dim=-1)
    torch.testing.assert_close(model.encode(batch), expected)
    assert model.encode(batch).shape == (2, 4, model.config.dimension)


@pytest.mark.parametrize("d", range(3))
def test_dimensions_are_independent(d: int) -> None:
    model = network(**SMALL)
    batch = windows(2, model.config)
    changed = batch.clone()
    changed[..., d] += 0.1
    with torch.no_grad():
        before, after = model(batch), model(changed)
    same = [torch.equal(before.contexts[:, :, i], after.contexts[:, :, i]) for i in range(3)]
    assert same == [i != d for i in range(3)]
    same = [torch.equal(before.reconstruction[..., i], after.reconstruction[..., i]) for i in range(3)]
    assert same == [i != d for i in range(3)]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"alignment": "general"}, 2_081_812),
        ({}, 2_081_812 - 256 * 256),
        ({"joints": 25, "alignment": "general"}, 2_081_812 + 5 * (1024 + 1024 + 256 + 1)),
        ({"attention": "none"}, 2_081_812 - 256 * 256 - 2 * 256 * 256 - 256 * 1024),
    ],
    ids=str,
)
def test_number_of_parameters_of_a_dimension(settings: dict[str, Any], expected: int) -> None:
    with torch.device("meta"):
        model = GaitEncoder(EncoderConfig(**settings))
    assert sum(parameter.numel() for parameter in model.parameters()) == 3 * expected
    assert all(parameter.shape[0] == 3 for parameter in model.parameters())


@pytest.mark.parametrize("teacher_forcing", [False, True], ids=["own-output", "teacher"])
@pytest.mark.parametrize("attention", list(Attention))
def test_the_reconstruction_reaches_every_parameter(attention: Attention, teacher_forcing: bool) -> None:
    model = network(**SMALL, attention=attention, alignment=Alignment.GENERAL)
    batch = windows(3, model.config)
    target = batch.flip(1)
    loss = (model(batch, target if teacher_forcing else None).reconstruction - target).square().sum()
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().amax(dim=tuple(range(1, parameter.dim()))).min() > 0, name


def test_gradient_descent_lowers_the_reconstruction_error() -> None:
    model = network(**SMALL)
    batch = windows(8, model.config)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    errors = []
    for _ in range(5):
        optimiser.zero_grad()
        error = (model(batch, batch.flip(1)).reconstruction - batch.flip(1)).square().sum()
        error.backward()
        optimiser.step()
        errors.append(error.item())
    assert errors == sorted(errors, reverse=True)


def test_shapes_that_do_not_match_the_configuration_are_refused() -> None:
    model = network(**SMALL)
    good = windows(2, model.config)
    with pytest.raises(ValueError, match=r"windows: expected shape \(2, 4, 3, 3\)"):
        model(good[:, :3])
    with pytest.raises(ValueError, match="auxiliary"):
        model(good, good[:1])


@pytest.mark.parametrize(
    "settings",
    [{"f": 1}, {"f": 65}, {"joints": 0}, {"hidden": 0}, {"layers": 9}, {"f": 6.0}, {"f": True}],
    ids=str,
)
def test_numbers_out_of_bounds_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        EncoderConfig(**settings)


def test_unknown_attention_is_refused() -> None:
    with pytest.raises(ValueError, match="soft"):
        EncoderConfig(attention="soft")  # type: ignore[arg-type]
