"""Seeded weights, weights files and what a loaded encoder says of itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from encoder.model import EncoderConfig, GaitEncoder
from encoder.weights import load_encoder, load_weights, save_weights, seeded_state, weights_digest
from stream.errors import DataError

TINY = EncoderConfig(f=4, joints=3, hidden=5)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A weights file of the tiny encoder."""
    path = tmp_path / "tiny.safetensors"
    save_weights(path, seeded_state(TINY), TINY, {"epoch": "7"})
    return path


def rewrite(path: Path, state: Mapping[str, Tensor] | None = None, **metadata: str) -> None:
    """Write the file again with other tensors or other metadata."""
    with safe_open(path, framework="pt") as old:
        tensors = {name: old.get_tensor(name).clone() for name in old.keys()}  # noqa: SIM118
        kept = dict(old.metadata())
    save_file(dict(state) if state is not None else tensors, path, metadata=kept | metadata)


def test_seeded_weights_are_pinned() -> None:
    assert (
        weights_digest(seeded_state(EncoderConfig()))
        == "853e81bdede7ee093fbca2c5f42c31410b11a1e67e3a70bbccb14763e9dc8866"
    )
    assert (
        weights_digest(seeded_state(TINY, seed=9))
        == "b2d69ab790d4e0bcb600086d27af4b7df3aa59d9b572b5121db0cb5808e92c35"
    )


def test_seeded_weights_ignore_torchs_generator() -> None:
    torch.manual_seed(1)
    first = seeded_state(TINY)
    torch.manual_seed(2)
    assert weights_digest(first) == weights_digest(seeded_state(TINY))
    assert weights_digest(first) != weights_digest(seeded_state(TINY, seed=1))


def test_seeded_kernels_are_glorot_uniform_and_biases_zero() -> None:
    state = seeded_state(EncoderConfig())
    assert set(state) == set(GaitEncoder(EncoderConfig()).state_dict())
    for name, tensor in state.items():
        assert tensor.dtype == torch.float32
        if name.endswith("bias"):
            assert not tensor.any()
            continue
        limit = (6.0 / (tensor.shape[-2] + tensor.shape[-1])) ** 0.5
        assert 0.99 * limit < float(tensor.abs().max()) <= limit
        assert float(tensor.std()) == pytest.approx(limit / 3**0.5, rel=0.02)


def test_dimensions_start_differently() -> None:
    kernel = seeded_state(TINY)["encoder.0.kernel"]
    assert not torch.equal(kernel[0], kernel[1])
    assert not torch.equal(kernel[1], kernel[2])


def test_digest_is_over_names_shapes_and_bytes_in_order() -> None:
    state = {"b": torch.tensor([[1.0, 2.0]]), "a": torch.tensor([3.0])}
    literal = b"a [1]\n" + np.array([3], "<f4").tobytes() + b"b [1, 2]\n" + np.array([1, 2], "<f4").tobytes()
    assert weights_digest(state) == hashlib.sha256(literal).hexdigest()
    assert weights_digest(state) != weights_digest(state | {"b": torch.tensor([[1.0], [2.0]])})


def test_a_file_gives_back_what_was_saved(file: Path) -> None:
    weights = load_weights(file)
    assert weights.config == TINY
    assert weights.extra == {"epoch": "7"}
    assert weights_digest(weights.state) == weights_digest(seeded_state(TINY))
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_files_encoder_computes_what_the_saved_one_does(file: Path) -> None:
    model = GaitEncoder(TINY)
    model.load_state_dict(seeded_state(TINY))
    loaded = load_encoder(file)
    batch = torch.from_numpy(np.random.RandomState(0).standard_normal((2, 4, 3, 3)).astype(np.float32))
    assert torch.equal(loaded.model.encode(batch), model.encode(batch))
    assert loaded.trained
    assert file.name in loaded.description
    assert not loaded.model.training
    assert all(parameter.requires_grad for parameter in loaded.model.parameters())
    contract = loaded.contract
    assert contract.model == weights_digest(seeded_state(TINY))
    assert (contract.f, contract.joints, contract.dimension, contract.rate_hz) == (4, 3, 15, 30)


def test_a_loaded_encoder_outlives_its_file(file: Path) -> None:
    loaded = load_encoder(file)
    file.write_bytes(b"\0" * file.stat().st_size)
    assert weights_digest(loaded.model.state_dict()) == loaded.contract.model


def test_without_weights_the_features_are_random_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("encoder.weights.files", lambda _: tmp_path)
    loaded = load_encoder()
    assert not loaded.trained
    assert "random" in loaded.description
    assert loaded.contract.model == weights_digest(seeded_state(EncoderConfig(), seed=0))


def test_shipped_weights_are_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pretrained").mkdir()
    state = seeded_state(TINY, seed=4)
    save_weights(tmp_path / "pretrained" / "encoder.safetensors", state, TINY)
    monkeypatch.setattr("encoder.weights.files", lambda _: tmp_path)
    loaded = load_encoder()
    assert loaded.trained
    assert loaded.contract.model == weights_digest(state)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.safetensors: there is no such"):
        load_encoder(tmp_path / "gone.safetensors")


def test_unreadable_files_are_refused(file: Path) -> None:
    whole = file.read_bytes()
    for content in (b"", b"not weights at all", whole[: len(whole) // 2], whole[:-1], whole + b"x"):
        file.write_bytes(content)
        with pytest.raises(DataError, match=r"tiny\.safetensors: expected a safetensors file"):
            load_weights(file)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a safetensors file"):
        load_weights(tmp_path)


def test_foreign_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"layer.weight": torch.zeros(2, 2)}, path)
    with pytest.raises(DataError, match="another model's"):
        load_weights(path)


def test_another_version_is_refused(file: Path) -> None:
    rewrite(file, version="2")
    with pytest.raises(DataError, match="expected version 1 of the format, got 2"):
        load_weights(file)


@pytest.mark.parametrize(
    "config",
    ["", "{", "[]", json.dumps({"f": 1}), json.dumps({"size": 3}), json.dumps({"attention": "soft"})],
)
def test_a_malformed_configuration_is_refused(file: Path, config: str) -> None:
    rewrite(file, config=config)
    with pytest.raises(DataError, match="configuration"):
        load_weights(file)


def test_parameters_that_do_not_fit_are_refused(file: Path) -> None:
    state = seeded_state(TINY)
    nan = state["output_bias"].clone()
    nan[1, 0] = float("nan")
    cases = [
        (
            {name: p for name, p in state.items() if name != "output_bias"},
            "output_bias is missing or unknown",
        ),
        (state | {"extra": torch.zeros(1)}, "extra is missing or unknown"),
        (state | {"output_bias": torch.zeros(3, 4)}, r"expected output_bias as float32 \(3, 3\)"),
        (state | {"output_bias": state["output_bias"].half()}, "output_bias as float32"),
        (state | {"output_bias": nan}, "output_bias is not finite"),
    ]
    for tensors, message in cases:
        rewrite(file, tensors)
        with pytest.raises(DataError, match=message):
            load_weights(file)


def test_saving_refuses_taken_names_and_unwritable_places(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="config"):
        save_weights(tmp_path / "x.safetensors", seeded_state(TINY), TINY, {"config": "mine"})
    with pytest.raises(DataError, match="cannot be written"):
        save_weights(tmp_path / "no" / "folder.safetensors", seeded_state(TINY), TINY)
