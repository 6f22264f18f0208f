"""Impostor scores: comparisons of people with the templates of others, the source of thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.backend import Backend
from gallery.scoring.impostor_scores import ImpostorScores
from gallery.scoring.template_index import TemplateIndex
from gallery.store.records import PersonTemplates
from tools.backend_fit.offline_pipeline import WalkCages, track_scores

__all__ = ["EVIDENCE_WINDOWS", "TAILS", "Comparisons", "compare_impostors", "impostor_scores"]

EVIDENCE_WINDOWS = (10, 20, 50, 100, 150)
"""Numbers of windows, one row of scores each; a row needs half of the walks to be that long."""

TAILS = (0.5, 0.2, 0.1, 0.05, 0.025)
"""Shares of comparisons. The smallest is 39 of the ordered pairs of 40 people; fewer do not suffice."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """Scores of walks against the templates of all other people.

    Attributes:
        strangers: the person of each walk.
        scores: by number of windows: (P - 1,) for each walk of at least that length.
    """

    strangers: tuple[int, ...]
    scores: dict[int, list[NDArray[np.float64]]]


def compare_impostors(
    probes: Iterable[WalkCages], enrolled: Sequence[PersonTemplates], backend: Backend, sensor: str
) -> Comparisons:
    """Compares walks with the templates of all other people.

    Args:
        probes: the walks.
        enrolled: templates of other walks of the same people.
        backend: scores the comparisons.
        sensor: the kind of sensor of both.
    """
    index = TemplateIndex(enrolled, backend, [sensor])
    people = np.array(index.people_of(sensor))
    found: dict[int, list[NDArray[np.float64]]] = {count: [] for count in EVIDENCE_WINDOWS}
    strangers: list[int] = []
    for probe in probes:
        scores = track_scores(index, probe)[:, people != probe.person]
        strangers.append(probe.person)
        for count in EVIDENCE_WINDOWS:
            found[count] += list(scores[count - 1 : count])
    return Comparisons(tuple(strangers), found)


def impostor_scores(several: Sequence[Comparisons], data: str) -> ImpostorScores:
    """Returns the upper tails of pooled comparisons.

    Args:
        several: comparisons among several groups of people.
        data: description of the people and walks.
    """
    strangers = [person for one in several for person in one.strangers]
    lasting = {count: [row for one in several for row in one.scores[count]] for count in EVIDENCE_WINDOWS}
    rows = {count: np.concatenate(r) for count, r in lasting.items() if r and 2 * len(r) >= len(strangers)}
    tails = [np.quantile(row, 1 - np.array(TAILS)) for row in rows.values()]
    beyond = [row[row >= tail[-1]] - tail[-1] for row, tail in zip(rows.values(), tails, strict=True)]
    return ImpostorScores(
        data=data,
        strangers=len(set(strangers)),
        windows=tuple(rows),
        comparisons=tuple(map(len, rows.values())),
        tails=TAILS,
        scores=tuple(tuple(tail.round(5).tolist()) for tail in tails),
        excess=tuple(round(float(over.mean()), 5) for over in beyond),
    )
