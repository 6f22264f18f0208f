"""How far a figure would have moved with other people: percentile bootstrap over people."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["DRAWS", "FEW", "Estimate", "estimates"]

DRAWS = 1000
"""How often the people are drawn anew."""

FEW = 20
"""Of fewer people, or walks, a figure is too little to conclude from."""

Floats = NDArray[np.float64]

Estimate = tuple[float, float, float]
"""A figure, and the low and the high end of its 95 % interval."""


def estimates(
    figures: Callable[[Floats], Mapping[str, float]], people: int, seed: int, draws: int = DRAWS
) -> dict[str, Estimate | None]:
    """Figures with 95 % intervals: people are drawn with replacement, all that is one person's together.

    Searches of one person are alike, so that drawing searches would promise more than so few people can. A
    draw in which a figure is not defined says nothing of it.

    Args:
        figures: by name, of the people's weights (P,): how often each of them counts; NaN where undefined.
        people: P.
        seed: of the draws.
        draws: how many.

    Returns:
        By name; None where the figure is not defined for the people as they are.
    """
    random = np.random.default_rng(seed)
    drawn = random.multinomial(people, np.full(people, 1 / people), size=draws).astype(np.float64)
    values = figures(np.ones(people))
    again = [figures(weights) for weights in drawn]
    found: dict[str, Estimate | None] = {}
    for name, value in values.items():
        each = np.array([draw[name] for draw in again])
        each = each[~np.isnan(each)]
        defined = not np.isnan(value) and len(each) > 0
        low, high = np.quantile(each, [0.025, 0.975]) if defined else (np.nan, np.nan)
        found[name] = (float(value), float(low), float(high)) if defined else None
    return found
