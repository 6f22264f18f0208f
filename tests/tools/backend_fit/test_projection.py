"""Fitting a projection: whitened components of the largest variance."""

from __future__ import annotations

import numpy as np
import pytest

from tools.backend_fit.projection import fit_projection

RANDOM = np.random.default_rng(11)


def coloured(windows: int, f: int, d: int) -> np.ndarray:
    """Returns correlated numbers far from the origin, with standard deviations over four powers of ten."""
    mixed = RANDOM.standard_normal((windows, f, d)) * np.logspace(0, -4, d)
    rotation, _ = np.linalg.qr(RANDOM.standard_normal((d, d)))
    return np.asarray(mixed @ rotation + 3, np.float32)


@pytest.mark.parametrize("kept", [12, 5])
def test_projected_training_data_are_white(kept: int) -> None:
    cages = coloured(2000, 6, 12)
    projection = fit_projection(cages, kept)
    assert projection.matrix.shape == (12, kept)
    assert projection.matrix.dtype == projection.mean.dtype == np.float32
    out = (cages.reshape(-1, 12).astype(np.float64) - projection.mean) @ projection.matrix
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=0.01)
    np.testing.assert_allclose(np.cov(out.T), np.eye(kept), atol=0.01)


def test_the_directions_of_largest_variance_are_kept() -> None:
    cages = (RANDOM.standard_normal((500, 6, 4)) * [1, 30, 0.1, 5]).astype(np.float32)
    matrix = fit_projection(cages, 2).matrix
    assert np.abs(matrix * np.array([1, 30, 0.1, 5])[:, None]).argmax(axis=0).tolist() == [1, 3]
    assert matrix[1, 0] == pytest.approx(1 / 30, rel=0.1)


def test_the_order_of_windows_has_no_effect() -> None:
    cages = coloured(3000, 6, 8)
    reversed_order = fit_projection(cages[::-1].copy(), 8).matrix
    np.testing.assert_allclose(reversed_order, fit_projection(cages, 8).matrix, rtol=1e-3, atol=1e-2)


def test_cages_with_few_numbers_keep_all_directions() -> None:
    cages = coloured(500, 6, 12)
    np.testing.assert_array_equal(fit_projection(cages).matrix, fit_projection(cages, 12).matrix)


def test_too_few_windows_are_refused() -> None:
    with pytest.raises(ValueError, match="vary in 12 directions"):
        fit_projection(coloured(1, 6, 12), 12)
