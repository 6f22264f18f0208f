"""The heading of a walking person, and the view that follows from it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.body import FloatArray
from stream.walk_views import View
from stream.windows.cutting import WindowCutter, cut_windows
from stream.windows.heading import MIN_SPEED, ViewFinder
from tests.stream.bodies import walking

PERIOD = 33_333_333
TIMES = np.arange(90) * PERIOD


def walker(*, towards: bool) -> FloatArray:
    """A walking body (90, 20, 3) between 5 and 2 m in front of the sensor."""
    joints = walking(TIMES)
    travel = 1.2 * TIMES / 1e9
    joints = joints - joints[:, :1] * np.array([1, 0, 1], np.float32)
    joints[..., 2] += ((5 - travel) if towards else (2 + travel))[:, None]
    return joints


def path(at: complex, heading: complex, speed: float = 1.2, seconds: float = 2.0) -> list[complex]:
    """Positions X + iZ of a walker at 30 a second, whose hips sway by 3 cm with each step of 0.5 s."""
    times = np.arange(round(30 * seconds)) / 30
    sway = 0.03 * np.sin(2 * np.pi * times)
    return list(at + heading * (speed * times + 1j * sway))


def view_of(positions: list[complex], finder: ViewFinder | None = None, start: int = 0) -> View | None:
    finder = ViewFinder() if finder is None else finder
    for frame, position in enumerate(positions):
        finder.add(start + frame * PERIOD, position.real, position.imag)
    return finder.view


@given(
    bearing=st.floats(0, 2 * math.pi),
    distance=st.floats(4, 30),
    angle=st.floats(-180, 180).filter(
        lambda degrees: min(abs(abs(degrees) - 45), abs(abs(degrees) - 135)) > 20
    ),
    speed=st.floats(0.5, 3.0),
)
def test_the_view_is_the_sector_of_the_heading_wherever_the_person_is(
    bearing: float, distance: float, angle: float, speed: float
) -> None:
    sight = complex(math.cos(bearing), math.sin(bearing))
    expected = "away" if abs(angle) < 45 else "towards" if abs(angle) > 135 else "side"
    # One second about the place, in which the direction to a near sensor changes little.
    heading = sight * complex(math.cos(math.radians(angle)), math.sin(math.radians(angle)))
    assert view_of(path(distance * sight - heading * speed / 2, heading, speed, 1.0)) == expected


def test_a_person_who_does_not_travel_has_no_view() -> None:
    for positions in (path(3j, 1j, 0.9 * MIN_SPEED), path(3j, 1j, 0.0)):
        assert view_of(positions) is None
    assert view_of(path(3j, 1j, 1.2 * MIN_SPEED)) == "away"


@pytest.mark.parametrize("seed", range(5))
def test_errors_of_the_measured_distance_are_no_heading(seed: int) -> None:
    """A camera errs by decimetres in the distance of a person far away, who stands or walks across."""
    errors = np.random.default_rng(seed).normal(0, 0.3, 60) * 1j
    assert view_of(list(errors + 12j)) is None
    assert view_of(list(errors / 2 + path(-1 + 12j, 1))) == "side"


def test_the_first_steps_have_no_view_yet() -> None:
    assert view_of([]) is None
    assert view_of(path(3j, 1j, seconds=0.3)) is None
    assert view_of(path(3j, 1j, seconds=0.6)) == "away"


def test_a_person_who_turns_has_the_other_view_within_a_second() -> None:
    finder = ViewFinder()
    there = path(2j, 1j)
    assert view_of(there, finder) == "away"
    assert view_of(path(there[-1], -1j, seconds=1.0), finder, len(there) * PERIOD) == "towards"


def test_a_path_does_not_continue_after_a_pause() -> None:
    finder = ViewFinder()
    assert view_of(path(2j, 1j), finder) == "away"
    assert view_of(path(5 + 2j, 1j, seconds=0.2), finder, 3_000_000_000) is None


@pytest.mark.parametrize(("towards", "view"), [(True, "towards"), (False, "away")])
def test_windows_have_the_view_of_their_walk(towards: bool, view: View) -> None:
    joints = walker(towards=towards)
    for walking_only in (False, True):
        windows = cut_windows(TIMES, joints, walking_only=walking_only)
        assert len(windows) > 20
        assert {window.view for window in windows[5:]} == {view}


def test_another_person_with_the_body_id_begins_a_path_of_their_own() -> None:
    cutter, joints = WindowCutter(), walker(towards=True)
    confidence = np.ones(20, np.float32)
    views = []
    for number, frame in enumerate(joints[:50]):
        if number == 45:
            cutter.forget_body()
        views += [(number, window.view) for window in cutter.push(number * PERIOD, frame, confidence)]
    assert {view for number, view in views if number >= 45} == {None}
    assert {view for number, view in views if 20 < number < 45} == {"towards"}
