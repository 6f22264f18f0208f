"""How high people score against the templates of others: what thresholds come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.backend import Backend
from gallery.scoring.calibration import ImpostorScores
from gallery.scoring.template_index import TemplateIndex
from gallery.store.records import PersonTemplates
from tools.backend_fit.offline_pipeline import WalkCages, follow

__all__ = ["EVIDENCE", "TAILS", "Comparisons", "compare_impostors", "impostor_scores"]

EVIDENCE = (10, 20, 50, 100, 150)
"""Windows of evidence, one row of scores each; a row needs that half of the walks last so long."""

TAILS = (0.5, 0.2, 0.1, 0.05, 0.025)
"""Shares of comparisons. The smallest is 39 of the ordered pairs of 40 people; fewer would be anecdotes."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """Walks compared with the templates of everybody but the one who walks.

    Attributes:
        strangers: who walks, one a walk.
        scores: by windows of evidence: (P - 1,) of each walk that lasts so long.
    """

    strangers: tuple[int, ...]
    scores: dict[int, list[NDArray[np.float64]]]


def compare_impostors(
    probes: Iterable[WalkCages], enrolled: Sequence[PersonTemplates], backend: Backend, sensor: str
) -> Comparisons:
    """Compare walks with the templates of everybody but the one who walks.

    Args:
        probes: walks.
        enrolled: templates of other walks of the same people.
        backend: compares both.
        sensor: the kind of sensor that saw them.
    """
    index = TemplateIndex(enrolled, backend, [sensor])
    people = np.array(index.people_of(sensor))
    found: dict[int, list[NDArray[np.float64]]] = {count: [] for count in EVIDENCE}
    strangers: list[int] = []
    for probe in probes:
        scores = follow(index, probe)[:, people != probe.person]
        strangers.append(probe.person)
        for count in EVIDENCE:
            found[count] += list(scores[count - 1 : count])
    return Comparisons(tuple(strangers), found)


def impostor_scores(several: Sequence[Comparisons], data: str) -> ImpostorScores:
    """The upper tails of comparisons, taken together.

    Args:
        several: of people who were compared among each other.
        data: whom it is measured on, in words.
    """
    strangers = [person for one in several for person in one.strangers]
    lasting = {count: [row for one in several for row in one.scores[count]] for count in EVIDENCE}
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
