"""Compares the kept walk of a visit with the present gallery, as its last decision did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gallery.calibration.gallery_calibration import Calibrations
from gallery.open_set_decision import EQUAL_SCORES
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.track_scores import TemplateMeans
from gallery.store.history_records import VisitWalk

__all__ = ["ComparedPerson", "compare_walk", "evidence_for", "named_person"]


@dataclass(frozen=True, slots=True)
class ComparedPerson:
    """A person's score for a walk.

    Attributes:
        person: id of the person.
        score: evidence for the person.
        threshold: lowest score at which the person is accepted; None where nothing is known or asked.
    """

    person: int
    score: float
    threshold: float | None


def compare_walk(
    index: TemplateIndex, calibrations: Calibrations, walk: VisitWalk, fpir: float | None
) -> list[ComparedPerson]:
    """Returns the people that a walk is compared with, best first; none where nobody can be.

    Args:
        index: of the present gallery, with the walk's kind of sensor and encoder.
        calibrations: give the thresholds.
        walk: of a visit.
        fpir: the share of strangers that may be named; None rejects nobody.
    """
    people = index.people_of(walk.sensor)
    if not people:
        return []
    ends = TemplateMeans.ends(len(walk.templates), walk.windows)
    scores = index.walk_course(walk.templates, walk.statistics, ends, walk.sensor)[-1]
    calibration = calibrations.get(walk.sensor)
    found = []
    for place in np.argsort(-scores, kind="stable"):
        person, limit = people[place], None
        if fpir is not None and calibration is not None:
            limit = calibration.threshold(fpir, int(ends[-1]), person)
        found.append(ComparedPerson(person, float(scores[place]), limit))
    return found


def evidence_for(index: TemplateIndex, walk: VisitWalk, people: Sequence[int]) -> dict[str, list[float]]:
    """Returns what each kind of evidence adds to the scores of some people for a walk, by its name.

    Args:
        index: of the present gallery.
        walk: of a visit.
        people: ids of people whom the index can compare with the walk.
    """
    ends = TemplateMeans.ends(len(walk.templates), walk.windows)
    places = [index.people_of(walk.sensor).index(person) for person in people]
    terms = index.walk_terms(walk.templates, walk.statistics, ends, walk.sensor)
    return {name: each[places].tolist() for name, each in terms.items() if each.any()}


def named_person(compared: list[ComparedPerson], fpir: float | None) -> int | None:
    """Returns who is named by such scores; None if nobody is.

    Args:
        compared: see `compare_walk`.
        fpir: as given there.
    """
    if not compared:
        return None
    best = compared[0]
    if fpir is not None and (best.threshold is None or best.score < best.threshold):
        return None
    if len(compared) > 1 and best.score - compared[1].score < EQUAL_SCORES:
        return None
    return best.person
