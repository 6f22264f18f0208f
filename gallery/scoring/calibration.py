"""From the rate of strangers that may be named to a threshold, by what was measured for a kind of sensor.

`tools/backend_fit/fit_backend.py` compares people with the templates of others, and writes the upper tail of
those impostor scores: quantiles, nothing of any person. A stranger is compared with every enrolled person, so
for FPIR P against N people each comparison may be wrong with 1 - (1 - P)^(1/N).

That takes the comparisons of one stranger for independent. On KGBD's people 61-100 they nearly are: against
all galleries of N of them, N up to 20, and after 10 windows up to a whole walk, a threshold at that share
names 4.4 to 5.5 % of strangers where P is 5 %, and 1.0 to 1.3 % where it is 1 %. No other rule is called for.

Beyond the smallest share measured the tail is exponential (peaks over a threshold; Davison and Smith, Journal
of the Royal Statistical Society B 52, 1990): what exceeds that share's score does so by its mean excess. Over
12 halves of KGBD's people 1-100, with thresholds from the other half in four parts and P = 1 %, N = 25, that
named 0.8 % of strangers after 2 s and after a whole walk, and 1.6 % after 5 and 10 s. A line through
quantiles at 2 and 1 %, which few comparisons decide, missed twice as many at as many strangers named.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import msgspec
import numpy as np

__all__ = ["Calibration", "ImpostorScores"]


class ImpostorScores(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How high strangers score, for one kind of sensor.

    Attributes:
        data: whom it was measured on.
        strangers: how many people they are.
        windows: growing numbers of windows of evidence, one for each row of `scores`.
        comparisons: how many each row rests on.
        tails: shrinking shares of comparisons.
        scores: for each number of windows, the score that a share of impostors exceeds, one for each tail.
        excess: by how much those beyond the last tail exceed its score on average, one for each row.

    Raises:
        ValueError: the rows do not fit together.
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
            raise ValueError("windows: expected growing numbers from 1")
        if not all(a > b for a, b in pairwise((1.0, *self.tails, 0.0))):
            raise ValueError("tails: expected shrinking shares between 1 and 0")
        if not all(a <= b for row in self.scores for a, b in pairwise(row)):
            raise ValueError("scores: expected them to grow where the share shrinks")
        if min(self.excess) < 0:
            raise ValueError("excess: expected at least 0")

    def exceeded_by(self, share: float, windows: int) -> float:
        """The score that `share` of impostors exceed after so many windows, interpolated over logarithms.

        Fewer windows than were measured take the first row, more take the last.
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
        known: what was measured, by kind of sensor.
    """

    def __init__(self, known: Mapping[str, ImpostorScores]) -> None:
        self.known = dict(known)

    def threshold(self, sensor: str, fpir: float, people: int, windows: int) -> float | None:
        """The score from which a candidate is accepted; None where the kind of sensor is not calibrated.

        Args:
            sensor: the kind of sensor that watches.
            fpir: the rate of strangers that may be named, 0..1.
            people: how many are enrolled, at least 1.
            windows: of evidence.
        """
        if sensor not in self.known:
            return None
        share = -float(np.expm1(np.log1p(-fpir) / people))
        return self.known[sensor].exceeded_by(share, windows)
