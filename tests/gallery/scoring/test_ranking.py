"""The ranking of candidates, against sorting all of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.scoring.ranking import CandidateScore, Ranking
from gallery.scoring.track_scores import TrackScores

SCORES = st.lists(st.sampled_from([-2.0, 0.0, 0.5, 0.50001, 0.6, 3.0]), max_size=7)


@given(SCORES, st.data())
def test_it_is_sorted_by_score_and_then_by_id(scores: list[float], data: st.DataObject) -> None:
    people = tuple(range(10, 10 + len(scores)))
    ranked = data.draw(st.lists(st.booleans(), min_size=len(scores), max_size=len(scores)))
    places = np.flatnonzero(ranked)
    windows = np.arange(len(scores))
    found = Ranking(people, np.array(scores)[places], windows, places)
    expected = sorted(
        (CandidateScore(people[n], scores[n], int(windows[n])) for n in places.tolist()),
        key=lambda each: (-each.score, each.person),
    )
    assert list(found) == expected
    assert found[:3] == expected[:3]
    assert found.runner_up == (expected[1] if len(expected) > 1 else None)
    assert len(found) == len(expected)
    assert found.near(1e-4) == [each for each in expected if expected[0].score - each.score < 1e-4]


@given(SCORES.filter(bool))
def test_without_places_all_people_are_ranked(scores: list[float]) -> None:
    people = tuple(range(len(scores)))
    windows = np.ones(len(scores), np.int64)
    every = Ranking(people, np.array(scores), windows, np.arange(len(scores)))
    assert list(Ranking(people, np.array(scores), windows)) == list(every)


def test_there_is_no_candidate_beyond_the_last() -> None:
    found = Ranking((1,), np.ones(1), np.ones(1, np.int64))
    with pytest.raises(IndexError):
        found[1]


@given(st.lists(st.sets(st.integers(1, 4), min_size=1), min_size=1, max_size=12), st.integers(1, 6))
def test_people_count_from_the_window_at_which_they_were_enrolled(
    enrolled: list[set[int]], least: int
) -> None:
    """Windows are compared with the people of a gallery that changes; each is ranked by their own windows."""
    track, counts = TrackScores(f=6), dict.fromkeys(range(1, 5), 0)
    for people in enrolled:
        ids = tuple(sorted(people))
        track.add(1.0, np.zeros((6, 4), np.float32), ids, np.array(ids, float))
        counts = {person: count + 1 if person in people else 0 for person, count in counts.items()}
    last = tuple(sorted(enrolled[-1]))
    expected = {person: counts[person] for person in last if counts[person] >= least}
    assert {each.person: each.windows for each in track.ranking(last, least)} == expected
    assert [each.score for each in track.ranking(last, least)] == sorted(map(float, expected), reverse=True)
