"""Remembered strangers: somebody unknown who comes again gets the same number.

The whole visit is compared with the kept walks of earlier strangers, on the same kind of sensor and of the
same encoder, as if these were enrolled people: their mean is the site's, the best of them is accepted if its
score reaches the threshold for a gallery of their number, by what was measured elsewhere. A stranger who is
accepted keeps the number, and the walk is added; anybody else gets a new one.

`python -m tools.trials.visitor_ids` measures how often the same person gets the same number, and how often
two people share one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from gallery.calibration.gallery_calibration import measured_elsewhere
from gallery.calibration.stranger_visits import template_ends
from gallery.scoring.backend import Backend
from gallery.scoring.template_index import TemplateIndex
from gallery.store.gallery import Gallery
from gallery.store.history_records import NewVisit, RememberedVisitor, VisitWalk, visitor_name
from gallery.store.records import PersonTemplates

__all__ = ["VISITOR_FPIR", "StrangerBank", "find_visitor"]

VISITOR_FPIR = 0.01
"""Share of new strangers that may get the number of an earlier one, by what was measured elsewhere."""


class StrangerBank:
    """Tells who of the strangers has been here before; all it knows is in the gallery.

    Args:
        backend: compares walks.
        fpir: see `VISITOR_FPIR`.
    """

    def __init__(self, backend: Backend, fpir: float = VISITOR_FPIR) -> None:
        self._backend = backend
        self._fpir = fpir

    def remember(self, gallery: Gallery, visit: NewVisit, walk: VisitWalk, until: datetime) -> int | None:
        """Stores the visit of a stranger with the walk; returns the stranger's number.

        On a kind of sensor without scores of strangers nobody can be told from others: the visit is stored
        without the walk, and there is no number.

        Args:
            gallery: the gallery.
            visit: of the stranger.
            walk: of the visit.
            until: when the walk is to be deleted (aware).

        Raises:
            GalleryError: it cannot be stored now.
        """
        if self._backend.visits_of(walk.sensor) is None:
            gallery.history.add([visit])
            return None
        known = gallery.history.visitors(walk.contract_id, walk.sensor)
        number = find_visitor(known, walk, self._backend, self._fpir)
        return gallery.history.add_stranger(replace(visit, walk=walk), number, until)


def find_visitor(
    known: Sequence[RememberedVisitor], walk: VisitWalk, backend: Backend, fpir: float = VISITOR_FPIR
) -> int | None:
    """Returns the number of the stranger whose walk this is; None if it is a new one's, or cannot be told.

    Args:
        known: strangers, with walks of the same kind of sensor and encoder.
        walk: of a whole visit.
        backend: compares walks.
        fpir: see `VISITOR_FPIR`.
    """
    if not known:
        return None
    walks = [_enrolled(visitor.number, each) for visitor in known for each in visitor.walks]
    index = TemplateIndex(walks, backend, [walk.sensor])
    calibration = measured_elsewhere(index).get(walk.sensor)
    if calibration is None:
        return None
    probe = _enrolled(0, walk)
    ends = template_ends(probe)
    scores = index.walk_course(probe.templates, probe.statistics, ends, walk.sensor)[-1]
    best = int(scores.argmax())
    if scores[best] < calibration.threshold(fpir, int(ends[-1])):
        return None
    return index.people_of(walk.sensor)[best]


def _enrolled(number: int, walk: VisitWalk) -> PersonTemplates:
    return PersonTemplates(
        number,
        visitor_name(number),
        walk.sensor,
        walk.templates,
        walk.statistics,
        walk.pose_model,
        walk.view,
        seconds=walk.seconds,
    )
