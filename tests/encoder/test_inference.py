"""The encoder of the live system: the same bits however windows are grouped, and clear errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from encoder import onednn
from encoder.inference import Encoder, resolve_device
from encoder.model import EncoderConfig, GaitEncoder
from encoder.pose import POSE_WIDTH, pose_features
from encoder.training.pretext import concatenate_cages
from encoder.weights import LoadedEncoder, load_encoder, save_weights, seeded_state
from stream.body import FloatArray
from stream.errors import UserError

N = 21
needs_bf16 = pytest.mark.skipif(
    not onednn.bf16_supported(), reason="needs a CPU with products of bf16 numbers"
)


@pytest.fixture(scope="module", autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def loaded() -> LoadedEncoder:
    return load_encoder()


@pytest.fixture(scope="module")
def encoder(loaded: LoadedEncoder) -> Encoder:
    return Encoder(loaded, "cpu")


@pytest.fixture(scope="module")
def windows() -> FloatArray:
    return (np.random.RandomState(1).standard_normal((N, 6, 20, 3)) * 0.4).astype(np.float32)


@pytest.fixture(scope="module")
def cages(encoder: Encoder, windows: FloatArray) -> FloatArray:
    return encoder.encode(windows)


def test_cages_are_those_of_the_model(loaded: LoadedEncoder, windows: FloatArray, cages: FloatArray) -> None:
    with torch.inference_mode():
        expected = loaded.models[0].encode(torch.from_numpy(windows))
    assert cages.dtype == np.float32
    assert cages.shape == (N, 6, 768 + POSE_WIDTH)
    np.testing.assert_allclose(cages[:, :, :-POSE_WIDTH], expected, atol=1e-6)
    assert np.array_equal(cages[:, :, -POSE_WIDTH:], pose_features(windows))
    assert float(np.abs(cages).max()) > 1e-3


def test_windows_give_the_same_bits_one_by_one(
    encoder: Encoder, windows: FloatArray, cages: FloatArray
) -> None:
    assert np.array_equal(np.concatenate([encoder.encode(w[None]) for w in windows]), cages)


@pytest.mark.slow
@settings(max_examples=15)
@given(order=st.permutations(range(N)), cuts=st.sets(st.integers(1, N - 1), max_size=5))
def test_windows_give_the_same_bits_in_any_order_and_grouping(
    encoder: Encoder, windows: FloatArray, cages: FloatArray, order: list[int], cuts: set[int]
) -> None:
    groups = np.split(np.array(order), sorted(cuts))
    got = np.concatenate([encoder.encode(windows[group]) for group in groups])
    assert np.array_equal(got, cages[order])


def test_a_second_encoder_gives_the_same_bits(windows: FloatArray, cages: FloatArray) -> None:
    other = Encoder(load_encoder(), "cpu")
    other.warm_up()
    assert np.array_equal(other.encode(windows), cages)


class _PositionDependentEncoder(GaitEncoder):
    """Simulates a machine on which the rounding depends on a row's position in the batch."""

    def encode(self, windows: Tensor) -> Tensor:
        position = torch.arange(len(windows)).view(-1, 1, 1)
        return windows.flatten(2) + 1e-6 * position


