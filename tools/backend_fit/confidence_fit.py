"""Fits the confidence of decisions (`gallery.scoring.confidence`) on visits to drawn galleries.

The visits are those that thresholds come from (`tools.backend_fit.visit_fit`), and beside them visits of
the people enrolled. There, track-level evidence is that of the whole walk; where much of a score is such
evidence, `measure_decisions` compares walks as the live system does. Each visit counts alike, and its moments
by the logarithm of time: the first seconds count as much as the rest. Strangers count as much as enrolled
people. Scores are standardised by the strangers of each site, as the calibration of a large gallery does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from gallery.scoring.backend import Backend
from gallery.scoring.confidence import ConfidenceFit
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.visit_scores import FIRST_WINDOWS, VisitScores
from tools.backend_fit.offline_pipeline import WalkCages, enrol, track_scores
from tools.backend_fit.visit_fit import BETWEEN_SITES, Course, Visits, visit_scores

__all__ = ["Measured", "Moments", "fit_confidence", "measure_decisions", "measured_at", "moments_of"]

DECISION_SIZES = (4, 8, 16)
DECISION_DRAWS = 4
DECISION_VISITS = 60
SEED = 1005

_RIDGE = 1e-4
"""Keeps the parameters finite where names and strangers are separable."""

_ROUNDING = 1e-9

Floats = NDArray[np.float64]


class Measured(NamedTuple):
    """What visits to drawn galleries gave."""

    visits: VisitScores
    confidence: ConfidenceFit | None


class Moments(NamedTuple):
    """Decisions at n moments of visits."""

    features: Floats
    """(n, 3): 1, the standardised score, the common logarithm of the windows."""
    right: NDArray[np.bool_]
    """(n,) whether the candidate is who walks."""
    weights: Floats
    """(n,) those of strangers' visits sum to 1/2, those of enrolled people to 1/2."""


def measured_at(sites: Sequence[Visits], data: str, between_sites: float = BETWEEN_SITES) -> Measured:
    """Returns visit scores and the confidence of decisions, of several sites; see `visit_scores`."""
    visits = visit_scores(sites, data, between_sites)
    return Measured(visits, fit_confidence(sites, visits, data))


def measure_decisions(
    walks: Sequence[WalkCages], enrols: Collection[str], backend: Backend, sensor: str
) -> Visits:
    """Measures visits to drawn galleries, decided on after every window as in the live system.

    Args:
        walks: of one site, each of at least one window.
        enrols: names of the walks that enrol; the others are visits.
        backend: fitted on none of the people.
        sensor: the kind of sensor of the walks.
    """
    people = sorted({walk.person for walk in walks})
    found = Visits(len(people), {}, {})
    visits = [walk for walk in walks if walk.walk not in enrols]
    sizes = [size for size in DECISION_SIZES if 3 * size <= 2 * len(people)]
    for size in sizes or [max(1, 2 * len(people) // 3)]:
        for draw in range(DECISION_DRAWS):
            random = np.random.default_rng([SEED, size, draw])
            inside = {people[n] for n in random.permutation(len(people))[:size]}
            enrolled = [walk for walk in walks if walk.walk in enrols and walk.person in inside]
            index = TemplateIndex(enrol(enrolled), backend, [sensor])
            names = np.array(index.people_of(sensor))
            for place in random.permutation(len(visits))[:DECISION_VISITS]:
                walk = visits[place]
                scores = track_scores(index, walk)
                right = names[scores.argmax(axis=1)] == walk.person
                course = Course(np.arange(1, len(scores) + 1), scores.max(axis=1, keepdims=True), right)
                of = found.known if walk.person in inside else found.courses
                of.setdefault(size, []).append(course)
    return found


def moments_of(sites: Sequence[Visits], measured: VisitScores) -> Moments:
    """Returns the decisions during the visits of several sites; none where all visits are too short."""
    found: list[tuple[Floats, NDArray[np.bool_], Floats, bool]] = []
    for site in sites:
        strangers = site.scores(measured.boundary)
        standard = np.concatenate([_standardise(measured, size, own) for size, own in strangers.items()])
        location, scale = float(standard.mean()), float(standard.std())
        scale = scale if scale > _ROUNDING else 1.0  # a single stranger has no spread
        for known, courses in ((False, site.courses), (True, site.known)):
            for size, course in _each(courses):
                decided = course.windows >= FIRST_WINDOWS
                if not decided.any():
                    continue
                windows, best = course.windows[decided], course.best[decided, 0]
                scores = _standardise(measured, size, best - measured.boundary / np.sqrt(windows))
                rows = np.ones((len(windows), 3))
                rows[:, 1] = (scores - location) / scale
                rows[:, 2] = np.log10(windows)
                shares = 1 / windows / np.sum(1 / windows)
                found.append((rows, course.right[decided], shares, known))
    totals = {known: sum(1 for *_, own in found if own is known) for known in (False, True)}
    weights = [share / (2 * totals[known]) for _, _, share, known in found]
    if not found:
        return Moments(np.zeros((0, 3)), np.zeros(0, np.bool_), np.zeros(0))
    rows_of, right_of = [each[0] for each in found], [each[1] for each in found]
    return Moments(np.concatenate(rows_of), np.concatenate(right_of), np.concatenate(weights))


def fit_confidence(sites: Sequence[Visits], measured: VisitScores, data: str) -> ConfidenceFit | None:
    """Fits the confidence of decisions; returns None if no visit was long enough for one.

    Args:
        sites: with visits of enrolled people.
        measured: the visit scores of these sites, or of all that the thresholds come from.
        data: description of the people, and of what the fusions were fitted on.
    """
    moments = moments_of(sites, measured)
    if not len(moments.right):
        return None
    signs = np.where(moments.right, 1.0, -1.0)

    def loss(parameters: Floats) -> tuple[float, Floats]:
        odds = signs * (moments.features @ parameters)
        slope = -moments.features.T @ (moments.weights * signs * expit(-odds))
        lost = -float(moments.weights @ log_expit(odds)) + _RIDGE * float(parameters[1:] @ parameters[1:])
        return lost, slope + 2 * _RIDGE * np.append(0.0, parameters[1:])

    found = minimize(loss, np.zeros(3), jac=True).x
    constant, score, windows = (round(float(value), 4) for value in found)
    known = (course for site in sites for of in (site.courses, site.known) for _, course in _each(of))
    return ConfidenceFit(data, constant, score, windows, max(int(each.windows[-1]) for each in known))


def _each(courses: dict[int, list[Course]]) -> Iterator[tuple[int, Course]]:
    for size, own in courses.items():
        for course in own:
            yield size, course


def _standardise(measured: VisitScores, people: int, scores: Floats) -> Floats:
    found: Floats = (scores - measured.mean(people)) / measured.deviation(people)
    return found
