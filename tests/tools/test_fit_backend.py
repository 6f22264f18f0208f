"""Fitting a back-end from data: the same bytes each time, and what the matcher reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from encoder.weights import load_encoder
from gallery.backend import load_backend
from stream.skeleton import CANONICAL
from tools import fit_backend
from tools.live_path import simulated_walks


def packed(path: Path, seed: int, people: int, walks: int) -> None:
    """A packed data set of simulated people, 2 s a walk."""
    made = [walk for number in range(1, walks + 1) for walk in simulated_walks(people, seed, number, 2.0)]
    np.savez(
        path,
        joints=np.nan_to_num(np.concatenate([walk.joints for walk in made])),
        offsets=np.cumsum([0, *(len(walk.joints) for walk in made)]),
        subject=[int(walk.person) for walk in made],
        trial=[int(walk.walk) for walk in made],
        fps=30.0,
        joint_names=CANONICAL,
    )


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(fit_backend, "FIT_PEOPLE", range(1, 4))
    monkeypatch.setattr(fit_backend, "IMPOSTORS", range(4, 7))
    monkeypatch.setattr(fit_backend, "PATHO_PEOPLE", range(1, 3))
    monkeypatch.setattr(fit_backend, "CROWD", 3)
    monkeypatch.setattr(fit_backend, "CROWD_SECONDS", 3.0)
    monkeypatch.setattr(fit_backend, "FIT_STEP", 3)
    packed(tmp_path / "kgbd_kinect1_20j.npz", 8, people=7, walks=3)
    for seed, gait in enumerate(("normal", "antalgic", "lurch")):
        packed(tmp_path / f"kinect2_patho_{gait}_20j.npz", seed, people=3, walks=4)
    return tmp_path


def test_a_backend_is_fitted_and_read_back(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("once", "twice"):
        fit_backend.fit(small, small / name)
    once, twice = (sorted((small / name).iterdir()) for name in ("once", "twice"))
    assert [path.read_bytes() for path in once] == [path.read_bytes() for path in twice]

    contract = load_encoder().contract.id
    assert [path.name for path in once] == [f"{contract}.json", f"{contract}.safetensors"]
    backend = load_backend(contract, small / "once")
    assert list(backend.projections) == ["kinect-v1", "kinect-v2", "simulated"]
    assert backend.threshold("kinect-v2", 0.05, 3, 10) is None
    # Each of three people's only probe walk meets the two others; 2 s give 17 windows, 3 s give 27.
    for sensor, windows in (("kinect-v1", (10,)), ("simulated", (10, 20))):
        known = backend.calibration.known[sensor]
        assert (known.strangers, known.windows) == (3, windows)
        assert known.comparisons == (6,) * len(windows)
    assert "KGBD, people 4-6: 3 walks" in capsys.readouterr().out
