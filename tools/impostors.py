"""How high people score against the templates of others: what thresholds come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from gallery.backend import Backend
from gallery.calibration import ImpostorScores
from gallery.records import PersonTemplates
from gallery.scoring import TemplateIndex
from tools.live_path import WalkCages, follow

__all__ = ["EVIDENCE", "TAILS", "measure_impostors"]

EVIDENCE = (10, 20, 50, 100, 150)
"""Windows of evidence, one row of scores each; a row needs that half of the walks last so long."""

TAILS = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
"""Shares of comparisons. The smallest is 16 of the ordered pairs of 40 people; fewer would be anecdotes."""


def measure_impostors(
    probes: Iterable[WalkCages],
    enrolled: Sequence[PersonTemplates],
    backend: Backend,
    sensor: str,
    data: str,
) -> ImpostorScores:
    """Compare walks with the templates of everybody but the one who walks.

    Args:
        probes: walks.
        enrolled: templates of other walks of the same people.
        backend: projects both.
        sensor: the kind of sensor that saw them.
        data: whom it is measured on, in words.
    """
    index = TemplateIndex(enrolled, backend, [sensor])
    people = np.array(index.people)
    found: dict[int, list[NDArray[np.float64]]] = {count: [] for count in EVIDENCE}
    strangers: list[int] = []
    for probe in probes:
        scores = follow(index, probe)[:, people != probe.person]
        strangers.append(probe.person)
        for count in EVIDENCE:
            found[count] += list(scores[count - 1 : count])
    rows = {count: np.concatenate(rows) for count, rows in found.items() if 2 * len(rows) >= len(strangers)}
    tails = [np.quantile(row, 1 - np.array(TAILS)).round(5).tolist() for row in rows.values()]
    return ImpostorScores(
        data=data,
        strangers=len(set(strangers)),
        windows=tuple(rows),
        comparisons=tuple(map(len, rows.values())),
        tails=TAILS,
        scores=tuple(map(tuple, tails)),
    )
