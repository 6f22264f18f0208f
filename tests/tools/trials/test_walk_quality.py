"""The trial of quality: rank correlations, the fit of losses, and cross-validation over people."""

from __future__ import annotations

import numpy as np
import pytest

from encoder.pose import BONE_COLUMNS, POSE_WIDTH
from tools.trials.walk_quality import AssessedWalk, Measured, cross_validate, fit_losses, rank_correlation


def measured(slope: float, noise: float, people: int = 20) -> Measured:
    """Walks whose scores depend on the variation of all bones."""
    random = np.random.default_rng(7)
    walks, means, later = [], [], []
    for person in range(1, people + 1):
        for order in range(4):
            variation = random.uniform(0.05, 0.2)
            described = np.zeros((100, POSE_WIDTH), np.float32)
            described[:, BONE_COLUMNS] = 0.3 * (1 + variation * random.standard_normal((100, 19)))
            walks.append(AssessedWalk(person, "", order, described, np.ones(100), described, variation))
            scores = 4 - slope * variation + noise * random.standard_normal(3)
            means.append(scores.mean())
            later.append(scores[order:].tolist())
    return Measured(walks, np.array(means), later)


def test_the_fit_finds_the_loss_of_the_scores() -> None:
    _, usual, score, loss = fit_losses(measured(slope=8.0, noise=0.0))
    assert usual == pytest.approx(0.125, abs=0.03)
    assert score == pytest.approx(4 - 8 * usual, abs=0.1)
    assert loss * score == pytest.approx(8, rel=0.1)


def test_cross_validation_finds_a_relation_and_none_where_there_is_none() -> None:
    related = measured(slope=8.0, noise=0.2)
    over_walks, over_pairs, chosen = cross_validate(related, seed=0)
    assert over_walks > over_pairs > 0.7
    assert len(chosen) == 5
    unrelated, _, _ = cross_validate(measured(slope=0.0, noise=0.2), seed=0)
    assert abs(unrelated) < 0.4


def test_rank_correlation_is_of_ranks() -> None:
    data = measured(slope=8.0, noise=0.0)
    assert rank_correlation(data, np.exp(data.means)) == pytest.approx((1.0, 1.0))
    assert rank_correlation(data, -data.means)[0] == pytest.approx(-1.0)
    assert [walk.person for walk in data.of(data.people == 3).walks] == [3] * 4
