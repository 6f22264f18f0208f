"""Visit scores of strangers, the source of thresholds: measured on people that a fusion was not fitted on.

People are drawn as a gallery, all others visit it as strangers. Several sites, or several parts of one, are
measured each by a fusion of the others; their means and deviations are averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gallery.calibration.stranger_visits import template_ends
from gallery.scoring.backend import Backend
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.visit_scores import VisitScores, visit_of
from gallery.store.records import PersonTemplates

__all__ = [
    "BETWEEN_SITES",
    "SIZES",
    "TAILS",
    "Course",
    "VisitWalk",
    "Visits",
    "draw_gallery",
    "measure_visits",
    "visit_scores",
]

SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""Sizes of galleries; at most two thirds of the people of a site are drawn."""

TAILS = (0.9, 0.8, 0.5, 0.2, 0.1, 0.05, 0.025)
"""Shares of visits."""

DRAWS = 20
"""Galleries drawn of each size."""

WALKS = 2
"""The most walks that enrol a person, of different views where there are several."""

MOST_VISITS = 60
"""Visits to each gallery."""

SEED = 1004

BOUNDARY_DEVIATIONS = 2.0
"""The boundary in deviations of visit scores to the largest gallery; chosen on sites left out."""

BETWEEN_SITES = 1.0
"""Deviation of the mean between sites: about that of strangers at one, over two rooms and videos."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class VisitWalk:
    """A walk that may enrol its person, or be a visit.

    Attributes:
        stored: as an enrolment stores it.
        view: the place of the sensor, or the direction; walks of different views enrol first.
        enrols: whether it may enrol.
        visits: whether it may be a visit.
    """

    stored: PersonTemplates = field(repr=False)
    view: str = ""
    enrols: bool = True
    visits: bool = True


class Course(NamedTuple):
    """The best candidate at m moments of a visit."""

    windows: NDArray[np.int64]
    """(m,) windows so far."""
    best: Floats
    """(m, 1) the candidate's score."""
    right: NDArray[np.bool_]
    """(m,) whether the candidate is who walks; never for a stranger."""


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits at one site, or a part of one.

    Attributes:
        strangers: number of people.
        courses: for each size of gallery the visits of strangers.
        known: for each size of gallery the visits of people enrolled in it.
    """

    strangers: int
    courses: dict[int, list[Course]]
    known: dict[int, list[Course]] = field(default_factory=dict)

    def scores(self, boundary: float) -> dict[int, Floats]:
        """Returns the visit scores for each size of gallery."""
        return {
            size: np.array([visit_of(each.best, each.windows, boundary).score for each in found])
            for size, found in self.courses.items()
        }


def draw_gallery(
    walks: Sequence[VisitWalk], people: Sequence[int], random: np.random.Generator
) -> list[VisitWalk]:
    """Returns walks that enrol some people, of different views where there are several."""
    chosen: list[VisitWalk] = []
    for person in people:
        own = [walk for walk in walks if walk.stored.person_id == person and walk.enrols]
        order = sorted((own[n] for n in random.permutation(len(own))), key=lambda walk: walk.view)
        turns = [turn for _, same in groupby(order, key=lambda walk: walk.view) for turn in enumerate(same)]
        random.shuffle(turns)
        chosen += [walk for _, walk in sorted(turns, key=lambda each: each[0])[:WALKS]]
    return chosen


def measure_visits(walks: Sequence[VisitWalk], backend: Backend, sensor: str) -> Visits:
    """Measures visits of strangers and of enrolled people to galleries of several sizes.

    Args:
        walks: of one site.
        backend: fitted on none of its people.
        sensor: the kind of sensor of the walks.
    """
    people = sorted({walk.stored.person_id for walk in walks if walk.enrols})
    courses: dict[int, list[Course]] = {}
    known: dict[int, list[Course]] = {}
    for size in (size for size in SIZES if 3 * size <= 2 * len(people)):
        for draw in range(DRAWS):
            random = np.random.default_rng([SEED, size, draw])
            inside = [people[n] for n in random.permutation(len(people))[:size]]
            enrolled = [walk.stored for walk in draw_gallery(walks, inside, random)]
            index = TemplateIndex(enrolled, backend, [sensor])
            enrols = {id(walk) for walk in enrolled}
            strangers = [w.stored for w in walks if w.visits and w.stored.person_id not in inside]
            visits = [strangers[n] for n in random.permutation(len(strangers))[:MOST_VISITS]]
            courses.setdefault(size, []).extend(_course(index, visit, sensor) for visit in visits)
            own = [w.stored for w in walks if w.visits and w.stored.person_id in inside]
            later = [stored for stored in own if id(stored) not in enrols]
            visits = [later[n] for n in random.permutation(len(later))[:MOST_VISITS]]
            known.setdefault(size, []).extend(_course(index, visit, sensor) for visit in visits)
    return Visits(len(people), courses, known)


def visit_scores(sites: Sequence[Visits], data: str, between_sites: float = BETWEEN_SITES) -> VisitScores:
    """Returns the visit scores of several sites, each of which counts alike.

    A site with too few people for a size is extended by the steps of the others.

    Args:
        sites: at least one.
        data: description of the people, and of what the fusions were fitted on.
        between_sites: see `VisitScores.between_sites`.
    """
    sizes = sorted({size for site in sites for size in site.courses})
    widths = [np.std(site.scores(0.0)[max(site.courses)]) for site in sites]
    boundary = round(BOUNDARY_DEVIATIONS * float(np.mean(widths)), 5)
    found = [site.scores(boundary) for site in sites]
    means = _average([{size: float(own.mean()) for size, own in each.items()} for each in found], sizes)
    widths_of = [{size: float(own.std()) for size, own in each.items()} for each in found]
    standard = np.concatenate(
        [(own - own.mean()) / own.std() for each in found for own in each.values() if own.std() > 0]
    )
    scores = np.quantile(standard, 1 - np.array(TAILS))
    beyond = standard[standard >= scores[-1]] - scores[-1]
    return VisitScores(
        data=data,
        strangers=sum(site.strangers for site in sites),
        visits=min(sum(len(site.courses.get(size, ())) for site in sites) for size in sizes),
        boundary=boundary,
        people=tuple(sizes),
        means=tuple(round(value, 5) for value in means),
        deviations=tuple(round(value, 5) for value in _average(widths_of, sizes, ratios=True)),
        tails=TAILS,
        scores=tuple(round(float(score), 5) for score in scores),
        excess=round(float(beyond.mean()), 5),
        between_sites=between_sites,
    )


def _average(sites: Sequence[dict[int, float]], sizes: Sequence[int], *, ratios: bool = False) -> list[float]:
    """Returns the mean over the sites for each size; missing sizes follow the steps, or ratios, of others."""
    complete = [dict(site) for site in sites]
    for smaller, size in pairwise(sizes):
        both = [site for site in sites if size in site and smaller in site]
        step = float(np.mean([site[size] - site[smaller] for site in both])) if both else 0.0
        ratio = float(np.mean([site[size] / site[smaller] for site in both])) if both and ratios else 1.0
        for site in complete:
            site.setdefault(size, site[smaller] * ratio if ratios else site[smaller] + step)
    return [float(np.mean([site[size] for site in complete])) for size in sizes]


def _course(index: TemplateIndex, visit: PersonTemplates, sensor: str) -> Course:
    windows = template_ends(visit)
    course = index.walk_course(visit.templates, visit.statistics, windows, sensor)
    people = np.array(index.people_of(sensor))
    return Course(
        windows, course.max(axis=1, keepdims=True), people[course.argmax(axis=1)] == visit.person_id
    )
