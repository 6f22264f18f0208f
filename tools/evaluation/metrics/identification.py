"""Figures of identification, and what exactly each of them is.

Two kinds of result are counted. *Matching*: every probe has a distance to every item of the gallery, and
several items may be the probe's own person. *Classification*: every probe has one score for each of C people;
it is matching with the negative scores as distances and one correct item a probe.

Of equal distances the wrong item comes first: a tie is not recognition, and no figure depends on the order
in which a gallery happens to be stored.
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
    "vote",
]

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Retrieval:
    """How well each of n probes finds its own person in the gallery.

    Attributes:
        first_rank: (n,) int64, from 1: the place of the nearest correct item among all items.
        average_precision: (n,) in 0..1: the mean, over the probe's correct items, of the precision among all
            items that are no farther away than that one. Its mean over probes is mAP; equal to
            scikit-learn's `average_precision_score` of the negative distances, ties included.
        inverse_penalty: (n,) in 0..1: the number of correct items divided by the place of the farthest one.
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
    """Look for each probe's own person in the gallery.

    Args:
        distances: (n, m) float32, of n probes to m gallery items; infinity where the two are not compared.
        gallery: (m,) whose the items are.
        probes: (n,) whose the probes are; each is compared with at least one item of the same person.

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
    if lacking := [person for person, own in items.items() if not len(own)]:
        raise ValueError(f"gallery: has no item of {lacking[0]}, who is among the probes")
    ordered = np.sort(distances, axis=1)
    first = np.empty(len(people), np.int64)
    precision = np.empty(len(people))
    penalty = np.empty(len(people))
    for row, person in enumerate(people):
        own = np.sort(distances[row, items[person]])
        own = own[: np.searchsorted(own, np.inf)]
        if not len(own):
            raise ValueError(f"probe {row}: is compared with no item of {person}")
        # Items no farther than each correct one, and the correct ones among them; equal ones all count.
        places = np.searchsorted(ordered[row], own, side="right")
        found = np.searchsorted(own, own, side="right")
        first[row] = places[0] - found[0] + 1
        precision[row] = (found / places).mean()
        penalty[row] = len(own) / places[-1]
    return Retrieval(first, precision, penalty)


def class_ranks(scores: FloatArray, labels: ArrayLike) -> IntArray:
    """The place, from 1, of the right one among C people, for each of n probes.

    Args:
        scores: (n, C), higher is likelier; finite.
        labels: (n,) int, the right column of each probe.

    Returns:
        (n,) int64; a person with an equal score comes first.

    Raises:
        ValueError: a score is not finite.
    """
    if not np.isfinite(scores).all():
        raise ValueError("scores: expected finite numbers, got NaN or infinity")
    right = np.take_along_axis(scores, np.asarray(labels)[:, None], axis=1)
    ranks: IntArray = (scores >= right).sum(axis=1, dtype=np.int64)
    return ranks


def rank_k(ranks: ArrayLike, k: int) -> float:
    """Rank-k: the part of the probes, 0..1, whose person is found at place k or before."""
    return float((np.asarray(ranks) <= k).mean())


def cmc(ranks: ArrayLike, length: int) -> NDArray[np.float64]:
    """Cumulative matching characteristic: Rank-k for k = 1 to `length`; (length,), not decreasing."""
    places = np.asarray(ranks)
    counts = np.bincount(places[places <= length], minlength=length + 1)[1:]
    curve: NDArray[np.float64] = np.cumsum(counts) / len(places)
    return curve


def nauc_cmc(ranks: ArrayLike, people: int) -> float:
    """Area under the CMC, normalised by the number of ranks (paper, Sec. 4.2), 0..1.

    The curve has a value at each of C ranks and none between, so its normalised area is their mean, which is
    1 - (mean rank - 1) / C. Guessing gives (C + 1) / 2C, a little over one half. What the authors' code
    prints as nAUC is another figure, `roc_auc_micro`.

    Args:
        ranks: (n,) from 1, the place of the right one among all people.
        people: C.
    """
    return float(cmc(ranks, people).mean())


def roc_auc_micro(scores: FloatArray, labels: ArrayLike) -> float:
    """Area under the ROC curve, micro-averaged one against the rest, 0..1: the published code's "nAUC".

    Every (probe, person) pair is one decision, positive where the person is the right one; the area is the
    probability that a random positive pair scores higher than a random negative one. One scale of scores for
    all probes is taken for granted, and ranks play no part.

    Args:
        scores: (n, C), C at least 2.
        labels: (n,) int, the right column of each probe.
    """
    positive = np.arange(scores.shape[1]) == np.asarray(labels)[:, None]
    return float(roc_auc_score(positive.ravel(), scores.ravel()))


def vote(named: ArrayLike, walks: ArrayLike, owners: ArrayLike) -> float:
    """Rank-1 of whole walks, 0..1: each window names one person, and the most named one counts.

    Args:
        named: (n,) the person named by each window.
        walks: (n,) the walk of each window.
        owners: (n,) who walks.

    Returns:
        The part of the walks whose walker was named more often than any other: a draw counts as wrong.
    """
    voices, walk = np.asarray(named), np.asarray(walks)
    names = np.asarray(owners)
    right = 0
    _, first, walk_of = np.unique(walk, return_index=True, return_inverse=True)
    for number, start in enumerate(first):
        people, counts = np.unique(voices[walk_of == number], return_counts=True)
        most = people[counts == counts.max()]
        right += len(most) == 1 and bool(most[0] == names[start])
    return right / len(first)
