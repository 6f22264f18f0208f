"""Weights of the parts of a score, learned from what tells the people of a gallery apart."""

from __future__ import annotations

import numpy as np
import pytest

from tools.trials.evidence_weights import Comparison, learned_weights


def gallery(windows: float, bones: float, people: int = 8) -> Comparison:
    """Returns comparisons of two walks a person: scores vary by 1, those of the right person are higher."""
    random = np.random.default_rng(2)
    owners = np.repeat(np.arange(people), 2)
    right = np.arange(people) == owners[:, None]
    low, high = (random.normal(size=right.shape) + height * right for height in (windows, bones))
    return Comparison(low, high, owners)


def test_the_part_that_tells_people_apart_counts_more() -> None:
    windows, bones = learned_weights(gallery(windows=0.5, bones=3.0), 1.0)
    assert bones > 1.5 * windows
    windows, bones = learned_weights(gallery(windows=3.0, bones=0.5), 1.0)
    assert windows > 1.5 * bones


def test_a_narrow_prior_keeps_the_fitted_weights() -> None:
    assert learned_weights(gallery(windows=0.5, bones=3.0), 0.001) == pytest.approx((1, 1), abs=0.01)


def test_scores_for_others_keep_their_spread() -> None:
    known = gallery(windows=0.5, bones=3.0)
    weights = learned_weights(known, 1.0)
    others = np.arange(known.windows.shape[1]) != known.owners[:, None]
    spread = weights[0] * known.windows[others].std() + weights[1] * known.bones[others].std()
    assert spread == pytest.approx(known.windows[others].std() + known.bones[others].std())
