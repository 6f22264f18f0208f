"""Back-ends: directions of CAGEs, files, damage, and the shipped files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from safetensors.numpy import save

from encoder.weights import load_encoder
from gallery.scoring.backend import (
    ANY_SENSOR,
    Backend,
    Projection,
    backend_arrays,
    find_backend,
    folders_beside,
    load_backend,
)
from gallery.scoring.backend_card import BackendCard
from gallery.scoring.visit_scores import VisitScores
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
VISITS: dict[str, Any] = {
    "data": "test",
    "strangers": 9,
    "visits": 90,
    "boundary": 0.3,
    "people": [1, 4],
    "means": [0.1, 0.2],
    "deviations": [0.2, 0.1],
    "tails": [0.5, 0.1],
    "scores": [0.0, 1.3],
    "excess": 0.4,
    "between_sites": 1.0,
}
FITTED_ON = {"data": "test", "people": 3, "walks": 6, "windows": 60}
KNOWN = {"projection": FITTED_ON, "impostors": IMPOSTORS, "visits": VISITS}
CARD = {"encoder": "test", "sensors": {"kinect-v1": KNOWN}}
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


def test_without_a_projection_cages_are_only_scaled_to_unit_length() -> None:
    window = cages(2, F)
    window[1, 3] = 0
    found = Backend({"kinect-v1": Projection(MEAN, MATRIX)}).directions(window, "rgb")
    length = np.linalg.norm(window, axis=-1, keepdims=True)
    np.testing.assert_allclose(found, window / np.where(length == 0, 1, length), atol=1e-6)


def test_the_bits_of_a_window_do_not_depend_on_the_other_windows() -> None:
    random = np.random.default_rng(6)
    mean, matrix = random.standard_normal(768), random.standard_normal((768, 128))
    backend = Backend({"s": Projection(mean.astype(np.float32), matrix.astype(np.float32))})
    windows = random.standard_normal((33, F, 768)).astype(np.float32)
    together = backend.directions(windows, "s")
    for n in (0, 7, 32):
        assert together[n].tobytes() == backend.directions(windows[n].copy(), "s").tobytes()
        assert together[n].tobytes() == backend.directions(windows[n : n + 2], "s")[0].tobytes()


def test_an_unknown_encoder_has_plain_cosine_similarity_and_no_thresholds(tmp_path: Path) -> None:
    for unknown in (load_backend("unknown"), load_backend("abc", [tmp_path / "nowhere.safetensors"])):
        window = cages(F)
        length = np.linalg.norm(window, axis=-1, keepdims=True)
        np.testing.assert_allclose(unknown.directions(window, "kinect-v1"), window / length, atol=1e-6)
        assert unknown.visits_of("kinect-v1") is None


def test_files_are_read_back(tmp_path: Path) -> None:
    backend = load_backend("abc", [backend_files(tmp_path)])
    projection = backend.projections["kinect-v1"]
    np.testing.assert_array_equal(projection.mean, MEAN)
    np.testing.assert_array_equal(projection.matrix, MATRIX)
    assert backend.impostors["kinect-v1"].exceeded_by(0.1, 50) == pytest.approx(0.4)
    assert backend.visits_of("kinect-v1") == msgspec.convert(VISITS, VisitScores)
    assert backend.visits_of("kinect-v2") is None


def test_a_sensor_can_have_a_projection_without_thresholds(tmp_path: Path) -> None:
    backend_files(tmp_path)
    card = {"encoder": "test", "sensors": {"kinect-v1": {"projection": FITTED_ON}}}
    (tmp_path / "abc.json").write_text(json.dumps(card))
    backend = load_backend("abc", [tmp_path])
    assert list(backend.projections) == ["kinect-v1"]
    assert backend.visits_of("kinect-v1") is None


def with_arrays(changed: dict[str, np.ndarray]) -> Callable[[Path], object]:
    return lambda folder: (folder / "abc.safetensors").write_bytes(save(ARRAYS | changed))


def with_impostors(**changed: object) -> Callable[[Path], object]:
    known = {"projection": FITTED_ON, "impostors": IMPOSTORS | changed}
    card = {"encoder": "test", "sensors": {"kinect-v1": known}}
    return lambda folder: (folder / "abc.json").write_text(json.dumps(card))


def with_visits(**changed: object) -> Callable[[Path], object]:
    card = {"encoder": "test", "sensors": {"kinect-v1": KNOWN | {"visits": VISITS | changed}}}
    return lambda folder: (folder / "abc.json").write_text(json.dumps(card))


def truncated(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-40])


@pytest.mark.parametrize(
    "damage",
    [
        truncated("abc.safetensors"),
        truncated("abc.json"),
        lambda folder: (folder / "abc.safetensors").unlink(),
        lambda folder: (folder / "abc.json").unlink(),
        lambda folder: (folder / "abc.safetensors").write_bytes(b""),
        lambda folder: (folder / "abc.json").write_bytes(b"\xff\xfe"),
        lambda folder: (folder / "abc.json").write_text('{"encoder": "test", "sensors": [], "new": 1}'),
        with_arrays({"kinect-v1.mean": MEAN.astype(np.float64)}),
        with_arrays({"kinect-v1.mean": MEAN[:-1].copy()}),
        with_arrays({"kinect-v1.matrix": MATRIX[0].copy()}),
        with_arrays({"kinect-v1.matrix": np.full_like(MATRIX, np.nan)}),
        with_impostors(windows=[50, 10]),
        with_impostors(windows=[10]),
        with_impostors(tails=[0.1, 0.5]),
        with_impostors(tails=[0.5]),
        with_impostors(excess=[0.1]),
        with_impostors(excess=[0.1, -0.2]),
        with_impostors(tails=[0.5, 0.0]),
        with_impostors(scores=[[0.5, 0.2], [0.1, 0.4]]),
        with_impostors(scores=[[0.2], [0.1]]),
        with_impostors(comparisons=[]),
        with_impostors(windows=[], comparisons=[], scores=[]),
        with_visits(people=[2, 4]),
        with_visits(people=[1, 1]),
        with_visits(people=[], means=[], deviations=[]),
        with_visits(means=[0.1]),
        with_visits(deviations=[0.2, 0.0]),
        with_visits(boundary=-0.1),
        with_visits(excess=-0.1),
        with_visits(between_sites=-0.1),
        with_visits(tails=[0.1, 0.5]),
        with_visits(tails=[0.5]),
        with_visits(scores=[1.3, 0.0]),
    ],
)
def test_damaged_files_are_refused_with_advice(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    backend_files(tmp_path)
    damage(tmp_path)
    with pytest.raises(
        DataError, match=r"back-end of encoder abc .* is incomplete or damaged .*; install sge-stream again"
    ):
        load_backend("abc", [tmp_path])


def test_a_backend_beside_the_weights_has_priority_over_the_shipped_one(tmp_path: Path) -> None:
    first, other = tmp_path / "first", tmp_path / "other"
    first.mkdir()
    other.mkdir()
    file = first / "encoder.safetensors"
    file.touch()
    assert folders_beside([first, file, other / "b.safetensors"]) == [first, other]
    assert find_backend("abc", [file]) is None
    backend_files(other)
    assert find_backend("abc", [file]) is None
    assert find_backend("abc", [file, other]) == other
    assert find_backend("xyz", [file, other]) is None

    contract = load_encoder().contract.id
    shipped = find_backend(contract, [file])
    assert shipped is not None
    for name in (f"{contract}.json", f"{contract}.safetensors"):
        (first / name).write_bytes(shipped.joinpath(name).read_bytes())
    assert find_backend(contract, [file]) == first


def test_the_shipped_backend_matches_the_shipped_encoder() -> None:
    contract = load_encoder().contract
    backend = load_backend(contract.id)
    assert backend.projections.keys() == {"kinect-v1", "kinect-v2", "simulated"}
    for projection in backend.projections.values():
        assert projection.matrix.shape == (contract.dimension, 128)
    for sensor in ("kinect-v1", "simulated", "kinect-v2", "camera", "azure-kinect"):
        measured = backend.visits_of(sensor)
        assert measured is not None
        assert measured.mean(1) < measured.mean(8)
    assert backend.visits_of("azure-kinect") is backend.visits[ANY_SENSOR]


def test_the_shipped_files_are_written_back_to_the_same_bytes() -> None:
    contract = load_encoder().contract.id
    folder = find_backend(contract)
    assert folder is not None
    backend = load_backend(contract)
    arrays: dict[str, np.ndarray] = {}
    for sensor in dict.fromkeys((*backend.projections, *backend.fusions)):
        arrays |= backend_arrays(sensor, backend.projections.get(sensor), backend.fusions.get(sensor))
    assert save(arrays) == folder.joinpath(f"{contract}.safetensors").read_bytes()
    text = folder.joinpath(f"{contract}.json").read_bytes()
    card = msgspec.json.decode(text, type=BackendCard)
    assert msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n" == text
    for sensor, known in card.sensors.items():
        assert known.fusion is not None
        assert list(known.fusion.weights.items()) == list(backend.fusions[sensor].weights.items())


def test_a_backend_fitted_before_the_mean_of_the_site_is_still_read(tmp_path: Path) -> None:
    """Its fusions have no weight `site`, no portable directions and no bone lengths."""
    contract = load_encoder().contract.id
    known = load_backend(contract).fusions["kinect-v1"]
    new = {"site", "bones"}
    arrays = {
        name: array
        for name, array in backend_arrays("kinect-v1", None, known).items()
        if not name.startswith(("kinect-v1.fusion.bones", "kinect-v1.fusion.directions.portable"))
    }
    weights = {name: weight for name, weight in known.weights.items() if name not in new}
    card = {
        "encoder": "test",
        "sensors": {"kinect-v1": {"fusion": {"fitted_on": FITTED_ON, "weights": weights}}},
    }
    (tmp_path / "abc.json").write_text(json.dumps(card))
    (tmp_path / "abc.safetensors").write_bytes(save(arrays))
    read = load_backend("abc", [tmp_path]).fusions["kinect-v1"]
    assert dict(read.weights) == dict(known.weights)
    described = RANDOM.standard_normal((4, len(known.windows.directions.mean))).astype(np.float32)
    np.testing.assert_array_equal(read.windows.project(described), known.windows.project(described))
    # A newer one without them is damaged.
    card["sensors"]["kinect-v1"]["fusion"]["weights"] = {**weights, "site": 1.0}  # type: ignore[index]
    (tmp_path / "abc.json").write_text(json.dumps(card))
    with pytest.raises(DataError, match=r"directions\.portable"):
        load_backend("abc", [tmp_path])


def test_the_matcher_process_does_not_load_torch() -> None:
    code = "import sys, gallery.matcher_process; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
