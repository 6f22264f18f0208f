"""Similarity of windows to the nearest template of each walk and person, part by part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.track_scores import MAX_TEMPLATES, MIN_WEIGHT
from stream.body import FloatArray

__all__ = ["Similarity", "WalkTemplates", "person_scores", "running_means", "template_places"]

Similarity = Literal["product", "distance"]
"""Of two rows: their inner product (cosine similarity of unit rows), or minus their Euclidean distance."""

_BLOCK_NUMBERS = 16_000_000
"""Similarities held at once: 64 MB."""


def template_places(windows: int) -> list[int]:
    """Returns the windows of a walk that become its templates: evenly spread, as many as are enrolled."""
    step = 1
    while len(range(0, windows, step)) > MAX_TEMPLATES:
        step *= 2
    return list(range(0, windows, step))


class WalkTemplates:
    """The template windows of W walks.

    Args:
        walks: the templates of each walk, (m, parts, D) float32, m at least 1.
        similarity: how parts are compared.
    """

    def __init__(self, walks: Sequence[FloatArray], similarity: Similarity) -> None:
        self.similarity: Similarity = similarity
        self.starts = np.concatenate(([0], np.cumsum([len(walk) for walk in walks])[:-1])).astype(np.intp)
        rows = np.concatenate(walks).transpose(1, 0, 2)
        # A common shift changes no distance, and reduces the rounding error of |p|^2 + |t|^2 - 2pt.
        self._centre = (
            rows.mean(axis=1, keepdims=True) if similarity == "distance" else np.zeros((1, 1, 1), np.float32)
        )
        self._rows: FloatArray = np.ascontiguousarray(
            rows - self._centre if similarity == "distance" else rows
        )
        self._squares: FloatArray = np.einsum("ptd,ptd->pt", self._rows, self._rows)

    def nearest(self, rows: FloatArray) -> FloatArray:
        """Returns the similarity of windows to the nearest template of each walk, part by part.

        Args:
            rows: (n, parts, D) float32.

        Returns:
            (n, parts, W) float32.
        """
        block = max(1, _BLOCK_NUMBERS // self._squares.size)
        parts = [self._nearest(rows[start : start + block]) for start in range(0, len(rows), block)]
        return np.concatenate([np.empty((0, len(self._rows), len(self.starts)), np.float32), *parts])

    def _nearest(self, rows: FloatArray) -> FloatArray:
        probes = rows.transpose(1, 2, 0)
        if self.similarity == "distance":
            probes = probes - self._centre.transpose(0, 2, 1)
        found: FloatArray = np.matmul(self._rows, probes)
        if self.similarity == "distance":
            found *= np.float32(2)
            found -= self._squares[:, :, None]
        best: FloatArray = np.maximum.reduceat(found, self.starts, axis=1).transpose(2, 0, 1)
        if self.similarity == "distance":
            squares = np.einsum("pdn,pdn->np", probes, probes)[:, :, None]
            best = -np.sqrt(np.maximum(squares - best, np.float32(0)))
        return best


def person_scores(
    nearest: FloatArray, columns: NDArray[np.intp], starts: NDArray[np.intp], quality: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns a walk's similarity to people, each of whom owns some of the template walks.

    A window's similarity is the mean over its parts of the similarity to the person's nearest template;
    a track's is the mean over its windows, weighted by quality (`gallery.scoring.similarity`,
    `gallery.scoring.track_scores`).

    Args:
        nearest: (n, parts, W), see `WalkTemplates.nearest`.
        columns: the walks compared, person by person.
        starts: (P,) where each person's walks begin in `columns`.
        quality: (n,) of the windows.

    Returns:
        (n, P) of each window, and (n, P) of the track after each window.
    """
    best = np.maximum.reduceat(nearest[:, :, columns], starts, axis=2)
    windows: NDArray[np.float64] = best.mean(axis=1, dtype=np.float64)
    return windows, running_means(windows, quality)


def running_means(windows: NDArray[np.float64], quality: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the running means (n, P) of scores (n, P), weighted by quality (n,)."""
    weights = np.maximum(quality, MIN_WEIGHT)[:, None]
    means: NDArray[np.float64] = np.cumsum(weights * windows, axis=0) / np.cumsum(weights, axis=0)
    return means
