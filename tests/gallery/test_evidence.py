"""Evidence of a track: means over windows, and a bounded, even choice of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.evidence import Evidence, Thinned
from stream.bus.messages import Row


@given(st.integers(0, 400), st.integers(1, 40))
def test_thinning_keeps_an_even_choice_within_its_limit(count: int, limit: int) -> None:
    thinned = Thinned(limit)
    for n in range(count):
        thinned.add(np.full((1, 1), n, np.float32))
    kept = [int(cages[0, 0]) for cages in thinned.windows]
    assert len(kept) <= limit
    assert len(kept) > min(count, limit) // 2 or count == 0
    if len(kept) > 1:
        (step,) = set(np.diff(kept))
        assert kept == list(range(0, count, step))


def test_the_ranking_is_the_mean_over_the_windows_compared_by_their_quality() -> None:
    evidence = Evidence(f=6)
    cages = np.zeros((6, 4), np.float32)
    evidence.add(Row(1, 0, 10, 0, 0.5), cages, cages, (1, 2), np.array([0.2, 0.4]))
    evidence.add(Row(1, 5, 20, 0, 1.0), cages, cages, (1, 2, 3), np.array([0.4, 0.2, 0.35]))
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
    evidence.add(Row(1, 0, 10, 0, 0.5), cages, cages, (), np.zeros(0))
    assert "0.1234" not in repr(evidence)
