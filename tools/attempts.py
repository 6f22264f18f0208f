"""Figures of an open set: people who are enrolled and strangers, before one gallery or many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Attempts", "interval"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Attempts:
    """Walks before galleries, all after the same time.

    Every figure takes `weights`, (P,), how often each of the P people counts: ones for the figure itself,
    other numbers to draw the people anew (see `interval`).

    Attributes:
        scores: (n,) of enrolled people's walks: the best candidate's, where that is the right one, else -inf.
        people: (n,) int64, who walks, 0..P-1.
        named: (n, R) whether they were named, by their own name, at each of R thresholds.
        stranger_scores: (m,) the best candidate's, of strangers' walks.
        strangers: (m,) int64, who walks.
        strangers_named: (m, R) whether they were named at each threshold.
        ever_named: (m, R) whether they were named then or at any moment before.
    """

    scores: Floats
    people: Ints
    named: Bools
    stranger_scores: Floats
    strangers: Ints
    strangers_named: Bools
    ever_named: Bools

    def eer(self, weights: Floats) -> float:
        """Equal error rate: FPIR and FNIR at the threshold where they differ least, averaged."""
        thresholds = np.unique(np.concatenate([self.stranger_scores, self.scores[np.isfinite(self.scores)]]))
        fpir = 1 - _share_up_to(self.stranger_scores, weights[self.strangers], thresholds)
        fnir = _share_up_to(self.scores, weights[self.people], thresholds)
        nearest = np.abs(fpir - fnir).argmin()
        return float(fpir[nearest] + fnir[nearest]) / 2

    def fnir_at(self, fpir: float, weights: Floats) -> float:
        """False negative identification rate at the lowest threshold that names no more strangers.

        Args:
            fpir: the part of strangers' walks that may be named.
            weights: see the class.
        """
        thresholds = np.unique(self.stranger_scores)
        named = 1 - _share_up_to(self.stranger_scores, weights[self.strangers], thresholds)
        lowest = thresholds[int((named <= fpir + 1e-12).argmax())]
        return float(_share_up_to(self.scores, weights[self.people], np.array([lowest]))[0])

    def fnir(self, threshold: int, weights: Floats) -> float:
        """The part of enrolled people's walks not named rightly at one of the R thresholds."""
        return 1 - _mean(self.named[:, threshold], weights[self.people])

    def fpir(self, threshold: int, weights: Floats, *, ever: bool = False) -> float:
        """The part of strangers' walks that is named at one of the R thresholds, or `ever` was until then."""
        named = self.ever_named if ever else self.strangers_named
        return _mean(named[:, threshold], weights[self.strangers])


def interval(
    figure: Callable[[Floats], float], people: int, seed: int, draws: int = 1000
) -> tuple[float, float]:
    """95 % interval of a figure by bootstrap over people: all walks of one are drawn together, or none.

    Args:
        figure: of the people's weights, (P,).
        people: P.
        seed: of the draws.
        draws: how many.
    """
    random = np.random.default_rng(seed)
    drawn = random.multinomial(people, np.full(people, 1 / people), size=draws).astype(np.float64)
    low, high = np.quantile([figure(weights) for weights in drawn], [0.025, 0.975])
    return float(low), float(high)


def _share_up_to(scores: Floats, weights: Floats, thresholds: Floats) -> Floats:
    """The weighted part of scores that does not exceed each threshold: a score on it is not named."""
    order = np.argsort(scores, kind="stable")
    summed = np.concatenate([[0.0], np.cumsum(weights[order])])
    share: Floats = summed[np.searchsorted(scores[order], thresholds, side="right")] / summed[-1]
    return share


def _mean(hits: Bools, weights: Floats) -> float:
    return float((hits * weights).sum() / weights.sum())
