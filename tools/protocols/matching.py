"""Probe windows against gallery windows, all with all, in memory that does not grow with their product."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from stream.body import FloatArray
from tools.metrics import Retrieval, rank_k, retrieve, vote
from tools.protocols.features import Features, describe
from tools.protocols.split import WindowSet

__all__ = ["Figures", "Metric", "distance_blocks", "match"]

Metric = Literal["euclidean", "cosine"]

_BLOCK_NUMBERS = 16_000_000
"""Distances held at once: 64 MB."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a method reaches, all in percent.

    Attributes:
        rank1: windows whose nearest gallery window is of the same person; `rank5`, `rank10`: one of the
            nearest five, ten.
        map: mean average precision over all gallery windows.
        minp: mean inverse negative penalty over all gallery windows.
        rank1_walk: walks whose person is named by more of their windows than any other.
    """

    rank1: float
    rank5: float
    rank10: float
    map: float
    minp: float
    rank1_walk: float


def distance_blocks(
    probes: FloatArray, gallery: FloatArray, metric: Metric = "euclidean"
) -> Iterator[tuple[slice, FloatArray]]:
    """Distances of some probes at a time to the whole gallery.

    Args:
        probes: (n, D) float32; changed in place.
        gallery: (m, D) float32; changed in place.
        metric: squared Euclidean, which ranks as its root does, or 1 - cosine.

    Yields:
        Which probes, and their distances (block, m) float32.
    """
    if metric == "cosine":
        for rows in (probes, gallery):
            rows[:] /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))
    else:
        # Shifting both changes no distance, and keeps |p|^2 + |g|^2 - 2pg from losing it in the rounding.
        centre = gallery.mean(axis=0, dtype=np.float64).astype(np.float32)
        for rows in (probes, gallery):
            rows[:] -= centre
    gallery_squares = np.einsum("md,md->m", gallery, gallery)
    block = max(1, _BLOCK_NUMBERS // len(gallery))
    for start in range(0, len(probes), block):
        part = slice(start, start + block)
        distances: FloatArray = probes[part] @ gallery.T
        if metric == "cosine":
            np.subtract(np.float32(1), distances, out=distances)
        else:
            distances *= np.float32(-2)
            distances += gallery_squares
            distances += np.einsum("nd,nd->n", probes[part], probes[part])[:, None]
        yield part, distances


def match(
    probes: WindowSet,
    gallery: WindowSet,
    features: Features,
    metric: Metric = "euclidean",
    advance: Callable[[int], object] = lambda _: None,
) -> Figures:
    """Look for the person of every probe window among all gallery windows.

    Args:
        probes: windows to recognise.
        gallery: windows with known people, those of the probes among them.
        features: what windows are compared by.
        metric: how.
        advance: is told, block by block, how many more probes are done.

    Raises:
        ValueError: the two sets name people differently, or features are not finite.
    """
    if probes.names != gallery.names:
        raise ValueError("probes and gallery: expected the same names of people")
    known = describe(features, gallery.windows)
    asked = describe(features, probes.windows)
    parts: list[Retrieval] = []
    named = np.empty(len(probes), np.int64)
    for part, distances in distance_blocks(asked, known, metric):
        named[part] = gallery.people[distances.argmin(axis=1)]
        parts.append(retrieve(distances, gallery.people, probes.people[part]))
        advance(len(distances))
    ranks = np.concatenate([part.first_rank for part in parts])
    precision = np.concatenate([part.average_precision for part in parts])
    penalty = np.concatenate([part.inverse_penalty for part in parts])
    return Figures(
        rank1=100 * rank_k(ranks, 1),
        rank5=100 * rank_k(ranks, 5),
        rank10=100 * rank_k(ranks, 10),
        map=100 * float(precision.mean()),
        minp=100 * float(penalty.mean()),
        rank1_walk=100 * vote(named, probes.walks, probes.people),
    )
