"""Thresholds: from the rate of strangers that may be named (FPIR) to a score, for each kind of sensor.

`tools/backend_fit/fit_backend.py` compares people with the templates of other people and stores the upper
tail of these impostor scores: quantiles, no data of any person. A stranger is compared with every enrolled
person, so for an FPIR of P with N people each comparison may be wrong with probability 1 - (1 - P)^(1/N).

This treats the comparisons of one stranger as independent. On KGBD people 61-100 they nearly are: over all
galleries of N of them, N up to 20, and after 10 windows up to a whole walk, the threshold at that share names
4.4 to 5.5 % of strangers for P = 5 %, and 1.0 to 1.3 % for P = 1 %. No other rule is needed.

Beyond the smallest share measured the tail is exponential (peaks over threshold; Davison and Smith, Journal
of the Royal Statistical Society B 52, 1990), with the mean excess over the score at that share. Over 12
halves of KGBD people 1-100, with thresholds from the other half in four parts, P = 1 % and N = 25, this named
0.8 % of strangers after 2 s and after a whole walk, and 1.6 % after 5 and 10 s. A line through the quantiles
at 2 and 1 %, which depend on few comparisons, missed twice as many enrolled people at the same share of
strangers named.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import msgspec
import numpy as np

__all__ = ["Calibration", "ImpostorScores"]


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


class Calibration:
    """The thresholds of one encoder.

    Attributes:
        known: impostor scores by kind of sensor.
    """

    def __init__(self, known: Mapping[str, ImpostorScores]) -> None:
        self.known = dict(known)

    def threshold(self, sensor: str, fpir: float, people: int, windows: int) -> float | None:
        """Returns the score from which a candidate is accepted; None for an uncalibrated kind of sensor.

        Args:
            sensor: the kind of sensor of the probe.
            fpir: the rate of strangers that may be named, 0..1.
            people: number of enrolled people, at least 1.
            windows: number of windows of evidence.
        """
        if sensor not in self.known:
            return None
        share = -float(np.expm1(np.log1p(-fpir) / people))
        return self.known[sensor].exceeded_by(share, windows)
