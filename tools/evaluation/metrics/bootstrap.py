"""Confidence intervals of figures: percentile bootstrap over people."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["MIN_SAMPLE_SIZE", "RESAMPLES", "Estimate", "bootstrap_estimates", "percent_text"]

RESAMPLES = 1000
"""Bootstrap resamples."""

MIN_SAMPLE_SIZE = 20
"""Below this number of people or walks, a figure supports no conclusion."""

Floats = NDArray[np.float64]

Estimate = tuple[float, float, float]
"""A figure, and the lower and upper bound of its 95 % interval."""


def bootstrap_estimates(
    figures: Callable[[Floats], Mapping[str, float]], people: int, seed: int, resamples: int = RESAMPLES
) -> dict[str, Estimate | None]:
    """Returns figures with 95 % intervals; people are resampled with replacement, with all their searches.

    Searches of one person are correlated, so resampling searches would give intervals that are too narrow.
    Resamples in which a figure is undefined are left out of its interval.

    Args:
        figures: computes the figures, by name, from the weights (P,) of the people: how often each counts.
            NaN where a figure is undefined.
        people: P.
        seed: seed of the resampling.
        resamples: number of resamples.

    Returns:
        The estimates by name; None where the figure is undefined with all weights 1.
    """
    random = np.random.default_rng(seed)
    drawn = random.multinomial(people, np.full(people, 1 / people), size=resamples).astype(np.float64)
    values = figures(np.ones(people))
    resampled = [figures(weights) for weights in drawn]
    found: dict[str, Estimate | None] = {}
    for name, value in values.items():
        samples = np.array([resample[name] for resample in resampled])
        samples = samples[~np.isnan(samples)]
        defined = not np.isnan(value) and len(samples) > 0
        low, high = np.quantile(samples, [0.025, 0.975]) if defined else (np.nan, np.nan)
        found[name] = (float(value), float(low), float(high)) if defined else None
    return found


def percent_text(estimate: Estimate | None, unit: str = "") -> str:
    """Returns a share with its interval in percent, as in `93.6 (80.9-100.0)`; `none` without one.

    Args:
        estimate: of a share, 0..1.
        unit: follows the figure.
    """
    if estimate is None:
        return "none"
    value, low, high = (100 * each for each in estimate)
    return f"{value:.1f}{unit} ({low:.1f}-{high:.1f})"
