"""Figures of an open set, in the terms of ISO/IEC 19795-1: searches for people who are enrolled or are not.

A search returns one candidate, the best, where its score reaches a threshold. FNIR is the part of *mated*
searches (who is searched for is enrolled) that does not return that person: nobody, or somebody else. FPIR is
the part of *non-mated* searches that returns anybody. Both at all thresholds are the DET curve. A comparison
is one probe against one person; of all of them there are the false match rate and the false non-match rate.

Every figure takes `weights`, (P,), how often each of the P people counts: ones for the figure itself, other
numbers to draw the people anew (`tools.evaluation.metrics.bootstrap`). What is counted search by search takes
a weight for each search.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Det", "OpenSet", "Separation", "weighted_mean", "weighted_median"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Det:
    """The operating points of a set of searches, from the lowest threshold to the highest.

    Attributes:
        thresholds: (k,) scores from which candidates are returned; the last is infinite.
        fpir: (k,) not growing.
        fnir: (k,) not falling.
    """

    thresholds: Floats
    fpir: Floats
    fnir: Floats

    @property
    def eer(self) -> float:
        """Equal error rate of searches: the mean of FPIR and FNIR at the point where they differ least.

        Nothing is interpolated between points; of points that differ equally little, the lowest threshold's.
        """
        nearest = np.abs(self.fpir - self.fnir).argmin()
        return float(self.fpir[nearest] + self.fnir[nearest]) / 2

    def fnir_at(self, fpir: float) -> float:
        """FNIR at the lowest threshold at which FPIR is no more than this."""
        return float(self.fnir[self._place(fpir)])

    def threshold_at(self, fpir: float) -> float:
        """The lowest threshold, one of the scores, at which FPIR is no more than this."""
        return float(self.thresholds[self._place(fpir)])

    def _place(self, fpir: float) -> int:
        return int((self.fpir <= fpir + 1e-12).argmax())


class OpenSet:
    """Searches at one moment.

    The curve is that of `sklearn.metrics.roc_curve` with sample weights, and the tests hold it to that; but
    from counts that are made once, because a bootstrap asks for thousands of curves over the same scores.

    Args:
        mated: (n,) scores of the best candidates of mated searches, where that is the right one, else -inf.
        mated_people: (n,) int64, who walks, 0..P-1.
        other: (m,) scores of the best candidates of non-mated searches.
        other_people: (m,) int64, who walks.
        people: P.
    """

    def __init__(
        self, mated: Floats, mated_people: Ints, other: Floats, other_people: Ints, people: int
    ) -> None:
        scores = np.concatenate([mated, other])
        self._thresholds = np.append(np.unique(scores[np.isfinite(scores)]), np.inf)
        self._mated, self._searches = self._reached(mated, mated_people, people)
        self._other, self._others = self._reached(other, other_people, people)

    def _reached(self, scores: Floats, owners: Ints, people: int) -> tuple[Floats, Floats]:
        """(P, k) how many of a person's searches reach each threshold, and (P,) how many there are."""
        counts = _counts_from(scores, owners, self._thresholds, people)
        return counts, np.bincount(owners, minlength=people).astype(np.float64)

    def det(self, weights: Floats) -> Det | None:
        """All operating points; None without searches of either sort."""
        searches, others = weights @ self._searches, weights @ self._others
        if not searches or not others:
            return None
        return Det(self._thresholds, weights @ self._other / others, 1 - weights @ self._mated / searches)


class Separation:
    """How far scores against the right person lie from scores against others, comparison by comparison.

    Args:
        genuine: (n,) of n searches, against who is searched for.
        impostor: (n, k) of the same searches, against others.
        owners: (n,) int64, who walks, 0..P-1.
        people: P.
    """

    def __init__(self, genuine: Floats, impostor: Floats, owners: Ints, people: int) -> None:
        # Sums around one origin for both sets give the moments for any weights, without looking at all again.
        origin = impostor.mean() if impostor.size else 0.0
        self._sets = []
        for scores in (genuine[:, None] - origin, impostor - origin):
            each = (np.full(len(scores), scores.shape[1]), scores.sum(axis=1), (scores**2).sum(axis=1))
            self._sets.append([np.bincount(owners, values, people) for values in each])
        thresholds = np.unique(genuine)
        self._accepted = _counts_from(genuine, owners, thresholds, people)
        others = np.repeat(owners, impostor.shape[1])
        self._mistaken = _counts_from(impostor.ravel(), others, thresholds, people)

    def d_prime(self, weights: Floats) -> float:
        """How many standard deviations lie between both means; the root of the mean of both variances.

        NaN where nothing counts or nothing varies.

        Args:
            weights: (P,) how often each person counts.
        """
        totals = [weights @ count for count, _, _ in self._sets]
        if not all(totals):
            return float("nan")
        means, variances = [], []
        for total, (_, sums, squares) in zip(totals, self._sets, strict=True):
            means.append(weights @ sums / total)
            variances.append(weights @ squares / total - means[-1] ** 2)
        spread = np.sqrt(max(float(np.mean(variances)), 0.0))
        return float((means[0] - means[1]) / spread) if spread > 0 else float("nan")

    def eer(self, weights: Floats) -> float:
        """Equal error rate of comparisons: the false match rate where it equals the false non-match rate.

        The mean of both where they differ least, of the thresholds that are genuine scores; NaN where nothing
        counts.

        Args:
            weights: (P,) how often each person counts.
        """
        genuine, impostor = (weights @ count for count, _, _ in self._sets)
        if not genuine or not impostor:
            return float("nan")
        missed = 1 - weights @ self._accepted / genuine
        matched = weights @ self._mistaken / impostor
        nearest = np.abs(missed - matched).argmin()
        return float(missed[nearest] + matched[nearest]) / 2


def _counts_from(scores: Floats, owners: Ints, thresholds: Floats, people: int) -> Floats:
    """(P, k) how many of each person's scores reach each of k growing thresholds."""
    reached = np.searchsorted(thresholds, scores, side="right")
    bins = np.bincount(owners * (len(thresholds) + 1) + reached, minlength=people * (len(thresholds) + 1))
    counts: Floats = bins.reshape(people, -1)[:, :0:-1].cumsum(axis=1)[:, ::-1].astype(np.float64)
    return counts


def weighted_mean(values: Floats | NDArray[np.bool_], weights: Floats) -> float:
    """The mean of n values, each counted as often as its weight says; NaN where none counts."""
    return float((values * weights).sum() / weights.sum()) if weights.any() else float("nan")


def weighted_median(values: Floats, weights: Floats) -> float:
    """The smallest of n values that at least half of the weight does not exceed; NaN where none counts."""
    if not weights.any():
        return float("nan")
    order = np.argsort(values)
    summed = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(summed, summed[-1] / 2)])
