"""Fitting a back-end from data: reproducible files, which the matcher reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer

from encoder.model import EncoderConfig
from encoder.weights import load_encoder, save_weights, seeded_state
from gallery.scoring.backend import Projection, load_backend
from gallery.scoring.backend_card import FittedOn, FusionCard, SensorCard
from gallery.scoring.fusion import FusionModel, fusion_weights
from gallery.scoring.window_comparison import WindowDirections
from tests.tools.simulated_set import pack_simulated
from tools.backend_fit import confidence_fit, fit_backend, fusion_fit, sensor_fits, visit_fit
from tools.backend_fit.fit_backend import write_backend
from tools.backend_fit.sensor_fits import Fit
from tools.backend_fit.training_provenance import training_overlap


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(fusion_fit, "MIN_PEOPLE", 3)
    monkeypatch.setattr(sensor_fits, "FIT_PEOPLE", range(1, 4))
    monkeypatch.setattr(sensor_fits, "IMPOSTORS", range(4, 7))
    monkeypatch.setattr(sensor_fits, "FUSION_PEOPLE", range(1, 7))
    monkeypatch.setattr(sensor_fits, "FOLDS", 2)
    monkeypatch.setattr(sensor_fits, "PATHO_PEOPLE", range(1, 3))
    monkeypatch.setattr(sensor_fits, "SIMULATED_PEOPLE", 3)
    monkeypatch.setattr(sensor_fits, "SIMULATED_SECONDS", 3.0)
    monkeypatch.setattr(sensor_fits, "FIT_EVERY", 1)
    monkeypatch.setattr(visit_fit, "DRAWS", 3)
    monkeypatch.setattr(confidence_fit, "DECISION_SIZES", (2,))
    pack_simulated(tmp_path / "kgbd_kinect1_20j.npz", 8, people=7, walks=3)
    for seed, gait in enumerate(("normal", "antalgic", "lurch")):
        pack_simulated(tmp_path / f"kinect2_patho_{gait}_20j.npz", seed, people=3, walks=4, condition=gait)
    room = tmp_path / "kinect2_ucalgary_a_20j.npz"
    pack_simulated(room, 5, people=3, walks=3, condition="N", sensor_kind="kinect-v2")
    monkeypatch.setattr(sensor_fits, "RGB_PEOPLE", ("1", "3", "5", "7"))
    pack_simulated(tmp_path / "rgb_metrabs_large_17j.npz", 6, people=8, walks=3)
    return tmp_path


@pytest.mark.slow
def test_a_backend_is_fitted_and_read_back(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit_backend.fit(small, folder=small / "out")
    contract = load_encoder().contract.id
    assert {path.name for path in (small / "out").iterdir()} == {
        f"{contract}.json",
        f"{contract}.safetensors",
    }
    backend = load_backend(contract, [small / "out"])
    assert list(backend.projections) == ["kinect-v1", "kinect-v2", "simulated"]
    # The probe walk of each of three people is compared with two others; 2 s give 17 windows, 3 s give 27.
    for sensor, windows in (("kinect-v1", (10,)), ("simulated", (10, 20))):
        known = load_backend(contract, [small / "out"], fused=False).impostors[sensor]
        assert (known.strangers, known.windows) == (3, windows)
        assert known.comparisons == (6,) * len(windows)
    assert list(backend.fusions) == ["kinect-v1", "any", "kinect-v2", "camera", "simulated"]
    # In each half of six people, each probe walk is compared with two others.
    assert backend.impostors["kinect-v1"].comparisons == (12,)
    # Two thirds of the people of a site, or of the part that is measured, make the largest gallery.
    assert {sensor: known.people for sensor, known in backend.visits.items()} == {
        "kinect-v1": (1, 2),
        "kinect-v2": (1, 2),
        "camera": (1,),
        "any": (1, 2),
        "simulated": (1, 2),
    }
    # Of the walks of 2 s, and of 3 s of simulated people, the longest.
    assert {sensor: fit.longest for sensor, fit in backend.confidences.items()} == {
        "kinect-v1": 19,
        "kinect-v2": 19,
        "camera": 19,
        "any": 19,
        "simulated": 28,
    }
    assert not load_backend(contract, [small / "out"], fused=False).fusions
    output = capsys.readouterr().out
    assert "KGBD, people 1-6 in 2 parts" in output
    assert f"wrote {small / 'out' / contract}.json" in output


def test_arrays_with_any_strides_are_read_back(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    mean, columns, reversed_ = (
        random.standard_normal(shape).astype(np.float32) for shape in (6, (3, 6), (6, 3))
    )
    directions = WindowDirections(mean, columns.T, reversed_[:, ::-1], reversed_[:, 1:])
    fusion = FusionModel.of_windows(directions, fusion_weights())
    fitted_on = FittedOn("synthetic", 2, 2, 2)
    projection = Projection(mean, np.asfortranarray(reversed_))
    fit = Fit(projection, SensorCard(fitted_on, fusion=FusionCard(fitted_on, dict(fusion.weights))), fusion)
    write_backend(tmp_path, "contract", "an encoder", {"kinect-v2": fit})
    found = load_backend("contract", [tmp_path])
    np.testing.assert_array_equal(found.projections["kinect-v2"].matrix, reversed_)
    np.testing.assert_array_equal(found.fusions["kinect-v2"].windows.directions.whitening, columns.T)
    np.testing.assert_array_equal(
        found.fusions["kinect-v2"].windows.directions.discriminants, reversed_[:, ::-1]
    )


def save_encoder(path: Path, seed: int, recorded: str | None) -> Path:
    """Saves a small encoder that records these training people of KGBD; None records no data at all."""
    path.parent.mkdir(exist_ok=True)
    config = EncoderConfig(hidden=16)
    extra: dict[str, str] = {}
    if recorded is not None:
        extra["seen"] = json.dumps([{"source": "kgbd_kinect1_20j", "people": recorded}])
    save_weights(path, seeded_state(config, seed), config, extra)
    return path


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        (("1-3", "1-2"), "; the encoder was trained on none of these people"),
        (("1-3", "5, 6-9"), "; the encoder was trained on 2 of these people"),
        (("1-3", None), "; whether the encoder was trained on them is not known"),
    ],
)
def test_the_people_of_all_encoders_count_as_training_people(
    tmp_path: Path, recorded: tuple[str | None, ...], expected: str
) -> None:
    files = [save_encoder(tmp_path / f"{n}" / "e.safetensors", n, each) for n, each in enumerate(recorded)]
    assert training_overlap(load_encoder(*files), "kgbd", range(4, 7)) == expected


@pytest.mark.slow
def test_the_backend_of_own_weights_is_written_beside_them_and_reproducible(small: Path) -> None:
    files = [
        save_encoder(small / f"run{n}" / "encoder.safetensors", n, people)
        for n, people in enumerate(("1-3", "5, 6-9"))
    ]
    fit_backend.fit(small, files)
    contract = load_encoder(*files).contract
    beside = [files[0].parent / f"{contract.id}.{ending}" for ending in ("json", "safetensors")]
    assert list(files[0].parent.glob("*.json")) == beside[:1]
    assert not list(files[1].parent.glob("*.json"))
    fit_backend.fit(small, files, folder=small / "again")
    for path in beside:
        assert (small / "again" / path.name).read_bytes() == path.read_bytes()
    backend = load_backend(contract.id, files)
    assert backend.projections["kinect-v1"].matrix.shape == (2 * 3 * 16, 2 * 3 * 16)
    assert backend.visits_of("kinect-v1") is not None
    plain = load_backend(contract.id, files, fused=False)
    assert plain.impostors["kinect-v1"].data.endswith("the encoder was trained on 2 of these people")
    assert not load_backend(load_encoder(files[0]).contract.id, files).projections


def test_unusable_weights_are_reported(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        fit_backend.fit(small, [small / "none.safetensors"])
    assert ended.value.exit_code == 2
    assert "none.safetensors: no such weights file" in capsys.readouterr().err
