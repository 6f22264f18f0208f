"""The trial of reviews: kept walks give the answer of the whole walk."""

from __future__ import annotations

from tests.gallery.visits.finished import BACKEND
from tests.tools.trials.test_denied_visits import walks
from tools.trials.visit_review import compare_answers


def test_every_visit_but_those_enrolled_is_compared() -> None:
    found = compare_answers(walks([0, 1, 2, 3, 4, 5]), BACKEND, 3, 0.05, seed=2)
    assert sorted(found.visits.tolist()) == [2, 2, 2, 4, 4, 4]
    assert found.changed.sum() == 0, "who is like nobody else keeps the answer"
