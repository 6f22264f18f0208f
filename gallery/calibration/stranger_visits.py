"""Visits of the gallery's own people as strangers: each enrolled walk against the other people.

Enrolled walks stand for visits, as if their person were not enrolled. In a small gallery the comparison is
then relative to the mean of the other people (`FusionModel.at_site`); in a larger one, to the mean of all.

Elsewhere a change compares only what is new: a new walk with all people, and the known walks with the people
of new walks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.track_scores import TemplateMeans
from gallery.scoring.visit_scores import visit_of
from gallery.store.records import PersonTemplates, StrangerVisit
from stream.windows.resampling import RATE_HZ

__all__ = ["EXACT_PEOPLE", "MOST_OF_ONE", "MOST_WALKS", "enrolled_visits", "stranger_score", "template_ends"]

EXACT_PEOPLE = 12
"""Up to so many people, where scores are relative to their mean, every walk is compared anew with each
change, relative to the other people."""

MOST_WALKS = 200
"""Walks that stand for visits: more would say little more about the rate of strangers named."""

MOST_OF_ONE = 3
"""Walks of one person among them."""

_GROWTH = 0.1
"""Relative change of the number of people from which all walks are compared anew."""


def enrolled_visits(
    index: TemplateIndex, sensor: str, known: Iterable[StrangerVisit] = ()
) -> list[StrangerVisit]:
    """Returns the visits of enrolled people to the others, for one kind of sensor.

    Args:
        index: of the gallery.
        sensor: one of the index's kinds.
        known: such visits to an earlier state of the gallery, which are used where they still hold.
    """
    walks = [walk for walk in index.walks if walk.sensor == sensor]
    people = index.people_of(sensor)
    measured = index.backend.visits_of(sensor)
    if measured is None or len(people) < 2:
        return []
    newest = max(walk.walk_id for walk in walks)
    earlier = {visit.walk_id: visit for visit in known}
    exact = len(people) <= EXACT_PEOPLE and index.relative(sensor)
    without: dict[int, TemplateIndex] | None = {} if exact else None
    found = []
    for walk in _chosen(walks):
        visit = earlier.get(walk.walk_id)
        if visit is None or not _holds(visit, walk, people):
            found.append(_compare(index, without, walk, measured.boundary, newest))
        elif visit.people == len(people) and visit.newest == newest:
            found.append(visit)
        elif exact or _has_changed(visit, people, index, sensor):
            found.append(_compare(index, without, walk, measured.boundary, newest))
        else:
            new = {other.person_id for other in walks if other.walk_id > visit.newest}
            visit = _compare_new(index, walk, sorted(new - {walk.person_id}), visit, measured.boundary)
            found.append(replace(visit, newest=newest))
    return found


def stranger_score(
    index: TemplateIndex, walk: PersonTemplates, boundary: float, person: int | None = None
) -> tuple[float, int]:
    """Returns the visit score of a walk to the people of an index, and the person who has it.

    Args:
        index: with at least one person of the walk's kind of sensor.
        walk: of a person who is not enrolled in it.
        boundary: see `VisitScores.boundary`.
        person: compare with this person only; None compares with all.
    """
    windows = template_ends(walk)
    course = index.walk_course(walk.templates, walk.statistics, windows, walk.sensor, person)
    people = index.people_of(walk.sensor) if person is None else (person,)
    visit = visit_of(course, windows, boundary)
    return visit.score, people[visit.nearest]


def _chosen(walks: Sequence[PersonTemplates]) -> list[PersonTemplates]:
    """Returns the walks that stand for visits: first one of each person, then further ones."""
    turns = []
    for _, own in groupby(walks, key=lambda walk: walk.person_id):
        turns += [(turn, walk.walk_id, walk) for turn, walk in enumerate(own) if turn < MOST_OF_ONE]
    return [walk for _, _, walk in sorted(turns, key=lambda each: each[:2])[:MOST_WALKS]]


def _holds(visit: StrangerVisit, walk: PersonTemplates, people: Sequence[int]) -> bool:
    """Returns whether the nearest person is another one, who is still enrolled."""
    return visit.nearest != walk.person_id and visit.nearest in people


def _has_changed(visit: StrangerVisit, people: Sequence[int], index: TemplateIndex, sensor: str) -> bool:
    """Returns whether the mean of the people, to which scores are relative, may have moved much."""
    return index.relative(sensor) and abs(visit.people - len(people)) > _GROWTH * visit.people


def _compare(
    index: TemplateIndex,
    without: dict[int, TemplateIndex] | None,
    walk: PersonTemplates,
    boundary: float,
    newest: int,
) -> StrangerVisit:
    """Compares a walk with all other people.

    Args:
        index: of the gallery.
        without: the gallery without each person, filled as needed; None compares relative to all people.
        walk: of an enrolled person.
        boundary: see `VisitScores.boundary`.
        newest: id of the newest walk.
    """
    people = index.people_of(walk.sensor)
    if without is not None:
        if walk.person_id not in without:
            without[walk.person_id] = index.without(walk.person_id, walk.sensor)
        score, nearest = stranger_score(without[walk.person_id], walk, boundary)
    else:
        windows = template_ends(walk)
        course = index.walk_course(walk.templates, walk.statistics, windows, walk.sensor)
        others = [place for place, person in enumerate(people) if person != walk.person_id]
        visit = visit_of(course[:, others], windows, boundary)
        score, nearest = visit.score, people[others[visit.nearest]]
    return StrangerVisit(walk.walk_id, score, nearest, len(people), newest)


def _compare_new(
    index: TemplateIndex, walk: PersonTemplates, new: Iterable[int], visit: StrangerVisit, boundary: float
) -> StrangerVisit:
    """Compares a walk with people who have walks that it was not compared with."""
    for person in new:
        score, _ = stranger_score(index, walk, boundary, person)
        if score > visit.score:
            visit = replace(visit, score=score, nearest=person)
    return visit


def template_ends(walk: PersonTemplates) -> NDArray[np.int64]:
    """Returns the numbers of windows (m,) of a stored walk up to each of its m templates."""
    step: float = (walk.templates.shape[1] // 2) / RATE_HZ
    return TemplateMeans.ends(len(walk.templates), round(walk.seconds / step))
