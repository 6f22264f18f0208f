"""Back-ends: projections and thresholds of one encoder, as they ship."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from encoder.weights import load_encoder
from gallery.scoring.backend import Backend, Projection, find_backend, folders_beside, load_backend
from stream.errors import DataError

RANDOM = np.random.default_rng(5)
F, D, K = 6, 24, 7
MEAN = RANDOM.standard_normal(D).astype(np.float32)
MATRIX = RANDOM.standard_normal((D, K)).astype(np.float32)
IMPOSTORS = {
    "data": "test",
    "strangers": 9,
    "windows": [10, 50],
    "comparisons": [100, 90],
    "tails": [0.5, 0.1],
    "scores": [[0.2, 0.5], [0.1, 0.4]],
    "excess": [0.1, 0.2],
}
FITTED_ON = {"data": "test", "people": 3, "walks": 6, "windows": 60}
CARD = {"encoder": "test", "sensors": {"kinect-v1": {"projection": FITTED_ON, "impostors": IMPOSTORS}}}
ARRAYS = {"kinect-v1.mean": MEAN, "kinect-v1.matrix": MATRIX}


def cages(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal((*shape, D)).astype(np.float32)


def backend_files(folder: Path) -> Path:
    (folder / "abc.json").write_text(json.dumps(CARD))
    (folder / "abc.safetensors").write_bytes(save(ARRAYS))
    return folder


def test_directions_are_centred_projected_and_of_unit_length() -> None:
    window = cages(F)
    found = Backend({"kinect-v1": Projection(MEAN, MATRIX)}).directions(window, "kinect-v1")
    for row, direction in zip(window, found, strict=True):
        projected = [sum((row[d] - MEAN[d]) * MATRIX[d, k] for d in range(D)) for k in range(K)]
        length = sum(x * x for x in projected) ** 0.5
        np.testing.assert_allclose(direction, [x / length for x in projected], atol=1e-5)
    assert found.dtype == np.float32


def test_a_kind_of_sensor_without_projection_keeps_its_cages_directions() -> None:
    window = cages(2, F)
    window[1, 3] = 0
    found = Backend({"kinect-v1": Projection(MEAN, MATRIX)}).directions(window, "rgb")
    length = np.linalg.norm(window, axis=-1, keepdims=True)
    np.testing.assert_allclose(found, window / np.where(length == 0, 1, length), atol=1e-6)


def test_a_windows_bits_do_not_depend_on_the_windows_beside_it() -> None:
    random = np.random.default_rng(6)
    mean, matrix = random.standard_normal(768), random.standard_normal((768, 128))
    backend = Backend({"s": Projection(mean.astype(np.float32), matrix.astype(np.float32))})
    windows = random.standard_normal((33, F, 768)).astype(np.float32)
    together = backend.directions(windows, "s")
    for n in (0, 7, 32):
        assert together[n].tobytes() == backend.directions(windows[n].copy(), "s").tobytes()
        assert together[n].tobytes() == backend.directions(windows[n : n + 2], "s")[0].tobytes()


def test_an_unknown_encoder_has_plain_cosines_and_no_thresholds(tmp_path: Path) -> None:
    for unknown in (load_backend("never-made"), load_backend("abc", [tmp_path / "nowhere.safetensors"])):
        window = cages(F)
        length = np.linalg.norm(window, axis=-1, keepdims=True)
        np.testing.assert_allclose(unknown.directions(window, "kinect-v1"), window / length, atol=1e-6)
        assert unknown.threshold("kinect-v1", 0.01, 5, 100) is None


def test_files_are_read_back(tmp_path: Path) -> None:
    backend = load_backend("abc", [backend_files(tmp_path)])
    projection = backend.projections["kinect-v1"]
    np.testing.assert_array_equal(projection.mean, MEAN)
    np.testing.assert_array_equal(projection.matrix, MATRIX)
    assert backend.threshold("kinect-v1", 0.1, 1, 50) == pytest.approx(0.4)
    assert backend.threshold("kinect-v2", 0.1, 1, 50) is None


def test_a_sensor_may_have_a_projection_and_no_thresholds(tmp_path: Path) -> None:
    backend_files(tmp_path)
    card = {"encoder": "test", "sensors": {"kinect-v1": {"projection": FITTED_ON}}}
    (tmp_path / "abc.json").write_text(json.dumps(card))
    backend = load_backend("abc", [tmp_path])
    assert list(backend.projections) == ["kinect-v1"]
    assert backend.threshold("kinect-v1", 0.1, 1, 50) is None


def arrays_become(changed: dict[str, np.ndarray]) -> Callable[[Path], object]:
    return lambda folder: (folder / "abc.safetensors").write_bytes(save(ARRAYS | changed))


def impostors_become(**changed: object) -> Callable[[Path], object]:
    known = {"projection": FITTED_ON, "impostors": IMPOSTORS | changed}
    card = {"encoder": "test", "sensors": {"kinect-v1": known}}
    return lambda folder: (folder / "abc.json").write_text(json.dumps(card))


def cut(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-40])


@pytest.mark.parametrize(
    "spoil",
    [
        cut("abc.safetensors"),
        cut("abc.json"),
        lambda folder: (folder / "abc.safetensors").unlink(),
        lambda folder: (folder / "abc.json").unlink(),
        lambda folder: (folder / "abc.safetensors").write_bytes(b""),
        lambda folder: (folder / "abc.json").write_bytes(b"\xff\xfe"),
        lambda folder: (folder / "abc.json").write_text('{"encoder": "test", "sensors": [], "new": 1}'),
        arrays_become({"kinect-v1.mean": MEAN.astype(np.float64)}),
        arrays_become({"kinect-v1.mean": MEAN[:-1].copy()}),
        arrays_become({"kinect-v1.matrix": MATRIX[0].copy()}),
        arrays_become({"kinect-v1.matrix": np.full_like(MATRIX, np.nan)}),
        impostors_become(windows=[50, 10]),
        impostors_become(windows=[10]),
        impostors_become(tails=[0.1, 0.5]),
        impostors_become(tails=[0.5]),
        impostors_become(excess=[0.1]),
        impostors_become(excess=[0.1, -0.2]),
        impostors_become(tails=[0.5, 0.0]),
        impostors_become(scores=[[0.5, 0.2], [0.1, 0.4]]),
        impostors_become(scores=[[0.2], [0.1]]),
        impostors_become(comparisons=[]),
        impostors_become(windows=[], comparisons=[], scores=[]),
    ],
)
def test_spoilt_files_are_told_with_the_mend(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    backend_files(tmp_path)
    spoil(tmp_path)
    with pytest.raises(
        DataError, match=r"back-end of encoder abc .* is not whole .*; install sge-stream again"
    ):
        load_backend("abc", [tmp_path])


def test_a_backend_lies_beside_the_weights_and_comes_before_what_ships(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    mine.mkdir()
    other.mkdir()
    file = mine / "encoder.safetensors"
    file.touch()
    assert folders_beside([mine, file, other / "b.safetensors"]) == [mine, other]
    assert find_backend("abc", [file]) is None
    backend_files(other)
    assert find_backend("abc", [file]) is None
    assert find_backend("abc", [file, other]) == other
    assert find_backend("xyz", [file, other]) is None

    contract = load_encoder().contract.id
    shipped = find_backend(contract, [file])
    assert shipped is not None
    for name in (f"{contract}.json", f"{contract}.safetensors"):
        (mine / name).write_bytes(shipped.joinpath(name).read_bytes())
    assert find_backend(contract, [file]) == mine


def test_what_ships_fits_the_encoder_that_ships() -> None:
    contract = load_encoder().contract
    backend = load_backend(contract.id)
    assert backend.projections.keys() == {"kinect-v1", "kinect-v2", "simulated"}
    for projection in backend.projections.values():
        assert projection.matrix.shape == (contract.dimension, 128)
    for sensor in ("kinect-v1", "simulated"):
        lax, strict = (backend.threshold(sensor, fpir, 20, 100) for fpir in (0.05, 0.01))
        assert lax is not None
        assert strict is not None
        assert 0 < lax < strict
    assert backend.threshold("kinect-v2", 0.01, 20, 100) is None


def test_the_matcher_process_does_without_torch() -> None:
    code = "import sys, gallery.matcher_process; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
