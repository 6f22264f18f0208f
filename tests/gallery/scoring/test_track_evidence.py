"""Evidence of a track: means over windows, and a bounded number of rows for all of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.scoring.track_evidence import Averages, Evidence
from stream.bus.messages import Row


@given(st.integers(0, 400), st.integers(1, 40))
def test_what_is_kept_are_means_of_equal_numbers_of_windows_in_a_row(count: int, limit: int) -> None:
    averages = Averages(limit)
    for n in range(count):
        averages.add(np.full((1, 1), n, np.float32))
    kept = [float(cages[0, 0]) for cages in averages.rows]
    assert len(kept) <= limit
    assert len(kept) > min(count, limit) // 2 or count == 0
    each = 1
    while each * limit < count:
        each *= 2
    assert kept == pytest.approx([np.mean(range(n, min(n + each, count))) for n in range(0, count, each)])


def test_the_ranking_is_the_mean_over_the_windows_compared_by_their_quality() -> None:
    evidence = Evidence(f=6)
    cages = np.zeros((6, 4), np.float32)
    evidence.add(Row(1, 0, 10, 0, 0.5), cages, (1, 2), np.array([0.2, 0.4]))
    evidence.add(Row(1, 5, 20, 0, 1.0), cages, (1, 2, 3), np.array([0.4, 0.2, 0.35]))
    ranking = evidence.ranking((1, 2, 3))
    assert [standing.person for standing in ranking] == [3, 1, 2]
    assert [standing.score for standing in ranking] == pytest.approx([0.35, 1 / 3, 0.8 / 3])
    assert [standing.windows for standing in ranking] == [1, 2, 2]
    assert [standing.person for standing in evidence.ranking((1, 2, 3), least=2)] == [1, 2]
    assert [standing.person for standing in evidence.ranking((2,))] == [2]
    assert (evidence.windows, evidence.quality) == (2, 0.75)
    assert evidence.seconds == pytest.approx(0.2)
    added = evidence.ranking((1, 2, 3), added=np.array([0.0, 0.2, -0.1]))
    assert [(standing.person, round(standing.score, 6)) for standing in added] == [
        (2, 0.466667),
        (1, 0.333333),
        (3, 0.25),
    ]


def test_numbers_of_people_never_show_in_a_repr() -> None:
    evidence = Evidence(f=6)
    cages = np.full((6, 4), 0.123456, np.float32)
    evidence.add(Row(1, 0, 10, 0, 0.5), cages, (), np.zeros(0))
    assert "0.1234" not in repr(evidence)
