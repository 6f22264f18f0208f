"""Reviews compare a visit as it was compared before."""

from __future__ import annotations

from pathlib import Path

import pytest

from encoder.weights import load_encoder
from gallery.scoring.backend import load_backend
from gallery.store.gallery import open_gallery
from gallery.visits.review import GalleryComparison
from tests.gallery.store.stored_visits import visit_walk


@pytest.mark.parametrize("fused", [True, False])
def test_a_visit_is_compared_again_by_the_method_that_it_was_compared_by(tmp_path: Path, fused: bool) -> None:
    contract = load_encoder().contract.id
    version = load_backend(contract, fused=fused).version
    with open_gallery(str(tmp_path / "g.db")) as gallery:
        index, _ = GalleryComparison(gallery).of(visit_walk(1, contract_id=contract), version)
        assert index.backend.version == version
        default, _ = GalleryComparison(gallery).of(visit_walk(1, contract_id=contract))
        assert default.backend.version == load_backend(contract).version
