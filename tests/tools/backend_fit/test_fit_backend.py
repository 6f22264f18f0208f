"""Fitting a back-end from data: the same bytes each time, and what the matcher reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer

from encoder.model import EncoderConfig
from encoder.weights import load_encoder, save_weights, seeded_state
from gallery.scoring.backend import FittedOn, FusionCard, Projection, SensorCard, load_backend
from gallery.scoring.fusion import FusionWeights
from gallery.scoring.window_directions import WindowDirections
from tests.tools.simulated_set import pack_simulated
from tools.backend_fit import fit_backend, fusion_fit, sensor_fits
from tools.backend_fit.fit_backend import write_backend
from tools.backend_fit.fusion_fit import windows_alone
from tools.backend_fit.sensor_fits import Fit


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(fusion_fit, "LEAST_PEOPLE", 3)
    monkeypatch.setattr(sensor_fits, "FIT_PEOPLE", range(1, 4))
    monkeypatch.setattr(sensor_fits, "IMPOSTORS", range(4, 7))
    monkeypatch.setattr(sensor_fits, "FUSION_PEOPLE", range(1, 7))
    monkeypatch.setattr(sensor_fits, "FOLDS", 2)
    monkeypatch.setattr(sensor_fits, "PATHO_PEOPLE", range(1, 3))
    monkeypatch.setattr(sensor_fits, "CROWD", 3)
    monkeypatch.setattr(sensor_fits, "CROWD_SECONDS", 3.0)
    monkeypatch.setattr(sensor_fits, "FIT_EVERY", 1)
    pack_simulated(tmp_path / "kgbd_kinect1_20j.npz", 8, people=7, walks=3)
    for seed, gait in enumerate(("normal", "antalgic", "lurch")):
        pack_simulated(tmp_path / f"kinect2_patho_{gait}_20j.npz", seed, people=3, walks=4)
    return tmp_path


def test_a_backend_is_fitted_and_read_back(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("once", "twice"):
        fit_backend.fit(small, folder=small / name)
    once, twice = (sorted((small / name).iterdir()) for name in ("once", "twice"))
    assert [path.read_bytes() for path in once] == [path.read_bytes() for path in twice]

    contract = load_encoder().contract.id
    assert [path.name for path in once] == [f"{contract}.json", f"{contract}.safetensors"]
    backend = load_backend(contract, [small / "once"])
    assert list(backend.projections) == ["kinect-v1", "kinect-v2", "simulated"]
    assert backend.threshold("kinect-v2", 0.05, 3, 10) is None
    # Each of three people's only probe walk meets the two others; 2 s give 17 windows, 3 s give 27.
    for sensor, windows in (("kinect-v1", (10,)), ("simulated", (10, 20))):
        known = load_backend(contract, [small / "once"], fused=False).calibration.known[sensor]
        assert (known.strangers, known.windows) == (3, windows)
        assert known.comparisons == (6,) * len(windows)
    assert list(backend.fusions) == ["kinect-v1", "kinect-v2", "any", "simulated"]
    # Each half of six people: everybody's only probe walk meets two others.
    assert backend.calibration.known["kinect-v1"].comparisons == (12,)
    assert not load_backend(contract, [small / "once"], fused=False).fusions
    told = capsys.readouterr().out
    assert "KGBD, people 1-6 in 2 parts" in told
    assert f"wrote {small / 'twice' / contract}.json" in told


def test_numbers_are_read_back_as_they_were_whatever_way_they_lay_in_memory(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    mean, columns, reversed_ = (
        random.standard_normal(shape).astype(np.float32) for shape in (6, (3, 6), (6, 3))
    )
    directions = WindowDirections(mean, columns.T, reversed_[:, ::-1])
    fusion = windows_alone(directions, FusionWeights())
    on = FittedOn("made", 2, 2, 2)
    projection = Projection(mean, np.asfortranarray(reversed_))
    fit = Fit(projection, SensorCard(on, fusion=FusionCard(on, fusion.weights)), fusion)
    write_backend(tmp_path, "made", "an encoder", {"kinect-v2": fit})
    found = load_backend("made", [tmp_path])
    np.testing.assert_array_equal(found.projections["kinect-v2"].matrix, reversed_)
    np.testing.assert_array_equal(found.fusions["kinect-v2"].directions.whitening, columns.T)
    np.testing.assert_array_equal(found.fusions["kinect-v2"].directions.discriminants, reversed_[:, ::-1])


def own(path: Path, seed: int, seen: str | None) -> Path:
    """Weights of a small encoder that was trained on some people of KGBD, if it says so."""
    path.parent.mkdir(exist_ok=True)
    config = EncoderConfig(hidden=16)
    extra = {} if seen is None else {"seen": json.dumps([{"source": "kgbd_kinect1_20j", "people": seen}])}
    save_weights(path, seeded_state(config, seed), config, extra)
    return path


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (("1-3", "1-2"), "the encoder was trained on none of these people"),
        (("1-3", "5, 6-9"), "the encoder was trained on 2 of these people"),
        (("1-3", None), "whether the encoder was trained on them is not known"),
    ],
)
def test_a_backend_of_weights_of_ones_own_goes_beside_them(
    small: Path, seen: tuple[str | None, ...], told: str
) -> None:
    files = [own(small / f"run{n}" / "encoder.safetensors", n, people) for n, people in enumerate(seen)]
    fit_backend.fit(small, files)
    contract = load_encoder(*files).contract
    assert sorted(path.name for path in files[0].parent.glob("*.json")) == [f"{contract.id}.json"]
    assert not list(files[1].parent.glob("*.json"))
    backend = load_backend(contract.id, files)
    assert backend.projections["kinect-v1"].matrix.shape == (2 * 3 * 16, 2 * 3 * 16)
    assert backend.threshold("kinect-v1", 0.05, 3, 10) is not None
    plain = load_backend(contract.id, files, fused=False)
    assert plain.calibration.known["kinect-v1"].data.endswith(told)
    assert not load_backend(load_encoder(files[0]).contract.id, files).projections


def test_weights_that_cannot_be_used_are_told(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        fit_backend.fit(small, [small / "none.safetensors"])
    assert ended.value.exit_code == 2
    assert "none.safetensors: there is no such weights file" in capsys.readouterr().err
