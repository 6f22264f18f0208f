"""Visit scores: the best score that a person who is not enrolled reaches at any moment of a visit.

A track is decided on ten times a second, and a stranger counts as named if any of these decisions names a
person. So thresholds come from the highest score over all decisions of a visit (a track), not from the score
at one moment. A score of few windows varies more, so the threshold after n windows is higher by
`boundary / sqrt(n)`, and the visit score is the highest score less that amount (a boundary of a sequential
test; Jennison and Turnbull, Group Sequential Methods, 2000).

`tools/backend_fit/visit_fit.py` measures visit scores on people and places that the fusion was not fitted on,
for galleries of several sizes, and stores their mean, deviation and upper tail: no data of any person.
`gallery.calibration` joins them with what the people of a gallery show.
"""

from __future__ import annotations

import math
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

__all__ = ["FIRST_WINDOWS", "Visit", "VisitScores", "above_boundary", "visit_of"]

FIRST_WINDOWS = 10
"""Windows of evidence before the first decision: one second."""

Floats = NDArray[np.float64]


class VisitScores(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Visit scores of strangers for one kind of sensor.

    Attributes:
        data: the people and walks measured, and what the fusion was fitted on.
        strangers: number of people.
        visits: number of visits to each size of gallery, at least.
        boundary: by how much the threshold after one window exceeds that of a long visit.
        people: ascending sizes of galleries.
        means: mean visit score for each size.
        deviations: standard deviation of visit scores for each size.
        tails: descending shares of visits.
        scores: the standardised visit score, (score - mean) / deviation, that each share exceeds.
        excess: mean excess of standardised visit scores over that of the last share.
        between_sites: standard deviation of the mean between sites, in `deviations`; 0 where no site differs.

    Raises:
        ValueError: the rows do not match.
    """

    data: str
    strangers: int
    visits: int
    boundary: float
    people: tuple[int, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    tails: tuple[float, ...]
    scores: tuple[float, ...]
    excess: float
    between_sites: float

    def __post_init__(self) -> None:
        if not 0 < len(self.people) == len(self.means) == len(self.deviations):
            raise ValueError("people, means and deviations: expected one entry each for every size")
        if self.people[0] != 1 or not all(a < b for a, b in pairwise(self.people)):
            raise ValueError("people: expected ascending numbers from 1")
        if min(self.deviations) <= 0 or min(self.boundary, self.excess, self.between_sites) < 0:
            raise ValueError("expected deviations above 0; boundary, excess and between_sites of at least 0")
        if not 0 < len(self.tails) == len(self.scores):
            raise ValueError("tails and scores: expected one entry each for every share")
        if not all(a > b for a, b in pairwise((1.0, *self.tails, 0.0))):
            raise ValueError("tails: expected descending shares between 1 and 0")
        if not all(a <= b for a, b in pairwise(self.scores)):
            raise ValueError("scores: expected ascending scores for descending shares")

    def mean(self, people: int) -> float:
        """Returns the mean visit score to a gallery of some people, at least 1.

        Interpolated over the logarithm of their number, and extended along its last step.
        """
        at, last = math.log(people), math.log(self.people[-1])
        found = float(np.interp(at, np.log(self.people), self.means))
        if at <= last or len(self.people) < 2:
            return found
        slope = (self.means[-1] - self.means[-2]) / (last - math.log(self.people[-2]))
        return found + max(0.0, slope) * (at - last)

    def deviation(self, people: int) -> float:
        """Returns the standard deviation of visit scores to a gallery of some people; see `mean`."""
        return float(np.interp(math.log(people), np.log(self.people), self.deviations))

    def exceeded_by(self, share: float) -> float:
        """Returns the standardised visit score that a share of strangers exceeds.

        Beyond the smallest share measured the tail is exponential (peaks over threshold; Davison and Smith,
        Journal of the Royal Statistical Society B 52, 1990).
        """
        depth, depths = -math.log(share), -np.log(self.tails)
        return float(np.interp(depth, depths, self.scores) + self.excess * max(0.0, depth - depths[-1]))

    def share_beyond(self, score: float) -> float:
        """Returns the share of strangers that exceed a standardised visit score: the inverse of the former.

        1 below the score that the largest share exceeds.
        """
        if score < self.scores[0]:
            return 1.0
        above = score - self.scores[-1]
        if above > 0:
            return self.tails[-1] * math.exp(-above / self.excess) if self.excess else 0.0
        return float(np.exp(np.interp(score, self.scores, np.log(self.tails))))

    def above(self, windows: int) -> float:
        """Returns by how much the threshold after a number of windows exceeds that of a long visit."""
        return self.boundary / math.sqrt(max(windows, 1))


class Visit(msgspec.Struct, frozen=True):
    """The best score of a visit.

    Attributes:
        score: the visit score.
        nearest: the person who has it, as a place among those compared.
    """

    score: float
    nearest: int


def above_boundary(course: Floats, windows: NDArray[np.int64], boundary: float) -> Floats:
    """Returns the scores of a visit less the boundary, at the moments that count, (k, P); see `visit_of`."""
    decided = windows >= min(FIRST_WINDOWS, int(windows[-1]))
    found: Floats = course[decided] - boundary / np.sqrt(windows[decided])[:, None]
    return found


def visit_of(course: Floats, windows: NDArray[np.int64], boundary: float) -> Visit:
    """Returns the visit score of a stranger.

    Args:
        course: (m, P) scores for P people, at least one, at m moments.
        windows: (m,) ascending numbers of windows at these moments; those before the first decision do not
            count, unless there are no others.
        boundary: see `VisitScores.boundary`.
    """
    highest = above_boundary(course, windows, boundary).max(axis=0)
    nearest = int(highest.argmax())
    return Visit(float(highest[nearest]), nearest)
