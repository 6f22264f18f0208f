"""Tests of boosted trees."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier  # type: ignore[import-untyped]

from stream.windows.boosted_trees import load_trees
from tools.backend_fit.body_change_fit import trees_of


def test_the_scores_are_those_of_the_fitted_model() -> None:
    random = np.random.default_rng(4)
    numbers = random.standard_normal((400, 5)).astype(np.float32)
    labels = (numbers[:, 0] * numbers[:, 1] + 0.3 * random.standard_normal(400) > 0).astype(int)
    model = HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=8, early_stopping=False)
    model.fit(numbers, labels)
    trees = trees_of(model)
    expected = model.decision_function(numbers)
    assert [trees.score(row) for row in numbers] == pytest.approx(expected.tolist(), abs=1e-5)


def test_the_trees_that_ship_compare_measures_that_exist() -> None:
    trees = load_trees()
    assert 0 <= trees.feature.max() < 74
    assert np.isfinite(trees.value).all() and np.isfinite(trees.limit[trees.feature >= 0]).all()
    assert np.isfinite(trees.score(np.zeros(74, np.float32)))
