"""The encoder of the live system: the same bits however windows are grouped, and clear refusals."""

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

from encoder.inference import Encoder, resolve_device
from encoder.model import EncoderConfig, GaitEncoder
from encoder.pose import POSE, pose_numbers
from encoder.training.pretext import concatenate_cages
from encoder.weights import LoadedEncoder, load_encoder, save_weights, seeded_state
from stream.body import FloatArray
from stream.errors import UserError

N = 21


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


def test_cages_are_the_models(loaded: LoadedEncoder, windows: FloatArray, cages: FloatArray) -> None:
    with torch.inference_mode():
        expected = loaded.models[0].encode(torch.from_numpy(windows))
    assert cages.dtype == np.float32
    assert cages.shape == (N, 6, 768 + POSE)
    np.testing.assert_allclose(cages[:, :, :-POSE], expected, atol=1e-6)
    assert np.array_equal(cages[:, :, -POSE:], pose_numbers(windows))
    assert float(np.abs(cages).max()) > 1e-3


def test_rows_keep_their_bits_when_windows_come_one_by_one(
    encoder: Encoder, windows: FloatArray, cages: FloatArray
) -> None:
    assert np.array_equal(np.concatenate([encoder.encode(w[None]) for w in windows]), cages)


@settings(max_examples=15)
@given(order=st.permutations(range(N)), cuts=st.sets(st.integers(1, N - 1), max_size=5))
def test_rows_keep_their_bits_in_any_order_and_grouping(
    encoder: Encoder, windows: FloatArray, cages: FloatArray, order: list[int], cuts: set[int]
) -> None:
    groups = np.split(np.array(order), sorted(cuts))
    got = np.concatenate([encoder.encode(windows[group]) for group in groups])
    assert np.array_equal(got, cages[order])


def test_a_second_encoder_gives_the_same_bits(windows: FloatArray, cages: FloatArray) -> None:
    other = Encoder(load_encoder(), "cpu")
    other.warm_up()
    assert np.array_equal(other.encode(windows), cages)


class _PlaceDependent(GaitEncoder):
    """A machine whose products round by the place of a row among the others."""

    def encode(self, windows: Tensor) -> Tensor:
        place = torch.arange(len(windows)).view(-1, 1, 1)
        return windows.flatten(2) + 1e-6 * place


def test_a_machine_that_rounds_by_place_computes_one_by_one(loaded: LoadedEncoder) -> None:
    model = _PlaceDependent(EncoderConfig(hidden=20))
    contract = replace(loaded.contract, dimension=60, pose=0)
    encoder = Encoder(replace(loaded, models=(model,), contract=contract), "cpu")
    windows = np.random.RandomState(1).standard_normal((5, 6, 20, 3)).astype(np.float32)
    assert np.array_equal(encoder.encode(windows), windows.reshape(5, 6, 60))


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Weights files of encoders of several sizes that read the same windows."""
    folder = tmp_path_factory.mktemp("parts")
    paths = []
    for seed, hidden in enumerate((8, 32, 5)):
        config = EncoderConfig(hidden=hidden)
        paths.append(folder / f"{seed}.safetensors")
        save_weights(paths[-1], seeded_state(config, seed), config)
    return paths


def test_several_encoders_are_each_alone_to_the_bit_side_by_side(
    parts: list[Path], windows: FloatArray
) -> None:
    together = Encoder(load_encoder(*parts), "cpu")
    alone = [Encoder(load_encoder(path), "cpu").encode(windows) for path in parts]
    assert together.nothing.shape == (0, 6, 3 * (8 + 32 + 5) + POSE)
    cages = together.encode(windows)
    side_by_side = concatenate_cages([torch.from_numpy(part[:, :, :-POSE]) for part in alone])
    assert np.array_equal(cages[:, :, :-POSE], side_by_side)
    assert np.array_equal(cages[:, :, -POSE:], pose_numbers(windows))
    assert np.array_equal(np.concatenate([together.encode(w[None]) for w in windows]), cages)
    assert np.array_equal(together.encode(windows[::-1]), cages[::-1])


def test_no_windows_give_no_cages(encoder: Encoder, windows: FloatArray) -> None:
    assert encoder.nothing.shape == (0, 6, 768 + POSE)
    assert encoder.encode(windows[:0]).shape == (0, 6, 768 + POSE)
    assert encoder.window_shape == (6, 20, 3)


def test_read_only_windows_are_fine(encoder: Encoder, windows: FloatArray, cages: FloatArray) -> None:
    received = np.frombuffer(windows.tobytes(), np.float32).reshape(windows.shape)
    assert np.array_equal(encoder.encode(received), cages)


@pytest.mark.parametrize("shape", [(2, 5, 20, 3), (2, 6, 25, 3), (6, 20, 3), (2, 6, 20, 2), (0,)])
def test_other_shapes_are_refused(encoder: Encoder, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected shape \(n, 6, 20, 3\)"):
        encoder.encode(np.zeros(shape, np.float32))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(encoder: Encoder, windows: FloatArray, bad: float) -> None:
    spoilt = windows.copy()
    spoilt[3, 2, 7, 1] = bad
    with pytest.raises(ValueError, match="finite"):
        encoder.encode(spoilt)


def test_threads_are_set_or_left(loaded: LoadedEncoder) -> None:
    torch.set_num_threads(2)
    Encoder(loaded, "cpu", threads=None)
    assert torch.get_num_threads() == 2
    Encoder(loaded, "cpu")
    assert torch.get_num_threads() == 1


def test_cpu_is_always_there() -> None:
    assert resolve_device("cpu") == torch.device("cpu")


def test_auto_takes_a_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto").type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert resolve_device("auto") == torch.device("cuda")
    assert resolve_device("cuda:0") == torch.device("cuda:0")
    with pytest.raises(UserError, match=r"cuda:1: this machine has 1 GPU"):
        resolve_device("cuda:1")


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="use auto or cpu"):
        resolve_device("cuda")


@pytest.mark.parametrize("name", ["", "gpu", "cuda:", "cuda:x", "CPU", "mps", "cpu:0"])
def test_unknown_devices_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="unknown; use auto, cpu, cuda or cuda:0"):
        resolve_device(name)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_rows_keep_their_bits_on_a_gpu(windows: FloatArray, cages: FloatArray) -> None:
    encoder = Encoder(load_encoder(), "cuda")
    together = encoder.encode(windows)
    assert np.array_equal(np.concatenate([encoder.encode(w[None]) for w in windows]), together)
    np.testing.assert_allclose(together, cages, atol=1e-5)
