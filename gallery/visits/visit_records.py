"""Visits that have ended, as the gallery stores them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.track_scores import TemplateMeans
from gallery.store.history_records import NewCandidate, NewVisit, VisitWalk
from gallery.visits.finished_visit import FinishedVisit
from stream.body import FloatArray
from stream.decision import ReasonCode

__all__ = ["KEPT_TEMPLATES", "STRANGER_TEMPLATES", "KeepRule", "VisitToKeep", "fewer_templates"]

KEPT_TEMPLATES = 16
"""Templates kept of a visit: each the mean of four of those that an enrolment of the walk would have."""

STRANGER_TEMPLATES = 8
"""The same of a stranger: the walks of all who are remembered are in memory for a comparison."""

_STRANGERS: tuple[ReasonCode, ...] = ("stranger", "denied-visit", "nobody-enrolled")
"""Reasons for which an unknown person is nobody who is enrolled."""


@dataclass(frozen=True, slots=True, eq=False)
class VisitToKeep:
    """A visit that is to be stored.

    Attributes:
        visit: its record; with the walk of an identified person.
        stranger: the walk of a stranger who is to be remembered; None for anybody else.
    """

    visit: NewVisit
    stranger: VisitWalk | None = None


@dataclass(frozen=True, slots=True)
class KeepRule:
    """What is kept of visits, and for how long.

    Attributes:
        history: how long visits are stored; 0 stores none.
        strangers: how long walks of strangers are kept; 0 keeps none.
        fpir: the rate of strangers that may be named; None where strangers are not rejected.
    """

    history: timedelta
    strangers: timedelta
    fpir: float | None

    def record(self, finished: FinishedVisit, index: TemplateIndex) -> VisitToKeep | None:
        """Returns what is to be stored of a visit; None where nothing is.

        Args:
            finished: the visit.
            index: of the gallery that it was compared with.
        """
        left = finished.left
        person = finished.person if finished.person in index.names else None
        if not self.history or (left.outcome == "person" and person is None):
            return None  # the person was removed meanwhile
        ended = datetime.fromisoformat(left.left)
        known = left.outcome == "person"
        walk = _walk(finished, KEPT_TEMPLATES if known else STRANGER_TEMPLATES)
        visit = NewVisit(
            id=left.visit,
            source=left.source,
            sensor=finished.sensor,
            arrived_at=datetime.fromisoformat(left.arrived),
            left_at=ended,
            keep_until=ended + self.history,
            walking_s=left.walking_s,
            windows=finished.windows,
            quality=left.quality or 0.0,
            outcome=left.outcome,
            person_id=person,
            reason_code=left.reason_code,
            confidence=left.confidence,
            changes=left.changes,
            interrupted=left.interrupted,
            view=finished.views,
            comparison=index.backend.version,
            people=len(index.people_of(finished.sensor)) if finished.sensor in index.sensors else 0,
            fpir=self.fpir,
            candidates=tuple(
                NewCandidate(person, shown.score, shown.threshold)
                for shown, person in zip(left.candidates, finished.candidates, strict=True)
            ),
            walk=walk if known else None,
        )
        remembered = self.strangers and left.outcome == "unknown" and left.reason_code in _STRANGERS
        return VisitToKeep(visit, walk if remembered else None)


def _walk(finished: FinishedVisit, limit: int) -> VisitWalk | None:
    """Returns what is kept of the walk, at most so many templates; None without usable walking."""
    if not len(finished.cages):
        return None
    statistics = np.zeros(0, np.float32) if finished.statistics is None else finished.statistics
    left = finished.left
    return VisitWalk(
        finished.contract,
        finished.sensor,
        finished.windows,
        fewer_templates(finished.cages, finished.windows, limit),
        statistics,
        finished.pose_model or None,
        finished.views or None,
        left.walking_s,
        left.quality or 0.0,
    )


def fewer_templates(cages: FloatArray, windows: int, limit: int) -> FloatArray:
    """Returns templates in place of more, each a mean over as many windows.

    Args:
        cages: (m, f, D) templates of a walk.
        windows: number of windows that they are means of.
        limit: the most to return.
    """
    ends = TemplateMeans.ends(len(cages), windows)
    counts: NDArray[np.int64] = np.diff(ends, prepend=0)
    while len(cages) > limit:
        starts = np.arange(0, len(cages), 2)
        sums = np.add.reduceat(cages * counts[:, None, None].astype(np.float32), starts)
        counts = np.add.reduceat(counts, starts)
        cages = (sums / counts[:, None, None]).astype(np.float32)
    return cages
