"""Notes and errors about a gallery or a back-end that does not match the encoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from encoder.encoder_settings import EncoderInfo
from gallery.scoring.backend import find_backend
from gallery.store.gallery import Gallery, open_gallery
from gallery.store.records import NewEnrolment
from stream.errors import GalleryError
from stream.system.compatibility import backend_note, fit_command, gallery_note

CARD = EncoderInfo("aaaa", 6, "weights of mine", "cpu")


def enrol(store: Gallery, name: str, contract: str) -> None:
    templates = np.ones((2, 6, 3), np.float32)
    store.enrol(name, [NewEnrolment(contract, "simulated", 4.0, 1.0, templates)], consent_by="--yes")


def test_a_gallery_matches_its_own_encoder(tmp_path: Path) -> None:
    with open_gallery(str(tmp_path / "g.db")) as store:
        assert gallery_note(store.url, CARD) == ""
        enrol(store, "Ada", "aaaa")
        assert gallery_note(store.url, CARD) == ""


def test_people_of_another_encoder_are_counted(tmp_path: Path) -> None:
    with open_gallery(str(tmp_path / "g.db")) as store:
        for name, contract in (("Ada", "aaaa"), ("Ben", "bbbb"), ("Eve", "bbbb")):
            enrol(store, name, contract)
        note = gallery_note(store.url, CARD)
    assert note.startswith("2 of 3 people in the gallery cannot be recognised")
    assert "contract bbbb, and the encoder in use has contract aaaa (weights of mine)" in note


def test_a_gallery_of_only_another_encoder_is_refused(tmp_path: Path) -> None:
    with open_gallery(str(tmp_path / "g.db")) as store:
        for name, contract in (("Ben", "bbbb"), ("Eve", "cccc")):
            enrol(store, name, contract)
        with pytest.raises(
            GalleryError, match=r"its people \(2\) were .* contract bbbb or cccc, and the encoder"
        ):
            gallery_note(store.url, CARD)
        assert len(store.people()) == 2


def test_a_missing_backend_is_reported_with_the_fitting_command(tmp_path: Path) -> None:
    weights = [str(tmp_path / "my run"), "b.safetensors"]
    command = (
        f"python -m tools.backend_fit.fit_backend DATA_DIR --encoder '{weights[0]}' --encoder b.safetensors"
    )
    assert fit_command(weights) == command
    assert fit_command([]) == "python -m tools.backend_fit.fit_backend DATA_DIR"
    note = backend_note(CARD, weights)
    assert note.startswith("uncalibrated: ")
    assert note.endswith(command)
    (tmp_path / "my run").mkdir()
    (tmp_path / "my run" / "aaaa.json").touch()
    assert find_backend("aaaa", [tmp_path / "my run"]) is not None
    assert backend_note(CARD, weights) == ""
