"""Open-set metrics in the terms of ISO/IEC 19795-1: searches of enrolled and of unenrolled people.

A search returns the best candidate if its score reaches a threshold. FNIR is the share of *mated* searches
(the person is enrolled) that do not return that person: no candidate, or a wrong one. FPIR is the share of
*non-mated* searches that return a candidate. The DET curve has both at all thresholds. A comparison is one
probe against one person; comparisons have a false match rate and a false non-match rate.

Each figure takes `weights`, (P,), how often each of the P people counts: ones for the figure itself, other
numbers for a resample of the people (`tools.evaluation.metrics.bootstrap`). The means and medians of searches
take a weight for each search.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["DetCurve", "OpenSetSearches", "ScoreSeparation", "weighted_mean", "weighted_median"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class DetCurve:
    """Operating points of a set of searches, by rising threshold.

    Attributes:
        thresholds: (k,) lowest scores at which candidates are returned; the last is infinite.
        fpir: (k,) non-increasing.
        fnir: (k,) non-decreasing.
    """

    thresholds: Floats
    fpir: Floats
    fnir: Floats

    @property
    def eer(self) -> float:
        """Equal error rate of searches: the mean of FPIR and FNIR at the point where they differ least.

        Points are not interpolated; on ties the lowest threshold counts.
        """
        nearest = np.abs(self.fpir - self.fnir).argmin()
        return float(self.fpir[nearest] + self.fnir[nearest]) / 2

    def fnir_at(self, fpir: float) -> float:
        """FNIR at the lowest threshold with at most this FPIR."""
        return float(self.fnir[self._point(fpir)])

    def threshold_at(self, fpir: float) -> float:
        """The lowest threshold, one of the scores, with at most this FPIR."""
        return float(self.thresholds[self._point(fpir)])

    def _point(self, fpir: float) -> int:
        return int((self.fpir <= fpir + 1e-12).argmax())


class OpenSetSearches:
    """Mated and non-mated searches, and their DET curve for any weights of the people.

    The curve equals that of `sklearn.metrics.roc_curve` with sample weights, as tests check. The counts are
    computed once, because a bootstrap needs thousands of curves over the same scores.

    Args:
        mated: (n,) scores of the best candidates of mated searches; -inf where the candidate is wrong.
        mated_people: (n,) int64, the searched person, 0..P-1.
        non_mated: (m,) scores of the best candidates of non-mated searches.
        non_mated_people: (m,) int64, the searched person.
        people: P.
    """

    def __init__(
        self, mated: Floats, mated_people: Ints, non_mated: Floats, non_mated_people: Ints, people: int
    ) -> None:
        scores = np.concatenate([mated, non_mated])
        self._thresholds = np.append(np.unique(scores[np.isfinite(scores)]), np.inf)
        self._mated_hits, self._mated = self._count(mated, mated_people, people)
        self._false_positives, self._non_mated = self._count(non_mated, non_mated_people, people)

    def _count(self, scores: Floats, owners: Ints, people: int) -> tuple[Floats, Floats]:
        """Returns (P, k), each person's searches that reach each threshold, and (P,), all of them."""
        counts = _counts_reaching(scores, owners, self._thresholds, people)
        return counts, np.bincount(owners, minlength=people).astype(np.float64)

    def det(self, weights: Floats) -> DetCurve | None:
        """Returns all operating points; None without mated or without non-mated searches."""
        mated, non_mated = weights @ self._mated, weights @ self._non_mated
        if not mated or not non_mated:
            return None
        fpir = weights @ self._false_positives / non_mated
        return DetCurve(self._thresholds, fpir, 1 - weights @ self._mated_hits / mated)


class ScoreSeparation:
    """Separation of genuine from impostor scores, over comparisons.

    Args:
        genuine: (n,) scores of n searches against the searched person.
        impostor: (n, k) scores of the same searches against other people.
        owners: (n,) int64, the searched person, 0..P-1.
        people: P.
    """

    def __init__(self, genuine: Floats, impostor: Floats, owners: Ints, people: int) -> None:
        # Sums about a common origin give the moments for any weights without another pass over the scores.
        origin = impostor.mean() if impostor.size else 0.0
        self._sets = []
        for scores in (genuine[:, None] - origin, impostor - origin):
            each = (np.full(len(scores), scores.shape[1]), scores.sum(axis=1), (scores**2).sum(axis=1))
            self._sets.append([np.bincount(owners, values, people) for values in each])
        thresholds = np.unique(genuine)
        self._matches = _counts_reaching(genuine, owners, thresholds, people)
        impostor_owners = np.repeat(owners, impostor.shape[1])
        self._false_matches = _counts_reaching(impostor.ravel(), impostor_owners, thresholds, people)

    def d_prime(self, weights: Floats) -> float:
        """d': difference of the means divided by the root of the mean of both variances.

        NaN if all weights are zero or the scores do not vary.

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

        The mean of both rates where they differ least, over the genuine scores as thresholds; NaN if all
        weights are zero.

        Args:
            weights: (P,) how often each person counts.
        """
        genuine, impostor = (weights @ count for count, _, _ in self._sets)
        if not genuine or not impostor:
            return float("nan")
        false_non_match = 1 - weights @ self._matches / genuine
        false_match = weights @ self._false_matches / impostor
        nearest = np.abs(false_non_match - false_match).argmin()
        return float(false_non_match[nearest] + false_match[nearest]) / 2


def _counts_reaching(scores: Floats, owners: Ints, thresholds: Floats, people: int) -> Floats:
    """Returns (P, k), how many of each person's scores reach each of k rising thresholds."""
    reached = np.searchsorted(thresholds, scores, side="right")
    bins = np.bincount(owners * (len(thresholds) + 1) + reached, minlength=people * (len(thresholds) + 1))
    counts: Floats = bins.reshape(people, -1)[:, :0:-1].cumsum(axis=1)[:, ::-1].astype(np.float64)
    return counts


def weighted_mean(values: Floats | NDArray[np.bool_], weights: Floats) -> float:
    """Weighted mean of n values; NaN if all weights are zero."""
    return float((values * weights).sum() / weights.sum()) if weights.any() else float("nan")


def weighted_median(values: Floats, weights: Floats) -> float:
    """Weighted median: the smallest value with half of the weight at or below it; NaN if all are zero."""
    if not weights.any():
        return float("nan")
    order = np.argsort(values)
    summed = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(summed, summed[-1] / 2)])
