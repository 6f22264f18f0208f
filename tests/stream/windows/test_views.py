"""Views of a walk: from which side the sensor sees the person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.windows.views import VIEWS, View, format_views, read_views


@given(st.lists(st.sampled_from(VIEWS), min_size=1))
def test_views_are_read_back(views: list[View]) -> None:
    assert set(read_views(format_views(views))) == set(views)


@pytest.mark.parametrize("text", [None, "", "up", "away,towards", "away,away", "away, side", "Away"])
def test_other_texts_hold_no_views(text: str | None) -> None:
    assert read_views(text) == ()
