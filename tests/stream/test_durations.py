"""Durations as users write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.durations import LONGEST, parse_duration
from stream.errors import UserError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("0d", 0),
        ("30d", 30 * 86400),
        ("12h", 12 * 3600),
        ("90min", 5400),
        ("1.5h", 5400),
        (" 45 s ", 45),
        ("2w", 14 * 86400),
    ],
)
def test_numbers_with_units_are_durations(text: str, seconds: float) -> None:
    assert parse_duration(text, "--history") == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "d", "30", "-1d", "30 days", "1e3d", "nan", "3m", "\u0663d", "9" * 40])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UserError, match="--history: expected a duration such as 30d, 12h or 90min, or 0"):
        parse_duration(text, "--history")


def test_a_duration_has_a_limit() -> None:
    with pytest.raises(UserError, match=r"--since: expected at most 3650d, got 3651d"):
        parse_duration("3651d", "--since")


@given(st.text(max_size=20))
def test_no_text_gives_more_than_the_limit_or_another_error(text: str) -> None:
    try:
        found = parse_duration(text, "--history")
    except UserError as error:
        assert str(error).startswith("--history: ")
    else:
        assert timedelta() <= found <= LONGEST
