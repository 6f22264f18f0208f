"""Confidence: the probability that a decision is right, from the score and its time.

A logistic regression on the score relative to those of strangers at this site
(`SiteCalibration.standardised`) and the logarithm of the windows so far. It gives the probability that the
candidate is who walks, where half of those who pass are enrolled. Beyond the longest visit measured, the
number of windows counts as that visit's: nothing is known of how the odds go on from there.

`tools/backend_fit/confidence_fit.py` fits it on people and places that the fusion was not fitted on;
`tools.trials.decision_confidence` measures how often decisions are right.
"""

from __future__ import annotations

import math

import msgspec

__all__ = ["ConfidenceFit"]


class ConfidenceFit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The regression for one kind of sensor.

    Attributes:
        data: the people and walks that it was fitted on, and what the fusion was fitted on.
        constant: of the logarithm of the odds.
        score: its change with the standardised score.
        windows: its change with the common logarithm of the number of windows.
        longest: windows of the longest visit measured.
    """

    data: str
    constant: float
    score: float
    windows: float
    longest: int

    def probability(self, standardised: float, windows: int) -> float:
        """Returns the probability 0..1 that the candidate is who walks.

        Args:
            standardised: see `SiteCalibration.standardised`.
            windows: number of windows of evidence, at least 1.
        """
        measured = min(windows, self.longest)
        odds = self.constant + self.score * standardised + self.windows * math.log10(measured)
        # A score far away would overflow.
        return 1 / (1 + math.exp(-min(max(odds, -50.0), 50.0)))
