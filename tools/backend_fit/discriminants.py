"""Linear discriminants: directions in which people differ most, measured by what one person varies in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from stream.body import FloatArray

__all__ = ["Scatter", "discriminants", "scatter_of", "shrunk"]

_LEAST_VARIANCE = 1e-12

Floats = NDArray[np.float64]
Owners = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Scatter:
    """How rows of D numbers vary; each walk counts alike, and so does each person.

    Attributes:
        within_walks: (D, D) about the mean of their walk.
        between_walks: (D, D) of walks' means about their person's; zeros where nobody has two.
        between_people: (D, D) of people's means about everybody's.
        people: how many.
    """

    within_walks: Floats
    between_walks: Floats
    between_people: Floats
    people: int


def scatter_of(rows: FloatArray, walks: Owners, people: Owners) -> Scatter:
    """Measure how rows (n, D) vary.

    Args:
        rows: describe something of a walk each.
        walks: (n,) which walk; no two people share one.
        people: (n,) who walks.
    """
    names, first = np.unique(walks, return_index=True)
    within = np.zeros((rows.shape[1], rows.shape[1]))
    means = np.zeros((len(names), rows.shape[1]))
    for place, name in enumerate(names):
        own = rows[walks == name].astype(np.float64)
        means[place] = own.mean(axis=0)
        own -= means[place]
        within += own.T @ own / (len(own) * len(names))
    _, whose = np.unique(people[first], return_inverse=True)
    persons = np.stack([means[whose == person].mean(axis=0) for person in range(whose.max() + 1)])
    moved = means - persons[whose]
    between = moved.T @ moved / max(1, len(means) - len(persons))
    apart = np.atleast_2d(np.cov(persons, rowvar=False, ddof=0))
    return Scatter(within, between, apart, len(persons))


def shrunk(covariance: Floats, shrinkage: float) -> Floats:
    """A covariance (D, D), a share of it as if each number varied for itself."""
    alone = np.maximum(np.diag(covariance), _LEAST_VARIANCE)
    found: Floats = (1 - shrinkage) * covariance + shrinkage * np.diag(alone)
    return found


def discriminants(within: Floats, between: Floats, most: int, shrinkage: float) -> Floats:
    """(D, K) directions of unit variance within people, and most between them.

    Args:
        within: (D, D), how a person varies.
        between: (D, D), how people differ.
        most: K, at most.
        shrinkage: of `within`.
    """
    count = min(most, len(within))
    kept = [len(within) - count, len(within) - 1]
    _, found = scipy.linalg.eigh(between, shrunk(within, shrinkage), subset_by_index=kept)
    matrix: Floats = found[:, ::-1]
    return matrix
