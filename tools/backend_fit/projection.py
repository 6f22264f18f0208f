"""Fitting the projection of a back-end: principal components, whitened."""

from __future__ import annotations

import numpy as np

from gallery.scoring.backend import Projection
from stream.body import FloatArray

__all__ = ["KEPT", "fit_projection"]

KEPT = 128
"""Directions that are kept. On KGBD's people 61-100, 96 to 256 did alike, 32 worse."""

_BLOCK = 8192


def fit_projection(cages: FloatArray, kept: int = KEPT) -> Projection:
    """Principal components, scaled so that what they are fitted on comes out white.

    All f places of a window share one projection.

    Args:
        cages: (n, f, D) float32.
        kept: how many components, those of the largest variance; all D where there are no more.

    Returns:
        With K = min(kept, D) directions.

    Raises:
        ValueError: the cages do not vary in so many directions.
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
    # Either sign of a component serves, and the solver's choice of it is no one's.
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(kept)])
    matrix = vectors * (signs / np.sqrt(variances))
    return Projection(mean.astype(np.float32), np.ascontiguousarray(matrix, dtype=np.float32))