def test_position_dependent_rounding_makes_the_encoder_compute_one_by_one(
    loaded: LoadedEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onednn, "supported", lambda: False)
    model = _PositionDependentEncoder(EncoderConfig(hidden=20))
    contract = replace(loaded.contract, dimension=60, pose=0)
    encoder = Encoder(replace(loaded, models=(model,), contract=contract), "cpu")
    windows = np.random.RandomState(1).standard_normal((5, 6, 20, 3)).astype(np.float32)
    assert np.array_equal(encoder.encode(windows), windows.reshape(5, 6, 60))


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Weights files of encoders of different sizes that read the same windows."""
    folder = tmp_path_factory.mktemp("parts")
    paths = []
    for seed, hidden in enumerate((8, 32, 5)):
        config = EncoderConfig(hidden=hidden)
        paths.append(folder / f"{seed}.safetensors")
        save_weights(paths[-1], seeded_state(config, seed), config)
    return paths


def test_several_encoders_give_the_bits_of_each_one_concatenated(
    parts: list[Path], windows: FloatArray
) -> None:
    together = Encoder(load_encoder(*parts), "cpu")
    alone = [Encoder(load_encoder(path), "cpu").encode(windows) for path in parts]
    assert together.empty.shape == (0, 6, 3 * (8 + 32 + 5) + POSE_WIDTH)
    cages = together.encode(windows)
    concatenated = concatenate_cages([torch.from_numpy(part[:, :, :-POSE_WIDTH]) for part in alone])
    assert np.array_equal(cages[:, :, :-POSE_WIDTH], concatenated)
    assert np.array_equal(cages[:, :, -POSE_WIDTH:], pose_features(windows))
    assert np.array_equal(np.concatenate([together.encode(w[None]) for w in windows]), cages)
    assert np.array_equal(together.encode(windows[::-1]), cages[::-1])


def test_no_windows_give_no_cages(encoder: Encoder, windows: FloatArray) -> None:
    assert encoder.empty.shape == (0, 6, 768 + POSE_WIDTH)
    assert encoder.encode(windows[:0]).shape == (0, 6, 768 + POSE_WIDTH)
    assert encoder.window_shape == (6, 20, 3)


def test_read_only_windows_are_accepted(encoder: Encoder, windows: FloatArray, cages: FloatArray) -> None:
    received = np.frombuffer(windows.tobytes(), np.float32).reshape(windows.shape)
    assert np.array_equal(encoder.encode(received), cages)


@pytest.mark.parametrize("shape", [(2, 5, 20, 3), (2, 6, 25, 3), (6, 20, 3), (2, 6, 20, 2), (0,)])
def test_wrong_shapes_are_refused(encoder: Encoder, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected shape \(n, 6, 20, 3\)"):
        encoder.encode(np.zeros(shape, np.float32))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(encoder: Encoder, windows: FloatArray, bad: float) -> None:
    invalid = windows.copy()
    invalid[3, 2, 7, 1] = bad
    with pytest.raises(ValueError, match="finite"):
        encoder.encode(invalid)


def test_threads_are_set_or_left_unchanged(loaded: LoadedEncoder) -> None:
    torch.set_num_threads(2)
    Encoder(loaded, "cpu", threads=None)
    assert torch.get_num_threads() == 2
    Encoder(loaded, "cpu")
    assert torch.get_num_threads() == 1


def test_cpu_is_always_available() -> None:
    assert resolve_device("cpu") == torch.device("cpu")


def test_auto_uses_a_gpu_if_available(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto").type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert resolve_device("auto") == torch.device("cuda")
    assert resolve_device("cuda:0") == torch.device("cuda:0")
    with pytest.raises(UserError, match=r"cuda:1: this machine has 1 GPU"):
        resolve_device("cuda:1")


def test_a_missing_gpu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="use auto or cpu"):
        resolve_device("cuda")


@pytest.mark.parametrize("name", ["", "gpu", "cuda:", "cuda:x", "CPU", "mps", "cpu:0"])
def test_unknown_devices_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="unknown; use auto, cpu, cuda or cuda:0"):
        resolve_device(name)


def test_the_plain_model_gives_the_same_bits_in_every_grouping(
    loaded: LoadedEncoder, windows: FloatArray, cages: FloatArray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onednn, "supported", lambda: False)
    plain = Encoder(loaded, "cpu")
    together = plain.encode(windows)
    np.testing.assert_allclose(together, cages, atol=1e-5)
    assert np.array_equal(np.concatenate([plain.encode(w[None]) for w in windows]), together)


@needs_bf16
def test_reduced_precision_gives_nearly_the_same_cages_and_the_same_bits_in_every_grouping(
    loaded: LoadedEncoder, windows: FloatArray, cages: FloatArray
) -> None:
    encoder = Encoder(loaded, "cpu", precision="bf16")
    together = encoder.encode(windows)
    assert together.dtype == np.float32
    assert 0 < np.abs(together - cages).max() < 0.02
    assert np.array_equal(np.concatenate([encoder.encode(w[None]) for w in windows]), together)


def test_reduced_precision_is_refused_where_the_processor_has_none(
    loaded: LoadedEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onednn, "bf16_supported", lambda: False)
    with pytest.raises(UserError, match=r"--precision bf16: expected a CPU .* use fp32"):
        Encoder(loaded, "cpu", precision="bf16")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_windows_give_the_same_bits_on_a_gpu(windows: FloatArray, cages: FloatArray) -> None:
    encoder = Encoder(load_encoder(), "cuda")
    together = encoder.encode(windows)
    assert np.array_equal(np.concatenate([encoder.encode(w[None]) for w in windows]), together)
    np.testing.assert_allclose(together, cages, atol=1e-5)
