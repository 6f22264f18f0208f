"""Probe windows against gallery windows, all with all, in memory that does not grow with their product."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray
from tools.evaluation.methods import Features, Metric, describe
from tools.evaluation.metrics.identification import Retrieval, retrieve
from tools.evaluation.protocols.results import Answers
from tools.evaluation.splits.walk_split import WindowSet

__all__ = ["distance_blocks", "match"]

_BLOCK_NUMBERS = 16_000_000
"""Distances held at once: 64 MB."""


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
    told: Callable[[float], object] = lambda _: None,
    *,
    left_out: NDArray[np.bool_] | None = None,
) -> Answers:
    """Look for the person of every probe window among all gallery windows.

    Args:
        probes: windows to recognise.
        gallery: windows with known people, those of the probes among them.
        features: what windows are compared by.
        metric: how.
        told: is told, block by block, which share of the probes is done.
        left_out: (walks of the probes, walks of the gallery), whose windows are not compared, such as
            those of one and the same walk; None where all are.

    Raises:
        ValueError: the two sets name people differently, somebody has no window in the gallery, or features
            are not finite.
    """
    if probes.names != gallery.names:
        raise ValueError("probes and gallery: expected the same names of people")
    order = np.argsort(gallery.people, kind="stable")
    owners = gallery.people[order]
    people, starts = np.unique(owners, return_index=True)
    if len(people) < len(gallery.names):
        raise ValueError("gallery: expected a window of every person")
    known = describe(features, gallery.windows)[order]
    asked = describe(features, probes.windows)
    parts: list[Retrieval] = []
    scores = np.empty((len(probes), len(people)), np.float32)
    for part, distances in distance_blocks(asked, known, metric):
        if left_out is not None:
            distances[left_out[probes.walks[part]][:, gallery.walks[order]]] = np.inf
        np.negative(np.minimum.reduceat(distances, starts, axis=1), out=scores[part])
        parts.append(retrieve(distances, owners, probes.people[part]))
        told(min(part.stop, len(probes)) / len(probes))
    return Answers(
        ranks=np.concatenate([part.first_rank for part in parts]),
        named=scores.argmax(axis=1),
        scores=scores,
        average_precision=np.concatenate([part.average_precision for part in parts]),
        inverse_penalty=np.concatenate([part.inverse_penalty for part in parts]),
    )
