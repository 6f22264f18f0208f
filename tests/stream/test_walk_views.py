"""Views of a walk: from which side the sensor sees the person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.walk_views import VIEWS, View, format_views, read_views, seen_views


@given(st.lists(st.sampled_from(VIEWS), min_size=1))
def test_views_are_read_back(views: list[View]) -> None:
    assert set(read_views(format_views(views))) == set(views)


@pytest.mark.parametrize("text", [None, "", "up", "away,towards", "away,away", "away, side", "Away"])
def test_other_texts_hold_no_views(text: str | None) -> None:
    assert read_views(text) == ()


@pytest.mark.parametrize(
    ("seconds", "walking", "views"),
    [
        ({}, 0.0, ()),
        ({}, 5.0, ()),
        ({"away": 1.5, "towards": 1.5}, 9.0, ("towards", "away")),
        ({"away": 4.0, "side": 1.4}, 6.0, ("away",)),
        ({"away": 0.9, "towards": 0.6, "side": 0.8}, 4.6, ()),
        ({"side": 1.0}, 1.5, ("side",)),
        ({"side": 0.7}, 1.5, ()),
        ({"away": 0.8, "side": 0.8}, 1.6, ("away", "side")),
    ],
)
def test_a_walk_shows_the_views_of_a_stride_or_of_half_a_short_walk(
    seconds: dict[View, float], walking: float, views: tuple[View, ...]
) -> None:
    assert seen_views(seconds, walking) == views
