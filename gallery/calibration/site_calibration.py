"""Thresholds for one gallery and one kind of sensor, from what was measured elsewhere and what it shows.

Visit scores of strangers (`gallery.scoring.visit_scores`) vary between sites in location and scale. Their
mean and deviation at this site are estimated with a conjugate normal prior (Gelman et al., Bayesian Data
Analysis, 3rd ed., 3.3). What was measured elsewhere counts as one visit for the location where sites differ
as much as strangers at one of them, and as `SCALE_VISITS` for the scale, which varies little. The visits of
this site are those of its enrolled people to the others (`gallery.calibration.stranger_visits`), and
recordings of people who are not enrolled.

The threshold is the predictive one: the fewer the visits, the higher. `tools.trials.stranger_rates` measures
how many strangers are named.

The best of a person's visits that were denied (`sge-stream visits deny`) counts as a stranger's, and the
person has a threshold of their own: a later visit is that person's only if its visit score is higher.
`tools.trials.denied_visits` measures what it brings and costs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.visit_scores import VisitScores

__all__ = ["ENOUGH_VISITS", "MOST_DEVIATIONS", "SCALE_VISITS", "SiteCalibration", "calibrate_site"]

SCALE_VISITS = 20.0
"""Worth of the scale measured elsewhere, in visits: it differs by about a sixth between sites."""

ENOUGH_VISITS = 8
"""People to compare, below whose number a calibration is provisional."""

MOST_DEVIATIONS = 3.0
"""Standardised visit scores beyond it count as it: one person under two names is nobody's stranger."""

_USED_TWICE = 2
"""Enrolled people whose visits do not count: each is compared with the others, and the others with each."""

_HIGHER = 1e-4
"""By how much a score must exceed that of a denied visit, which is stored with four digits."""

_INTERVAL = 1.96

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SiteCalibration:
    """The thresholds of one gallery for one kind of sensor.

    Attributes:
        measured: visit scores measured elsewhere.
        people: number of enrolled people, at least 1.
        enrolled: how many of them were compared as strangers to the others.
        strangers: number of visits of people who are not enrolled.
        location: mean of this site's standardised visit scores, joined with what was measured elsewhere.
        scale: their deviation, likewise.
        visits: number of this site's visits that both rest on.
        denied: the highest visit score of denied visits, by the id of the person that each was said to be.
    """

    measured: VisitScores
    people: int
    enrolled: int = 0
    strangers: int = 0
    location: float = 0.0
    scale: float = 1.0
    visits: int = 0
    denied: Mapping[int, float] = field(default_factory=dict)

    @cached_property
    def provisional(self) -> bool:
        """Whether too few people were compared for the rate to be relied on."""
        return self.enrolled + self.strangers < ENOUGH_VISITS and self.measured.between_sites > 0

    @cached_property
    def basis(self) -> str:
        """What the thresholds rest on, for a decision."""
        parts = []
        if self.visits:
            parts = [f"{self.enrolled} enrolled people"] if self.enrolled else []
            parts += [_count(self.strangers)] if self.strangers else []
        return " and ".join(parts) or "other sites only"

    def threshold(self, fpir: float, windows: int, person: int | None = None) -> float:
        """Returns the score from which a candidate is accepted after a number of windows.

        Args:
            fpir: the share of strangers that may be named at any moment of their visit, 0..1.
            windows: number of windows of evidence.
            person: id of the candidate; None for somebody of whom no visit was denied.
        """
        limit = self.visit_threshold(fpir)
        if person is not None and person in self.denied:
            limit = max(limit, self.denied[person] + _HIGHER)
        return limit + self.measured.above(windows)

    def visit_threshold(self, fpir: float) -> float:
        """Returns the visit score from which a visit counts as named; see `threshold`."""
        if fpir not in self._limits:
            self._limits[fpir] = self._mean + self._deviation * self._standardised(fpir)
        return self._limits[fpir]

    def standardised(self, score: float, windows: int) -> float:
        """Returns a score relative to the visit scores of strangers here: deviations above their mean.

        Args:
            score: of a track so far.
            windows: number of windows of evidence.
        """
        above = score - self.measured.above(windows) - self._mean
        return (above / self._deviation - self.location) / self._predictive

    def interval(self, fpir: float) -> tuple[float, float]:
        """Returns the share of strangers named where `fpir` is asked: its 95 % credible interval here."""
        limit = self._standardised(fpir)
        error = _INTERVAL * self.scale * math.sqrt(self._uncertainty)
        low, high = (
            self.measured.share_beyond((limit - self.location - shift) / self.scale)
            for shift in (-error, error)
        )
        return low, high

    @property
    def _uncertainty(self) -> float:
        """The variance of the location, relative to that of visits."""
        return _variance(self.measured, self.visits)

    def _standardised(self, fpir: float) -> float:
        return self.location + self._predictive * self.measured.exceeded_by(fpir)

    # Every decision needs these, and they do not change.

    @cached_property
    def _limits(self) -> dict[float, float]:
        """Visit scores from which a visit counts as named, by the share of strangers."""
        return {}

    @cached_property
    def _mean(self) -> float:
        return self.measured.mean(self.people)

    @cached_property
    def _deviation(self) -> float:
        return self.measured.deviation(self.people)

    @cached_property
    def _predictive(self) -> float:
        """The deviation of the next stranger's standardised visit score."""
        return self.scale * math.sqrt(1 + self._uncertainty)


def calibrate_site(
    measured: VisitScores,
    people: int,
    enrolled: Mapping[int, Sequence[float]],
    strangers: Sequence[tuple[int, float]] = (),
    denied: Mapping[int, float] | None = None,
) -> SiteCalibration:
    """Joins what was measured elsewhere with what a gallery shows.

    With one or two people enrolled, what was measured elsewhere decides alone: the visit of one person to
    another says nothing of a third.

    Args:
        measured: visit scores measured elsewhere.
        people: number of enrolled people, at least 1.
        enrolled: visit scores of enrolled people's walks to the others, by person.
        strangers: visits of people who are not enrolled: how many people were enrolled then, and the score.
        denied: see `SiteCalibration`; None for none.
    """
    groups = []
    if people > _USED_TWICE:
        groups = [_standardise(measured, people - 1, own) for own in enrolled.values() if len(own)]
    own_people = len(groups)
    groups += [_standardise(measured, count, [score]) for count, score in strangers]
    visits = max(0, own_people - _USED_TWICE) + len(strangers)
    if not visits:
        return SiteCalibration(measured, people, own_people, len(strangers), denied=denied or {})
    mean = float(np.mean([np.mean(own) for own in groups]))
    variance = float(np.mean([np.mean((own - mean) ** 2) for own in groups]))
    spread = (SCALE_VISITS + visits * variance) / (SCALE_VISITS + visits)
    return SiteCalibration(
        measured,
        people,
        own_people,
        len(strangers),
        location=mean * visits * _variance(measured, visits),
        scale=math.sqrt(spread),
        visits=visits,
        denied=denied or {},
    )


def _count(strangers: int) -> str:
    return "1 stranger" if strangers == 1 else f"{strangers} strangers"


def _variance(measured: VisitScores, visits: int) -> float:
    """Returns the variance of a site's location after some visits, relative to that of visits."""
    between: float = measured.between_sites**2
    return between / (1 + between * visits)


def _standardise(measured: VisitScores, people: int, scores: Sequence[float]) -> Floats:
    found: Floats = (np.array(scores) - measured.mean(people)) / measured.deviation(people)
    return np.clip(found, -MOST_DEVIATIONS, MOST_DEVIATIONS)
