"""A gallery of simulated people, enrolled from windows that were encoded together, not by playing them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.store.gallery import open_gallery
from gallery.store.records import NewEnrolment
from stream.consent import Consent
from tools.backend_fit.offline_pipeline import WalkCages, encode_walk, simulated_walks, stored_walk

__all__ = ["make_gallery"]

_SECONDS = 5.0
_SENSOR = "simulated"


def make_gallery(path: Path, people: int, seed: int = 1, walk: int = 1) -> None:
    """Enrols simulated people in a new gallery, one walk of 5 s each.

    Args:
        path: of the gallery.
        people: their number; they are those of `walkers:n=...,seed=...,walk=...`.
        seed: of their identities.
        walk: number of the walk.

    Raises:
        GalleryError: it cannot be written.
    """
    encoder = Encoder(load_encoder(), "cpu", threads=1)  # more would wait for each other on a busy machine
    walks = [encode_walk(encoder, each) for each in simulated_walks(people, seed, walk, _SECONDS)]
    with open_gallery(str(path)) as gallery:
        for each in walks:
            gallery.enrol(
                f"walker {each.person}",
                [_enrolment(each, encoder.contract.id)],
                consent_by=Consent.STATED.value,
            )


def _enrolment(walk: WalkCages, contract: str) -> NewEnrolment:
    stored = stored_walk(walk.cages, _SENSOR)
    return NewEnrolment(
        contract_id=contract,
        sensor=_SENSOR,
        seconds=stored.seconds,
        quality=float(np.mean([row.quality for row in walk.rows])),
        templates=stored.templates,
        statistics=stored.statistics,
    )
