"""Metrics of identification.

There are two kinds of result. *Matching*: each probe has a distance to each gallery item, and several items
may be of the probe's person. *Classification*: each probe has a score for each of C people; this is matching
with negative scores as distances and one correct item per probe.

On equal distances the wrong item ranks first: a tie is no identification, and no figure depends on the order
of the gallery.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

from stream.body import FloatArray

__all__ = [
    "IntArray",
    "Retrieval",
    "class_ranks",
    "cmc",
    "nauc_cmc",
    "rank_k",
    "retrieve",
    "roc_auc_micro",
    "walk_rank1",
]

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Retrieval:
    """Retrieval metrics of n probes.

    Attributes:
        first_rank: (n,) int64, from 1: the rank of the nearest correct item among all items.
        average_precision: (n,) in 0..1: the mean, over the probe's correct items, of the precision among all
            items at most as far away. Its mean over probes is mAP; equal to scikit-learn's
            `average_precision_score` of the negative distances, ties included.
        inverse_penalty: (n,) in 0..1: the number of correct items divided by the rank of the farthest one.
            Its mean over probes is mINP (Ye et al., "Deep Learning for Person Re-Identification: A Survey and
            Outlook", IEEE TPAMI 44(6), 2022, Eq. 12).
    """

    first_rank: IntArray
    average_precision: NDArray[np.float64]
    inverse_penalty: NDArray[np.float64]

    @property
    def map(self) -> float:
        """Mean average precision, 0..1."""
        return float(self.average_precision.mean())

    @property
    def minp(self) -> float:
        """Mean inverse negative penalty, 0..1."""
        return float(self.inverse_penalty.mean())


def retrieve(distances: FloatArray, gallery: ArrayLike, probes: ArrayLike) -> Retrieval:
    """Computes retrieval metrics from distances.

    Args:
        distances: (n, m) float32, from n probes to m gallery items; infinity where the two are not compared.
        gallery: (m,) person of each item.
        probes: (n,) person of each probe; each probe is compared with at least one item of its person.

    Raises:
        ValueError: a shape differs, a distance is NaN or minus infinity, or a probe is compared with no item
            of its person.
    """
    owners, people = np.asarray(gallery), np.asarray(probes)
    if distances.shape != (len(people), len(owners)):
        raise ValueError(f"distances: expected {(len(people), len(owners))}, got {distances.shape}")
    if not (distances > -np.inf).all():
        raise ValueError("distances: expected finite numbers, got NaN or minus infinity")
    items = {person: np.flatnonzero(owners == person) for person in np.unique(people)}
    if missing := [person for person, correct in items.items() if not len(correct)]:
        raise ValueError(f"gallery: has no item of {missing[0]}, a person of the probes")
    ordered = np.sort(distances, axis=1)
    first = np.empty(len(people), np.int64)
    precision = np.empty(len(people))
    penalty = np.empty(len(people))
    for row, person in enumerate(people):
        correct = np.sort(distances[row, items[person]])
        correct = correct[: np.searchsorted(correct, np.inf)]
        if not len(correct):
            raise ValueError(f"probe {row}: is compared with no item of {person}")
        # Items at most as far as each correct one, and the correct ones among them; ties all count.
        places = np.searchsorted(ordered[row], correct, side="right")
        found = np.searchsorted(correct, correct, side="right")
        first[row] = places[0] - found[0] + 1
        precision[row] = (found / places).mean()
        penalty[row] = len(correct) / places[-1]
    return Retrieval(first, precision, penalty)


def class_ranks(scores: FloatArray, labels: ArrayLike) -> IntArray:
    """Returns the rank, from 1, of the right person among C people for each of n probes.

    Args:
        scores: (n, C), higher is more likely; finite.
        labels: (n,) int, the right column of each probe.

    Returns:
        (n,) int64; another person with an equal score ranks first.

    Raises:
        ValueError: a score is not finite.
    """
    if not np.isfinite(scores).all():
        raise ValueError("scores: expected finite numbers, got NaN or infinity")
    right = np.take_along_axis(scores, np.asarray(labels)[:, None], axis=1)
    ranks: IntArray = (scores >= right).sum(axis=1, dtype=np.int64)
    return ranks


def rank_k(ranks: ArrayLike, k: int) -> float:
    """Rank-k: the share of probes, 0..1, with the right person at rank k or better."""
    return float((np.asarray(ranks) <= k).mean())


def cmc(ranks: ArrayLike, length: int) -> NDArray[np.float64]:
    """Cumulative matching characteristic: (length,), Rank-k for k = 1 to `length`."""
    places = np.asarray(ranks)
    counts = np.bincount(places[places <= length], minlength=length + 1)[1:]
    curve: NDArray[np.float64] = np.cumsum(counts) / len(places)
    return curve


def nauc_cmc(ranks: ArrayLike, people: int) -> float:
    """Area under the CMC, normalised by the number of ranks (paper, Sec. 4.2), 0..1.

    The curve has a value at each of C ranks and none between, so its normalised area is their mean, which is
    1 - (mean rank - 1) / C. Chance is (C + 1) / 2C, slightly above one half. The authors' code prints another
    figure as nAUC: `roc_auc_micro`.

    Args:
        ranks: (n,) from 1, the rank of the right person among all people.
        people: C.
    """
    return float(cmc(ranks, people).mean())


def roc_auc_micro(scores: FloatArray, labels: ArrayLike) -> float:
    """Area under the ROC curve, micro-averaged one against the rest, 0..1: the published code's "nAUC".

    Each (probe, person) pair is one decision, positive for the right person. The area is the probability that
    a random positive pair scores higher than a random negative one. It assumes the same scale of scores for
    all probes; ranks have no effect.

    Args:
        scores: (n, C), C at least 2.
        labels: (n,) int, the right column of each probe.
    """
    positive = np.arange(scores.shape[1]) == np.asarray(labels)[:, None]
    return float(roc_auc_score(positive.ravel(), scores.ravel()))


def walk_rank1(predicted: ArrayLike, walks: ArrayLike, people: ArrayLike) -> float:
    """Rank-1 of whole walks, 0..1, by a plurality vote of their windows.

    Args:
        predicted: (n,) the person predicted for each window.
        walks: (n,) the walk of each window.
        people: (n,) the true person of each window.

    Returns:
        The share of walks with more windows for the true person than for any other; a tie counts as wrong.
    """
    votes, walk, truth = np.asarray(predicted), np.asarray(walks), np.asarray(people)
    right = 0
    _, first, walk_of = np.unique(walk, return_index=True, return_inverse=True)
    for number, start in enumerate(first):
        candidates, counts = np.unique(votes[walk_of == number], return_counts=True)
        winners = candidates[counts == counts.max()]
        right += len(winners) == 1 and bool(winners[0] == truth[start])
    return right / len(first)
