from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from stream.errors import DataError
from stream.sources.camera.model_files import FOLDER, PERSON_MODEL, POSE_MODELS, load_model

MODELS = (PERSON_MODEL, *POSE_MODELS.values())
SHIPPED = {
    "efficientdet_lite0_int8.tflite": "0720bf247bd76e6594ea28fa9c6f7c5242be774818997dbbeffc4da460c723bb",
    "pose_landmarker_full.task": "4eaa5eb7a98365221087693fcc286334cf0858e2eb6e15b506aa4a7ecdcec4ad",
    "pose_landmarker_lite.task": "b38fd72852695c4ea0170a79ac02054d587d8770a13889776900c0426a4879bb",
}


def test_model_files_are_the_original_ones() -> None:
    assert set(MODELS) == set(SHIPPED)
    for name in MODELS:
        assert hashlib.sha256(load_model(name)).hexdigest() == SHIPPED[name]


def test_notice_names_every_model_its_author_and_licence() -> None:
    notice = (FOLDER / "NOTICE").read_text(encoding="ascii")
    assert "Google" in notice and "Apache License, Version 2.0" in notice
    assert all(name in notice for name in MODELS)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "models"))


def test_damaged_model_is_rejected(copy: Path) -> None:
    path = copy / PERSON_MODEL
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(
        DataError, match=r"efficientdet\S+ is damaged or was replaced: install sge-stream again"
    ):
        load_model(PERSON_MODEL, copy)


@pytest.mark.parametrize("missing", [PERSON_MODEL, "SHA256SUMS"])
def test_missing_file_is_rejected(copy: Path, missing: str) -> None:
    (copy / missing).unlink()
    with pytest.raises(
        DataError, match=r"the file efficientdet\S+ is missing in .*: install sge-stream again"
    ):
        load_model(PERSON_MODEL, copy)
