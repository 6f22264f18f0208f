"""Seeded weights, weights files, and description and contract of a loaded encoder."""

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

from encoder.contract import Contract
from encoder.model import EncoderConfig, GaitEncoder
from encoder.weights import load_encoder, load_weights, save_weights, seeded_state, weights_digest
from stream.errors import DataError, UserError
from stream.shipped_files import write_checksums

TINY = EncoderConfig(f=4, joints=3, hidden=5)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A weights file of the tiny encoder."""
    path = tmp_path / "tiny.safetensors"
    save_weights(path, seeded_state(TINY), TINY, {"epoch": "7"})
    return path


def rewrite(path: Path, state: Mapping[str, Tensor] | None = None, **metadata: str) -> None:
    """Rewrites the file with other tensors or other metadata."""
    with safe_open(path, framework="pt") as old:
        tensors = {name: old.get_tensor(name).clone() for name in old.keys()}  # noqa: SIM118
        old_metadata = dict(old.metadata())
    save_file(dict(state) if state is not None else tensors, path, metadata=old_metadata | metadata)


def test_seeded_weights_are_pinned() -> None:
    assert (
        weights_digest(seeded_state(EncoderConfig()))
        == "853e81bdede7ee093fbca2c5f42c31410b11a1e67e3a70bbccb14763e9dc8866"
    )
    assert (
        weights_digest(seeded_state(TINY, seed=9))
        == "b2d69ab790d4e0bcb600086d27af4b7df3aa59d9b572b5121db0cb5808e92c35"
    )


def test_seeded_weights_do_not_depend_on_torchs_generator() -> None:
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


def test_dimensions_have_different_initial_weights() -> None:
    kernel = seeded_state(TINY)["encoder.0.kernel"]
    assert not torch.equal(kernel[0], kernel[1])
    assert not torch.equal(kernel[1], kernel[2])


def test_digest_is_over_names_shapes_and_bytes_in_order() -> None:
    state = {"b": torch.tensor([[1.0, 2.0]]), "a": torch.tensor([3.0])}
    literal = b"a [1]\n" + np.array([3], "<f4").tobytes() + b"b [1, 2]\n" + np.array([1, 2], "<f4").tobytes()
    assert weights_digest(state) == hashlib.sha256(literal).hexdigest()
    assert weights_digest(state) != weights_digest(state | {"b": torch.tensor([[1.0], [2.0]])})


def test_weights_files_round_trip(file: Path) -> None:
    weights = load_weights(file)
    assert weights.config == TINY
    assert weights.extra == {"epoch": "7"}
    assert weights_digest(weights.state) == weights_digest(seeded_state(TINY))
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_loaded_encoder_computes_what_the_saved_one_does(file: Path) -> None:
    model = GaitEncoder(TINY)
    model.load_state_dict(seeded_state(TINY))
    loaded = load_encoder(file)
    batch = torch.from_numpy(np.random.RandomState(0).standard_normal((2, 4, 3, 3)).astype(np.float32))
    (read,) = loaded.models
    assert torch.equal(read.encode(batch), model.encode(batch))
    assert loaded.trained
    assert file.name in loaded.description
    assert loaded.extra == ({"epoch": "7"},)
    assert not read.training
    assert all(parameter.requires_grad for parameter in read.parameters())
    contract = loaded.contract
    assert contract.model == weights_digest(seeded_state(TINY))
    assert (contract.f, contract.joints, contract.dimension, contract.rate_hz) == (4, 3, 15, 30)


def test_a_loaded_encoder_does_not_depend_on_its_file(file: Path) -> None:
    loaded = load_encoder(file)
    file.write_bytes(b"\0" * file.stat().st_size)
    assert weights_digest(loaded.models[0].state_dict()) == loaded.contract.model


def test_without_weights_the_encoder_is_random_and_described_as_such(
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
    path = tmp_path / "pretrained" / "encoder.safetensors"
    save_weights(path, state, TINY)
    write_checksums(path.parent, path.name)
    monkeypatch.setattr("encoder.weights.files", lambda _: tmp_path)
    loaded = load_encoder()
    assert loaded.trained
    assert loaded.contract.model == weights_digest(state)
    changed = bytearray(path.read_bytes())
    changed[-5] ^= 1  # a number of a kernel, which loads as well
    path.write_bytes(changed)
    assert load_encoder(path).contract.model != loaded.contract.model
    with pytest.raises(
        DataError, match=r"encoder.safetensors is damaged or was replaced: install sge-stream"
    ):
        load_encoder()


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.safetensors: no such weights file"):
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


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"layer.weight": torch.zeros(2, 2)}, path)
    with pytest.raises(DataError, match="got those of another model"):
        load_weights(path)


def test_another_version_is_refused(file: Path) -> None:
    rewrite(file, version="2")
    with pytest.raises(DataError, match="expected format version 1, got 2"):
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
        (
            state | {"output_bias": torch.zeros(3, 4)},
            r"expected output_bias as float32 or float16 \(3, 3\), got",
        ),
        (state | {"output_bias": state["output_bias"].double()}, r"float16 \(3, 3\), got torch\.float64"),
        (state | {"output_bias": nan}, "output_bias is not finite"),
    ]
    for tensors, message in cases:
        rewrite(file, tensors)
        with pytest.raises(DataError, match=message):
            load_weights(file)


def test_saving_refuses_reserved_names_and_unwritable_paths(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="config"):
        save_weights(tmp_path / "x.safetensors", seeded_state(TINY), TINY, {"config": "mine"})
    with pytest.raises(DataError, match="cannot be written"):
        save_weights(tmp_path / "no" / "folder.safetensors", seeded_state(TINY), TINY)


def test_half_precision_halves_the_size_and_is_read_as_float32(tmp_path: Path) -> None:
    config = EncoderConfig(f=4, joints=20, hidden=32)
    state = seeded_state(config, seed=5)
    whole, half = tmp_path / "whole.safetensors", tmp_path / "half.safetensors"
    save_weights(whole, state, config)
    save_weights(half, state, config, {"epoch": "7"}, half=True)
    assert half.stat().st_size < 0.52 * whole.stat().st_size
    read = load_weights(half)
    assert read.extra == {"epoch": "7"}
    rounded = {
        name: torch.from_numpy(p.numpy().astype(np.float16).astype(np.float32)) for name, p in state.items()
    }
    assert all(p.dtype == torch.float32 and torch.equal(p, rounded[name]) for name, p in read.state.items())
    assert load_encoder(half).contract.model == weights_digest(rounded) != weights_digest(state)
    # Rounding again changes nothing.
    save_weights(whole, read.state, config)
    assert load_encoder(whole).contract == load_encoder(half).contract


def test_numbers_too_large_for_half_precision_are_refused(tmp_path: Path) -> None:
    state = seeded_state(TINY)
    state["output_bias"][0, 0] = 70_000.0
    with pytest.raises(DataError, match="output_bias does not fit float16"):
        save_weights(tmp_path / "x.safetensors", state, TINY, half=True)
    assert list(tmp_path.iterdir()) == []


def saved(path: Path, seed: int, config: EncoderConfig = TINY, **extra: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_weights(path, seeded_state(config, seed), config, extra)
    return path


def test_several_encoders_keep_the_given_order(tmp_path: Path) -> None:
    wide = EncoderConfig(f=4, joints=3, hidden=7)
    first, second = saved(tmp_path / "a.safetensors", 1), saved(tmp_path / "b.safetensors", 2, wide)
    both, reversed_order = load_encoder(first, second), load_encoder(second, first)
    assert [weights_digest(m.state_dict()) for m in both.models] == [
        load_encoder(path).contract.model for path in (first, second)
    ]
    assert (both.contract.f, both.contract.joints, both.contract.dimension) == (4, 3, 3 * 5 + 3 * 7)
    assert both.trained
    assert both.description.startswith("weights of a.safetensors + b.safetensors, model ")
    ids = {load_encoder(first).contract.id, both.contract.id, reversed_order.contract.id}
    assert len(ids) == 3
    assert load_encoder(first, second).contract == both.contract


def test_encoders_of_different_windows_are_refused_together(tmp_path: Path) -> None:
    first = saved(tmp_path / "a.safetensors", 1)
    others = {
        "6 skeletons of 3 joints": saved(
            tmp_path / "f.safetensors", 2, EncoderConfig(f=6, joints=3, hidden=5)
        ),
        "4 skeletons of 20 joints": saved(tmp_path / "j.safetensors", 2, EncoderConfig(f=4, hidden=5)),
        "15 per second": saved(tmp_path / "r.safetensors", 2, rate_hz="15"),
        "layout coco17-2d": saved(tmp_path / "l.safetensors", 2, layout="coco17-2d"),
    }
    for message, path in others.items():
        with pytest.raises(
            UserError, match=rf"same windows, but .*a\.safetensors reads 4 .*{message}.*leave one"
        ):
            load_encoder(first, path)


def test_the_same_weights_twice_are_refused(tmp_path: Path) -> None:
    first = saved(tmp_path / "a.safetensors", 1)
    again = saved(tmp_path / "b.safetensors", 1)
    with pytest.raises(UserError, match=r"a\.safetensors and .*b\.safetensors are the same weights"):
        load_encoder(first, again)


def test_metadata_give_the_skeletons_that_the_weights_read(tmp_path: Path) -> None:
    plain = load_encoder(saved(tmp_path / "a.safetensors", 1)).contract
    explicit = load_encoder(saved(tmp_path / "b.safetensors", 1, layout="canonical", rate_hz="30")).contract
    assert explicit == plain == Contract(model=plain.model, f=4, joints=3, dimension=15)
    assert load_encoder(saved(tmp_path / "c.safetensors", 1, rate_hz="10")).contract.rate_hz == 10
    pixels = load_encoder(saved(tmp_path / "d.safetensors", 1, layout="coco17-2d")).contract
    assert pixels.id != plain.id
    with pytest.raises(DataError, match=r"e\.safetensors: expected a number as rate_hz, got often"):
        load_encoder(saved(tmp_path / "e.safetensors", 1, rate_hz="often"))


def test_a_training_folder_gives_its_weights(tmp_path: Path) -> None:
    file = saved(tmp_path / "mine" / "encoder.safetensors", 1)
    loaded = load_encoder(tmp_path / "mine")
    assert loaded.contract == load_encoder(file).contract
    assert "mine/encoder.safetensors" in loaded.description


def test_a_folder_of_several_tasks_gives_the_weights_of_all(tmp_path: Path) -> None:
    tasks = ("reverse", "prediction", "sorting")
    for seed, task in reversed(list(enumerate(tasks))):
        saved(tmp_path / task / "encoder.safetensors", seed)
    (tmp_path / "notes").mkdir()
    loaded = load_encoder(tmp_path)
    one_by_one = load_encoder(*(tmp_path / task / "encoder.safetensors" for task in tasks))
    assert loaded.contract == one_by_one.contract
    assert loaded.contract.dimension == 3 * 15
    assert "reverse/encoder.safetensors + prediction/encoder.safetensors + sorting/" in loaded.description
    (tmp_path / "sorting" / "encoder.safetensors").unlink()
    with pytest.raises(DataError, match=r"sorting: no encoder\.safetensors in it; finish the training"):
        load_encoder(tmp_path)


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a folder of sge-stream train"):
        load_encoder(tmp_path)
