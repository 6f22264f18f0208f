"""The trial of strangers' ids counts returns, taken numbers and shared ones."""

from __future__ import annotations

import numpy as np

from gallery.store.history_records import VisitWalk
from tests.gallery.visits.finished import BACKEND, CONTRACT, SENSOR, templates_of
from tools.trials.visitor_ids import pass_by


def walk(person: int, number: int) -> VisitWalk:
    none = np.zeros(0, np.float32)
    return VisitWalk(CONTRACT, SENSOR, 12, templates_of(person, number), none, None, None, 1.2, 1.0)


def test_who_comes_again_has_the_same_number() -> None:
    found = pass_by([(walk(person, 1), walk(person, 2)) for person in range(6)], BACKEND, 0.01, seed=1)
    assert found.returns.all()
    assert (found.taken.tolist(), found.shared) == ([0] * 6, 0.0)


def test_two_people_who_walk_alike_share_a_number_and_a_changed_walk_gets_a_new_one() -> None:
    alike, changed = (walk(1, 3), walk(1, 4)), (walk(2, 1), walk(9, 1))
    found = pass_by([(walk(1, 1), walk(1, 2)), alike, changed], BACKEND, 0.01, seed=1)
    assert found.returns.tolist() == [True, True, False]
    assert sorted(found.taken[:2].tolist()) == [0, 2], "the one who came second has the other's number"
    assert found.taken[2] == 0
    assert found.shared == 1 / 3
