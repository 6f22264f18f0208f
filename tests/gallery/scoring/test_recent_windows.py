"""Windows of a track that are taken back when its body changes."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gallery.scoring.recent_windows import KEEP_NS, RecentWindows, ScoredWindow
from gallery.scoring.track_scores import TrackScores
from gallery.scoring.track_statistics import TrackStatistics
from tests.gallery.scoring.test_fusion import MODEL, synthetic_windows

PEOPLE = (3, 5)
ROWS = synthetic_windows(2, 110)


def scores() -> TrackScores:
    return TrackScores(6, TrackStatistics(MODEL))


def windows(steps: list[int]) -> list[ScoredWindow]:
    """Returns windows of 0.17 s whose starts are so many tenths of a second apart."""
    described = scores().statistics.describe(ROWS[: len(steps)])
    starts = np.cumsum(steps) * 100_000_000
    return [
        ScoredWindow(int(at), int(at) + 166_666_667, 0.5 + n / 500, rows, PEOPLE, np.array([n, 1.0]), each)
        for n, (at, rows, each) in enumerate(zip(starts, ROWS, described, strict=False))
    ]


def state(found: TrackScores) -> list[object]:
    return [
        found.windows,
        found.ranking(PEOPLE)[:],
        [row.tobytes() for row in found.templates.rows],
        found.templates.counts,
        found.quality,
        found.statistics.segments.mean.tobytes(),
        [[array.tobytes() for array in arrays] for arrays in found.statistics.states],
    ]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from([1, 1, 1, 1, 2, 9, 35]), min_size=1, max_size=110), st.floats(0, 1))
def test_a_split_gives_the_scores_of_the_windows_before_it(steps: list[int], place: float) -> None:
    every = windows(steps)
    track, recent = scores(), RecentWindows(scores())
    for window in every:
        window.add_to(track)
        recent.add(window, track)
    since_ns = round(every[-1].end_ns - 1.2 * place * KEEP_NS)
    newest_ns = every[-1].end_ns
    settled = [each for each in every if each.end_ns < since_ns or newest_ns - each.end_ns > KEEP_NS]
    expected = scores()
    for window in settled:
        window.add_to(expected)
    found, later = recent.split(since_ns)
    assert state(found) == state(expected)
    assert [id(each) for each in later] == [
        id(each) for each in every[len(settled) :] if each.start_ns >= since_ns
    ]
