"""Tracks of a video joined by visits, and the colours over their links."""

from __future__ import annotations

import numpy as np
import pytest

from tools.trials.video_tracking import ImageTrack, VideoTracks, count_fragmentations
from tools.trials.visits.video_scene import join_tracks, linked_colours, split_colours


def track(first: int, last: int, x: float, colour: float) -> ImageTrack:
    made = ImageTrack()
    for number in range(first, last + 1):
        left = x + number
        made.boxes[number] = (left, 100.0, left + 40, 200.0)
        made.torsos[number] = np.zeros((4, 2), np.float32)
        made.colours[number] = np.array([colour, 0, 0], np.float32)
    return made


def video(*tracks: ImageTrack) -> VideoTracks:
    made = VideoTracks(size=(768, 576), rate=10.0)
    made.tracks.update(dict(enumerate(tracks, start=1)))
    return made


def test_a_visit_over_a_break_leaves_no_fragment() -> None:
    plaza = video(track(0, 30, 200, 50), track(35, 60, 200, 50), track(0, 60, 500, 90))
    assert count_fragmentations(plaza) == 1
    joined = join_tracks(plaza, [[1, 2], [3]])
    assert count_fragmentations(joined) == 0
    assert sorted(joined.tracks) == [1, 3]
    assert (joined.tracks[1].first, joined.tracks[1].last) == (0, 60)
    assert count_fragmentations(join_tracks(plaza, [])) == 1


def test_links_of_other_colours_stand_out() -> None:
    plaza = video(track(0, 30, 200, 50), track(35, 60, 200, 50), track(65, 90, 200, 90))
    same, other = linked_colours(plaza.tracks, [[1, 2, 3]])
    assert same == pytest.approx(0)
    assert other == pytest.approx(40)
    assert split_colours(plaza.tracks.values()) == [0, 0, 0]
