"""Fixtures shared by all tests: the folder of real skeletons, which most machines do not have."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Two processes run the tests: a thread each, before torch counts them.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data sets (`SGE_DATA`, else `../shared/data`); without it the test skips by name.

    `SGE_REQUIRE_DATA=1` turns the skip into a failure where `../shared` exists.
    """
    folder = Path(os.environ.get("SGE_DATA", ROOT.parent / "shared" / "data"))
    if (folder / "kgbd_kinect1_20j.npz").is_file():
        return folder
    reason = f"needs the real skeletons kgbd_kinect1_20j.npz in {folder} (set SGE_DATA)"
    if os.environ.get("SGE_REQUIRE_DATA") == "1" and (ROOT.parent / "shared").exists():
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def runtime_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of this test's own for the sockets of running systems; its processes inherit it."""
    folder = tmp_path / "run"
    monkeypatch.setenv("SGE_RUNTIME_DIR", str(folder))
    return folder
