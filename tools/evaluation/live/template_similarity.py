"""How much windows resemble people: to the nearest template window, part by part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.track_evidence import LEAST_WEIGHT, MAX_KEPT
from stream.body import FloatArray

__all__ = ["Likeness", "WalkTemplates", "kept_places", "person_means", "running_means"]

Likeness = Literal["product", "distance"]
"""Of two rows: their product, which of unit rows is the cosine; or minus their Euclidean distance."""

_BLOCK_NUMBERS = 16_000_000
"""Similarities held at once: 64 MB."""


def kept_places(windows: int) -> list[int]:
    """Which of a walk's windows are its templates: evenly spread, as many as an enrolment keeps at most."""
    step = 1
    while len(range(0, windows, step)) > MAX_KEPT:
        step *= 2
    return list(range(0, windows, step))


class WalkTemplates:
    """The template windows of W walks.

    Args:
        walks: of each walk its templates, (m, parts, D) float32, m at least 1.
        likeness: how parts are compared.
    """

    def __init__(self, walks: Sequence[FloatArray], likeness: Likeness) -> None:
        self.likeness: Likeness = likeness
        self.starts = np.concatenate(([0], np.cumsum([len(walk) for walk in walks])[:-1])).astype(np.intp)
        rows = np.concatenate(walks).transpose(1, 0, 2)
        # Shifting all changes no distance, and keeps |p|^2 + |t|^2 - 2pt from losing it in the rounding.
        self._centre = (
            rows.mean(axis=1, keepdims=True) if likeness == "distance" else np.zeros((1, 1, 1), np.float32)
        )
        self._rows: FloatArray = np.ascontiguousarray(rows - self._centre if likeness == "distance" else rows)
        self._squares: FloatArray = np.einsum("ptd,ptd->pt", self._rows, self._rows)

    def nearest(self, rows: FloatArray) -> FloatArray:
        """The likeness of windows to the nearest template of each walk, part by part.

        Args:
            rows: (n, parts, D) float32.

        Returns:
            (n, parts, W) float32.
        """
        block = max(1, _BLOCK_NUMBERS // self._squares.size)
        parts = [self._nearest(rows[start : start + block]) for start in range(0, len(rows), block)]
        return np.concatenate([np.empty((0, len(self._rows), len(self.starts)), np.float32), *parts])

    def _nearest(self, rows: FloatArray) -> FloatArray:
        asked = rows.transpose(1, 2, 0)
        if self.likeness == "distance":
            asked = asked - self._centre.transpose(0, 2, 1)
        found: FloatArray = np.matmul(self._rows, asked)
        if self.likeness == "distance":
            found *= np.float32(2)
            found -= self._squares[:, :, None]
        best: FloatArray = np.maximum.reduceat(found, self.starts, axis=1).transpose(2, 0, 1)
        if self.likeness == "distance":
            squares = np.einsum("pdn,pdn->np", asked, asked)[:, :, None]
            best = -np.sqrt(np.maximum(squares - best, np.float32(0)))
        return best


def person_means(
    nearest: FloatArray, columns: NDArray[np.intp], starts: NDArray[np.intp], quality: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A walk's likeness to people, of whom each has some of the template walks.

    A window's likeness is the mean over its parts of the part's likeness to the person's nearest template;
    a track's is the mean over its windows by their quality (`gallery.scoring.similarity`,
    `gallery.scoring.track_evidence`).

    Args:
        nearest: (n, parts, W), see `WalkTemplates.nearest`.
        columns: which walks are compared, person by person.
        starts: (P,) where each person's begin in `columns`.
        quality: (n,) of the windows.

    Returns:
        (n, P) of each window, and (n, P) of the track after each.
    """
    best = np.maximum.reduceat(nearest[:, :, columns], starts, axis=2)
    windows: NDArray[np.float64] = best.mean(axis=1, dtype=np.float64)
    return windows, running_means(windows, quality)


def running_means(windows: NDArray[np.float64], quality: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, P) the means of scores (n, P) after each window, weighed by quality (n,)."""
    weights = np.maximum(quality, LEAST_WEIGHT)[:, None]
    means: NDArray[np.float64] = np.cumsum(weights * windows, axis=0) / np.cumsum(weights, axis=0)
    return means
