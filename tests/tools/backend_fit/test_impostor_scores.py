"""Impostor scores: quantiles of the scores of walks against all other people."""

from __future__ import annotations

import numpy as np
import pytest

from gallery.scoring.backend import Backend
from stream.bus.messages import WindowRow
from tools.backend_fit.impostor_scores import TAILS, compare_impostors, impostor_scores
from tools.backend_fit.offline_pipeline import WalkCages, enrol

F, D = 6, 8
RANDOM = np.random.default_rng(21)


def random_walk(person: int, walk: str, windows: int) -> WalkCages:
    cages = RANDOM.standard_normal((windows, F, D)).astype(np.float32)
    rows = tuple(WindowRow(1, n, n + 1, 0, 1.0) for n in range(windows))
    return WalkCages(person, walk, "kinect-v1", rows, cages)


def unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True))


def test_tails_are_quantiles_of_all_scores_against_other_people() -> None:
    people = (3, 5, 8, 9)
    enrolled = [random_walk(person, walk, 30) for person in people for walk in ("1", "2")]
    probes = [random_walk(person, "3", 25 if person != 9 else 12) for person in people]
    stored = enrol(enrolled)
    # The parts in which probes are compared have no effect on the pooled scores.
    parts = [compare_impostors(part, stored, Backend(), "kinect-v1") for part in (probes[:1], probes[1:])]
    found = impostor_scores(parts, "test")
    assert (found.data, found.strangers, found.tails) == ("test", 4, TAILS)
    assert found.windows == (10, 20)  # half of the walks must be that long
    assert found.comparisons == (12, 9)
    for windows, row, excess in zip(found.windows, found.scores, found.excess, strict=True):
        scores = []
        for probe in probes:
            for other in people:
                if other == probe.person or len(probe.cages) < windows:
                    continue
                templates = unit(np.concatenate([w.cages for w in enrolled if w.person == other]))
                similar = np.einsum("wfd,tfd->wft", unit(probe.cages[:windows]), templates)
                scores.append(similar.max(axis=2).mean())
        assert row == pytest.approx(np.quantile(scores, 1 - np.array(TAILS)), abs=1e-5)
        beyond = [score - row[-1] for score in scores if score >= row[-1]]
        assert excess == pytest.approx(sum(beyond) / len(beyond), abs=2e-5)
