"""Compares all probe windows with all gallery windows, block by block to bound the memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray
from tools.evaluation.methods import FeatureFunction, Metric, compute_features
from tools.evaluation.metrics.identification import Retrieval, retrieve
from tools.evaluation.protocols.results import Predictions
from tools.evaluation.splits.window_set import WindowSet

__all__ = ["distance_blocks", "match"]

_BLOCK_NUMBERS = 16_000_000
"""Distances in memory at once: 64 MB."""


def distance_blocks(
    probes: FloatArray, gallery: FloatArray, metric: Metric = "euclidean"
) -> Iterator[tuple[slice, FloatArray]]:
    """Yields the distances of blocks of probes to the whole gallery.

    Args:
        probes: (n, D) float32; changed in place.
        gallery: (m, D) float32; changed in place.
        metric: `euclidean`, squared (same ranking as its root), or `cosine`, 1 - cosine.

    Yields:
        The block's rows of `probes`, and their distances (block, m) float32.
    """
    if metric == "cosine":
        for rows in (probes, gallery):
            rows[:] /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))
    else:
        # Centring changes no distance, and avoids cancellation in |p|^2 + |g|^2 - 2pg.
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
    features: FeatureFunction,
    metric: Metric = "euclidean",
    progress: Callable[[float], object] = lambda _: None,
    *,
    excluded_pairs: NDArray[np.bool_] | None = None,
) -> Predictions:
    """Identifies the person of each probe window by its distances to all gallery windows.

    Args:
        probes: windows to identify.
        gallery: windows of known people; contains every person of the probes.
        features: computes the vectors that are compared.
        metric: the distance.
        progress: called after each block with the share of probes done.
        excluded_pairs: (probe walks, gallery walks), True where the windows of two walks are not compared,
            such as a walk with itself; None compares all.

    Raises:
        ValueError: the people of the two sets differ, a person has no gallery window, or a feature is not
            finite.
    """
    if probes.names != gallery.names:
        raise ValueError("probes and gallery: expected the same names of people")
    order = np.argsort(gallery.people, kind="stable")
    owners = gallery.people[order]
    people, starts = np.unique(owners, return_index=True)
    if len(people) < len(gallery.names):
        raise ValueError("gallery: expected a window of every person")
    gallery_features = compute_features(features, gallery.windows)[order]
    probe_features = compute_features(features, probes.windows)
    parts: list[Retrieval] = []
    scores = np.empty((len(probes), len(people)), np.float32)
    for part, distances in distance_blocks(probe_features, gallery_features, metric):
        if excluded_pairs is not None:
            distances[excluded_pairs[probes.walks[part]][:, gallery.walks[order]]] = np.inf
        np.negative(np.minimum.reduceat(distances, starts, axis=1), out=scores[part])
        parts.append(retrieve(distances, owners, probes.people[part]))
        progress(min(part.stop, len(probes)) / len(probes))
    return Predictions(
        ranks=np.concatenate([part.first_rank for part in parts]),
        predicted=scores.argmax(axis=1),
        scores=scores,
        average_precision=np.concatenate([part.average_precision for part in parts]),
        inverse_penalty=np.concatenate([part.inverse_penalty for part in parts]),
    )
