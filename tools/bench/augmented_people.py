"""Many people to enrol, made from the walks of a few: mixtures of two people's templates, with noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.scoring.track_scores import TemplateMeans
from gallery.store.records import NewEnrolment
from stream.body import FloatArray
from tools.backend_fit.offline_pipeline import (
    WalkCages,
    encode_walk,
    kgbd_walks,
    simulated_walks,
    stored_walk,
)

__all__ = ["TEMPLATES", "base_walks", "many_people"]

TEMPLATES = 16
"""Templates of each person's walk."""

_PEOPLE = 12
_SECONDS = 7.0
_NOISE = 0.05


def base_walks(walk: int, data: Path | None = None) -> tuple[str, list[WalkCages]]:
    """Returns the encoder's contract, and one walk of each of a few people.

    Args:
        walk: number of the walk, from 1.
        data: folder with KGBD, whose people 81-92 walk; None for simulated people.

    Raises:
        UserError: the data set is missing.
        DataError: it is incomplete.
    """
    encoder = Encoder(load_encoder(), "cpu")
    if data is None:
        walks = simulated_walks(_PEOPLE, seed=1, walk=walk, seconds=_SECONDS)
    else:
        refs = kgbd_walks(data, range(81, 81 + _PEOPLE))
        walks = [ref.read() for ref in refs if int(ref.walk) == walk]
    return encoder.contract.id, [encode_walk(encoder, each) for each in walks]


def many_people(
    contract: str, walks: Sequence[WalkCages], people: int, seed: int = 0
) -> Iterator[NewEnrolment]:
    """Yields one walk of `TEMPLATES` templates for each of many people.

    Args:
        contract: of the encoder.
        walks: of a few people, of one kind of sensor.
        people: how many to make.
        seed: of the mixtures and the noise.
    """
    random = np.random.default_rng(seed)
    stored = [stored_walk(walk.cages, walk.sensor) for walk in walks]
    means = [_templates(walk.cages) for walk in walks]
    for _ in range(people):
        one, other = random.choice(len(walks), 2, replace=False)
        share = np.float32(random.uniform(0.2, 0.8))
        mixed = share * means[one] + (1 - share) * means[other]
        mixed *= 1 + _NOISE * random.standard_normal(mixed.shape[1:], np.float32)
        statistics = share * stored[one].statistics + (1 - share) * stored[other].statistics
        yield NewEnrolment(contract, walks[one].sensor, stored[one].seconds, 1.0, mixed, statistics)


def _templates(cages: FloatArray) -> FloatArray:
    """Returns `TEMPLATES` means of consecutive windows (n, f, D), n at least that many."""
    means = TemplateMeans(TEMPLATES)
    for window in cages[: len(cages) // TEMPLATES * TEMPLATES]:
        means.add(window)
    rows = np.stack(means.rows)
    return rows[np.arange(TEMPLATES) % len(rows)]
