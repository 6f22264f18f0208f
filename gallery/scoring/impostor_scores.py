"""Impostor scores: single comparisons of a person with the templates of another, for each kind of sensor.

`tools/backend_fit/fit_backend.py` compares people with the templates of other people and stores the upper
tail of these impostor scores: quantiles, no data of any person. They tell whether two walks can be those of
one person (`gallery.enrolment_checks`); thresholds come from whole visits (`gallery.scoring.visit_scores`).

Beyond the smallest share measured the tail is exponential (peaks over threshold; Davison and Smith, Journal
of the Royal Statistical Society B 52, 1990), with the mean excess over the score at that share.
"""

from __future__ import annotations

from itertools import pairwise

import msgspec
import numpy as np

__all__ = ["ImpostorScores"]


class ImpostorScores(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The upper tail of impostor scores for one kind of sensor.

    Attributes:
        data: the people and walks measured.
        strangers: number of people.
        windows: ascending numbers of windows of evidence, one for each row of `scores`.
        comparisons: number of comparisons of each row.
        tails: descending shares of comparisons.
        scores: for each number of windows, the score that each share of impostors exceeds.
        excess: mean excess over the score of the last share, one for each row.

    Raises:
        ValueError: the rows do not match.
    """

    data: str
    strangers: int
    windows: tuple[int, ...]
    comparisons: tuple[int, ...]
    tails: tuple[float, ...]
    scores: tuple[tuple[float, ...], ...]
    excess: tuple[float, ...]

    def __post_init__(self) -> None:
        if not 0 < len(self.windows) == len(self.comparisons) == len(self.scores) == len(self.excess):
            raise ValueError("windows, comparisons, scores and excess: expected one entry each for every row")
        if not self.tails or {len(row) for row in self.scores} != {len(self.tails)}:
            raise ValueError("scores: expected one for each of at least one tail in every row")
        if self.windows[0] < 1 or not all(a < b for a, b in pairwise(self.windows)):
            raise ValueError("windows: expected ascending numbers from 1")
        if not all(a > b for a, b in pairwise((1.0, *self.tails, 0.0))):
            raise ValueError("tails: expected descending shares between 1 and 0")
        if not all(a <= b for row in self.scores for a, b in pairwise(row)):
            raise ValueError("scores: expected ascending scores for descending shares")
        if min(self.excess) < 0:
            raise ValueError("excess: expected at least 0")

    def exceeded_by(self, share: float, windows: int) -> float:
        """Returns the score that `share` of impostors exceed after a number of windows.

        Interpolated over logarithms of both; fewer windows than measured use the first row, more the last.
        """
        rows = [self._exceeded_by(share, *row) for row in zip(self.scores, self.excess, strict=True)]
        return float(np.interp(np.log(max(windows, 1)), np.log(self.windows), rows))

    def _exceeded_by(self, share: float, row: tuple[float, ...], excess: float) -> float:
        depth = -np.log(share)
        depths = -np.log(self.tails)
        beyond = max(0.0, depth - depths[-1])
        return float(np.interp(depth, depths, row) + excess * beyond)
