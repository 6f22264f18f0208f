"""Visits that have ended, for tests."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from gallery.scoring.backend import Backend
from gallery.scoring.template_index import TemplateIndex
from gallery.store.gallery import Gallery
from gallery.store.records import NewEnrolment
from gallery.visits.finished_visit import FinishedVisit
from stream.body import FloatArray
from stream.visits.events import Left, VisitCandidate
from tests.gallery.flat_visits import flat_visits

CONTRACT, SENSOR, F, D = "c", "kinect-v1", 6, 16
BACKEND = Backend(visits={SENSOR: flat_visits(0.5)}, version="v1")
"""One walk of a person comes near to another of the same, and to nobody else's."""


def templates_of(person: int, walk: int, count: int = 12) -> FloatArray:
    own = np.random.default_rng(person).standard_normal((1, F, D))
    noise = np.random.default_rng([person, walk]).standard_normal((count, F, D))
    return (own + 0.3 * noise).astype(np.float32)


def enrol(gallery: Gallery, name: str, person: int) -> None:
    gallery.enrol(name, [NewEnrolment(CONTRACT, SENSOR, 1.2, 1.0, templates_of(person, 0))], "asked")


def load(gallery: Gallery) -> TemplateIndex:
    return TemplateIndex.load(gallery, CONTRACT, BACKEND, [SENSOR])


def finished(
    visit: str,
    person: int,
    walk: int = 1,
    name: str | None = None,
    candidates: dict[str, int] | None = None,
    person_id: int | None = None,
    **changes: Any,
) -> FinishedVisit:
    """A visit of a person; the walk shows the person's number, the outcome the name.

    Args:
        visit: its id.
        person: who walks.
        walk: number of the walk.
        name: who was identified.
        candidates: names with ids.
        person_id: id of `name`, where it is not among the candidates.
        **changes: of `Left`, and `cages`.
    """
    cages = changes.pop("cages", templates_of(person, walk))
    shown = tuple(VisitCandidate(each, 0.9, 0.5) for each in candidates or {})
    left = Left(
        id=f"{visit}-3",
        visit=visit,
        source="door",
        time="2026-05-06T07:08:11.000+00:00",
        t=9.5,
        tracks=(1,),
        arrived="2026-05-06T07:08:01.500+00:00",
        outcome="unknown" if name is None else "person",
        person=name,
        left="2026-05-06T07:08:09.250+00:00",
        duration_s=7.75,
        walking_s=1.2,
        quality=0.75,
        reason="score reaches the threshold",
        reason_code="stranger" if name is None else "accepted",
        confidence=90,
        candidates=shown,
    )
    left = msgspec.structs.replace(left, **changes)
    ids = tuple((candidates or {}).values())
    identified = None if name is None else (candidates or {}).get(name, person_id)
    return FinishedVisit(left, SENSOR, CONTRACT, "", "towards", 12, cages, None, ids, identified)
