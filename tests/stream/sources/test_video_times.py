"""Times of the pictures of a video: taken from the file, or a guess that is said."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.sources.camera.video_times import PictureTimes, believable_times


@dataclass(frozen=True)
class Stamps:
    pts: int | None
    dts: int | None


UNITS = st.sampled_from([Fraction(1, 90000), Fraction(1, 1000), Fraction(1, 30), Fraction(1001, 30000)])


@given(st.integers(-1000, 10**9), st.lists(st.integers(1, 10**6), max_size=20), UNITS)
def test_times_are_those_of_the_file_and_not_negative(first: int, steps: list[int], unit: Fraction) -> None:
    stamps = [first]
    for step in steps:
        stamps.append(stamps[-1] + step)
    times = PictureTimes(unit)
    given_ns = [times.next_ns(Stamps(stamp, None)) for stamp in stamps]
    shift = max(0, -first)
    assert given_ns == [round((stamp + shift) * unit * 10**9) for stamp in stamps]


def test_last_pictures_of_an_avi_go_on_at_its_rate() -> None:
    times = PictureTimes(Fraction(1, 10), by_dts=True)
    stamps = [Stamps(1, 2), Stamps(3, 3), Stamps(2, 4), Stamps(5, None), Stamps(4, None)]
    assert [times.next_ns(stamp) / 10**8 for stamp in stamps] == [2, 3, 4, 5, 6]


MILLISECOND = Fraction(1, 1000)
DOUBTED: dict[str, tuple[list[int | None], Fraction | None, str]] = {
    "missing": ([None] * 5, MILLISECOND, "gives no times"),
    "no unit": ([1, 2, 3], None, "gives no times"),
    "equal": ([7] * 5, MILLISECOND, "gives the same time for several pictures"),
    "fast": ([n // 2 for n in range(20)], Fraction(1, 5000), "pictures"),
    "slow": ([0, 1500, 3000], MILLISECOND, "has 0.667 pictures a second"),
}


@pytest.mark.parametrize("kind", DOUBTED)
def test_times_that_nobody_records_are_doubted(kind: str) -> None:
    stamps, unit, reason = DOUBTED[kind]
    guess = believable_times(stamps, unit, Fraction(25))
    assert isinstance(guess, PictureTimes)
    assert reason in guess.note and "n / 25 s, the rate of its header" in guess.note
    assert [guess.next_ns(Stamps(None, None)) for _ in range(3)] == [0, 40_000_000, 80_000_000]
    for impossible in (None, Fraction(5000), Fraction(1, 2)):
        refused = believable_times(stamps, unit, impossible)
        assert isinstance(refused, str) and reason in refused


@pytest.mark.parametrize("stamps", [[0], [0, 33, 67, 67, 100], [100, 0, 33, 67], [0, 1, 2], [0, 1000, 2000]])
def test_times_that_can_be_are_used_without_a_word(stamps: list[int | None]) -> None:
    times = believable_times(stamps, MILLISECOND, Fraction(5000))
    assert isinstance(times, PictureTimes) and not times.note and not times.counted
