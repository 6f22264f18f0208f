"""Scores of a track: weighted means over windows, and a bounded number of templates."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.scoring.fusion import FusionModel
from gallery.scoring.track_scores import TemplateMeans, TrackScores
from gallery.scoring.track_statistics import TrackStatistics
from tests.gallery.scoring.test_fusion import MODEL, synthetic_windows


@given(st.integers(0, 400), st.integers(1, 40))
def test_templates_are_means_of_equal_numbers_of_consecutive_windows(count: int, limit: int) -> None:
    means = TemplateMeans(limit)
    for n in range(count):
        means.add(np.full((1, 1), n, np.float32))
    kept = [float(cages[0, 0]) for cages in means.rows]
    assert len(kept) <= limit
    assert len(kept) > min(count, limit) // 2 or count == 0
    each = 1
    while each * limit < count:
        each *= 2
    assert kept == pytest.approx([np.mean(range(n, min(n + each, count))) for n in range(0, count, each)])


def test_the_ranking_is_the_mean_over_the_compared_windows_weighted_by_quality() -> None:
    track = TrackScores(f=6)
    cages = np.zeros((6, 4), np.float32)
    track.add(0.5, cages, (1, 2), np.array([0.2, 0.4]))
    track.add(1.0, cages, (1, 2, 3), np.array([0.4, 0.2, 0.35]))
    ranking = track.ranking((1, 2, 3))
    assert [candidate.person for candidate in ranking] == [3, 1, 2]
    assert [candidate.score for candidate in ranking] == pytest.approx([0.35, 1 / 3, 0.8 / 3])
    assert [candidate.windows for candidate in ranking] == [1, 2, 2]
    assert [candidate.person for candidate in track.ranking((1, 2, 3), min_windows=2)] == [1, 2]
    assert [candidate.person for candidate in track.ranking((2,))] == [2]
    assert track.windows == 2
    assert track.seconds == pytest.approx(0.2)
    added = track.ranking((1, 2, 3), added=np.array([0.0, 0.2, -0.1]))
    assert [(candidate.person, round(candidate.score, 6)) for candidate in added] == [
        (2, 0.466667),
        (1, 0.333333),
        (3, 0.25),
    ]


def test_no_repr_shows_template_values() -> None:
    track = TrackScores(f=6)
    cages = np.full((6, 4), 0.123456, np.float32)
    track.add(0.5, cages, (), np.zeros(0))
    assert "0.1234" not in repr(track)


@pytest.mark.parametrize("model", [None, MODEL], ids=["nearest", "fusion"])
def test_a_track_keeps_nothing_of_the_windows_of_others_that_came_with_its_own(
    model: FusionModel | None,
) -> None:
    track, together = TrackScores(6, TrackStatistics(model)), 100
    rows = synthetic_windows(1, together)
    tracemalloc.start()
    try:
        for _ in range(60):
            batch = rows.copy()
            described = track.statistics.describe(batch)
            track.add_described(1.0, batch[0], (), np.zeros(0), described[0])
        del batch, described
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 3 * 60 * rows[0].nbytes
