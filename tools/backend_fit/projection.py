"""Fits the projection of a back-end: whitened principal components."""

from __future__ import annotations

import numpy as np

from gallery.scoring.backend import Projection
from stream.body import FloatArray

__all__ = ["KEPT", "fit_projection"]

KEPT = 128
"""Directions kept. On KGBD people 61-100, 96 to 256 performed alike, 32 worse."""

_BLOCK = 8192


def fit_projection(cages: FloatArray, kept: int = KEPT) -> Projection:
    """Fits principal components, scaled so that the projected training data are white.

    All f places of a window share one projection.

    Args:
        cages: (n, f, D) float32.
        kept: number of components, those of the largest variance; at most D.

    Returns:
        A projection with K = min(kept, D) directions.

    Raises:
        ValueError: the CAGEs do not vary in that many directions.
    """
    rows = cages.reshape(-1, cages.shape[-1])
    kept = min(kept, rows.shape[1])
    mean = rows.mean(axis=0, dtype=np.float64)
    scatter = np.zeros((len(mean), len(mean)))
    for start in range(0, len(rows), _BLOCK):
        centred = rows[start : start + _BLOCK] - mean
        scatter += centred.T @ centred
    variances, vectors = np.linalg.eigh(scatter / (len(rows) - 1))
    variances, vectors = variances[::-1][:kept], vectors[:, ::-1][:, :kept]
    if not variances[-1] > 1e-12 * variances[0]:
        raise ValueError(f"cages: expected them to vary in {kept} directions; give more windows")
    # The sign of a component is arbitrary; the solver's choice differs between machines.
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(kept)])
    matrix = vectors * (signs / np.sqrt(variances))
    return Projection(mean.astype(np.float32), np.ascontiguousarray(matrix, dtype=np.float32))
