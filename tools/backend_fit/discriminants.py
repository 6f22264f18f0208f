"""Linear discriminants: directions of the largest variance between people, relative to that within."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from stream.body import FloatArray

__all__ = ["Scatter", "discriminants", "scatter_of", "shrink_covariance"]

_MIN_VARIANCE = 1e-12

Floats = NDArray[np.float64]
Owners = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Scatter:
    """Covariances of rows of D numbers; all walks have the same weight, and so have all people.

    Attributes:
        within_walks: (D, D) around the mean of each walk.
        between_walks: (D, D) of walks' means around their person's mean; zeros if no person has two walks.
        between_people: (D, D) of people's means around their common mean.
        people: number of people.
    """

    within_walks: Floats
    between_walks: Floats
    between_people: Floats
    people: int


def scatter_of(rows: FloatArray, walks: Owners, people: Owners) -> Scatter:
    """Returns the scatter of rows (n, D).

    Args:
        rows: (n, D), several of each walk.
        walks: (n,) label of each row's walk; no two people share one.
        people: (n,) label of each row's person.
    """
    names, first = np.unique(walks, return_index=True)
    within = np.zeros((rows.shape[1], rows.shape[1]))
    means = np.zeros((len(names), rows.shape[1]))
    for place, name in enumerate(names):
        own = rows[walks == name].astype(np.float64)
        means[place] = own.mean(axis=0)
        own -= means[place]
        within += own.T @ own / (len(own) * len(names))
    _, owner = np.unique(people[first], return_inverse=True)
    persons = np.stack([means[owner == person].mean(axis=0) for person in range(owner.max() + 1)])
    centred = means - persons[owner]
    between = centred.T @ centred / max(1, len(means) - len(persons))
    between_people = np.atleast_2d(np.cov(persons, rowvar=False, ddof=0))
    return Scatter(within, between, between_people, len(persons))


def shrink_covariance(covariance: Floats, shrinkage: float) -> Floats:
    """Shrinks a covariance (D, D) towards its diagonal."""
    diagonal = np.maximum(np.diag(covariance), _MIN_VARIANCE)
    found: Floats = (1 - shrinkage) * covariance + shrinkage * np.diag(diagonal)
    return found


def discriminants(within: Floats, between: Floats, count: int, shrinkage: float) -> Floats:
    """Returns directions (D, K) of unit variance within people and the largest variance between them.

    Args:
        within: (D, D) covariance within a person.
        between: (D, D) covariance between people.
        count: K, at most D.
        shrinkage: of `within`.
    """
    kept = [len(within) - min(count, len(within)), len(within) - 1]
    _, found = scipy.linalg.eigh(between, shrink_covariance(within, shrinkage), subset_by_index=kept)
    matrix: Floats = found[:, ::-1]
    return matrix
