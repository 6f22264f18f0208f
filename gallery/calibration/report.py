"""What a gallery shows about the recognition of its people, for `sge-stream calibrate`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gallery.calibration.site_calibration import SiteCalibration
from gallery.calibration.stranger_visits import template_ends
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.visit_scores import above_boundary
from gallery.store.records import PersonTemplates, StrangerVisit

__all__ = ["REPORTED_FPIRS", "Confusion", "Rate", "SensorReport", "report_sensor"]

REPORTED_FPIRS = (0.01, 0.05, 0.1)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rate:
    """What to expect where a rate of strangers named is asked.

    Attributes:
        fpir: the rate asked, 0..1.
        low: lower end of its 95 % interval at this site.
        high: upper end.
        missed: enrolled people who would not be named, 0..1; None if nobody has two walks.
    """

    fpir: float
    low: float
    high: float
    missed: float | None


@dataclass(frozen=True, slots=True)
class Confusion:
    """A score of a person's walk for someone.

    Attributes:
        name: whose walk it is.
        other: who has the score.
        score: the visit score.
    """

    name: str
    other: str
    score: float


@dataclass(frozen=True, slots=True)
class SensorReport:
    """The report on one kind of sensor.

    Attributes:
        sensor: the kind of sensor.
        people: number of enrolled people.
        walks: number of their walks.
        visits: number of walks that were compared with the other people.
        strangers: number of recordings of people who are not enrolled.
        basis: what the thresholds rest on.
        provisional: whether that is too little for the rate to be relied on.
        highest_impostor: the highest score for another person; None with one person.
        lowest_genuine: the lowest score of a person's newest walk for that person; None if nobody has two.
        rates: for `REPORTED_FPIRS`.
        confused: newest walks that fit another person best.
        doubles: walks that would be named as another person where 1 % of strangers are.
    """

    sensor: str
    people: int
    walks: int
    visits: int
    strangers: int
    basis: str
    provisional: bool
    highest_impostor: Confusion | None
    lowest_genuine: Confusion | None
    rates: tuple[Rate, ...]
    confused: tuple[Confusion, ...]
    doubles: tuple[Confusion, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Genuine:
    """A newest walk against a gallery without it: scores above the boundary at each moment, (m, P)."""

    walk: PersonTemplates
    above: Floats
    own: int

    @property
    def score(self) -> float:
        return float(self.above[:, self.own].max())

    @property
    def best(self) -> int:
        return int(self.above.max(axis=0).argmax())

    def named(self, threshold: float) -> bool:
        best = self.above.argmax(axis=1)
        decided = self.above.max(axis=1) >= threshold
        return bool(decided.any() and (best[decided] == self.own).all())


def report_sensor(
    index: TemplateIndex, sensor: str, calibration: SiteCalibration, visits: Sequence[StrangerVisit]
) -> SensorReport:
    """Reports on one kind of sensor.

    Args:
        index: of the gallery.
        sensor: with at least one person.
        calibration: of the gallery for it.
        visits: of the enrolled walks to the other people.
    """
    walks = [walk for walk in index.walks if walk.sensor == sensor]
    names = {walk.walk_id: walk.name for walk in walks}
    own = [visit for visit in visits if visit.walk_id in names]
    highest = max(own, key=lambda visit: visit.score, default=None)
    genuine = _genuine(index, walks, calibration.measured.boundary)
    lowest = min(genuine, key=lambda each: each.score, default=None)
    people = index.people_of(sensor)
    rates = []
    for fpir in REPORTED_FPIRS:
        limit = calibration.visit_threshold(fpir)
        missed = float(np.mean([not each.named(limit) for each in genuine])) if genuine else None
        rates.append(Rate(fpir, *calibration.interval(fpir), missed))
    return SensorReport(
        sensor,
        len(people),
        len(walks),
        len(own),
        calibration.strangers,
        calibration.basis,
        calibration.provisional,
        Confusion(names[highest.walk_id], index.names[highest.nearest], highest.score) if highest else None,
        Confusion(lowest.walk.name, lowest.walk.name, lowest.score) if lowest else None,
        tuple(rates),
        tuple(
            Confusion(each.walk.name, index.names[people[each.best]], float(each.above[:, each.best].max()))
            for each in genuine
            if each.best != each.own
        ),
        tuple(
            Confusion(names[visit.walk_id], index.names[visit.nearest], visit.score)
            for visit in own
            if visit.score >= calibration.visit_threshold(REPORTED_FPIRS[0])
        ),
    )


def _genuine(index: TemplateIndex, walks: Sequence[PersonTemplates], boundary: float) -> list[_Genuine]:
    """Returns the newest walk of everybody with several, against the gallery without these walks."""
    by_person: dict[int, list[PersonTemplates]] = defaultdict(list)
    for walk in walks:
        by_person[walk.person_id].append(walk)
    newest = [max(own, key=lambda walk: walk.walk_id) for own in by_person.values() if len(own) > 1]
    if not newest:
        return []
    left = {walk.walk_id for walk in newest}
    rest = TemplateIndex([w for w in walks if w.walk_id not in left], index.backend, [walks[0].sensor])
    people = rest.people_of(walks[0].sensor)
    found = []
    for walk in newest:
        ends = template_ends(walk)
        course = rest.walk_course(walk.templates, walk.statistics, ends, walk.sensor)
        above = above_boundary(course, ends, boundary)
        found.append(_Genuine(walk, above, people.index(walk.person_id)))
    return found
