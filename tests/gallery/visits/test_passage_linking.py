"""Links between two tracks: time, place and size of body."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gallery.visits.passage_linking import LONGEST_BREAK_S, Motion, link_cost
from stream.bus.messages import TrackPlace


def walked(
    track: int, start: float, x: float, speed: float, size: float = 1.3, seconds: float = 1.0
) -> Motion:
    places = [
        TrackPlace(track, round((start + n / 10) * 1e9), x + speed * n / 10, 3.0, size)
        for n in range(round(seconds * 10) + 1)
    ]
    motion = Motion.of(places[0])
    for place in places[1:]:
        motion.add(place)
    return motion


def test_a_body_is_expected_where_it_walks_to() -> None:
    x, z = walked(1, 0.0, 0.0, 1.2, seconds=4.0).at(5_000_000_000)
    assert abs(x - 6.0) < 0.1
    assert abs(z - 3.0) < 1e-6


@given(gap=st.floats(0.05, LONGEST_BREAK_S - 0.01), speed=st.floats(-1.5, 1.5))
def test_a_body_that_walks_on_is_linked(gap: float, speed: float) -> None:
    before = walked(1, 0.0, 0.0, speed, seconds=3.0)
    after = walked(2, 3.0 + gap, speed * (3.0 + gap), speed)
    assert link_cost(before, after) is not None


@given(gap=st.floats(0.05, LONGEST_BREAK_S - 0.01))
def test_a_body_that_stops_or_turns_back_is_linked(gap: float) -> None:
    before = walked(1, 0.0, 0.0, 1.2)
    assert link_cost(before, walked(2, 1.0 + gap, 1.2, 0.0)) is not None


def test_time_place_and_size_each_rule_a_link_out() -> None:
    before = walked(1, 0.0, 0.0, 1.0)
    assert link_cost(before, walked(2, 1.0 + LONGEST_BREAK_S + 0.2, 1.0, 1.0)) is None
    assert link_cost(before, walked(2, 1.2, 4.0, 1.0)) is None
    assert link_cost(before, walked(2, 1.2, 1.0, 1.0, size=0.9)) is None
    assert link_cost(before, walked(2, 0.5, 0.5, 1.0)) is None, "both were in sight at once"


def test_an_unseen_size_rules_nothing_out() -> None:
    assert link_cost(walked(1, 0.0, 0.0, 1.0), walked(2, 1.2, 1.2, 1.0, size=0.0)) is not None


def test_the_better_fit_costs_less() -> None:
    before = walked(1, 0.0, 0.0, 1.0)
    near, far = link_cost(before, walked(2, 1.5, 1.5, 1.0)), link_cost(before, walked(2, 1.5, 2.2, 1.0))
    assert near is not None
    assert far is not None
    assert near < far


@given(likeness=st.floats(-2.0, 0.9), more=st.floats(0.01, 1.0))
def test_the_more_alike_two_walks_are_the_less_a_link_costs(likeness: float, more: float) -> None:
    before, after = walked(1, 0.0, 0.0, 1.0), walked(2, 1.5, 1.5, 1.0)
    less = link_cost(before, after, likeness)
    cost = link_cost(before, after, likeness + more)
    assert less is None or (cost is not None and cost <= less)


def test_the_likeness_of_walks_decides_where_place_and_size_do_not() -> None:
    before, after = walked(1, 0.0, 0.0, 1.0), walked(2, 2.5, 3.7, 1.0, size=1.35)
    assert link_cost(before, after) is None
    assert link_cost(before, after, 0.3) is not None
    near = walked(2, 1.5, 1.5, 1.0)
    assert link_cost(before, near) is not None
    assert link_cost(before, near, -0.6) is None


def test_a_size_that_scatters_says_less() -> None:
    def sizes(track: int, start: float, x: float, all_sizes: list[float]) -> Motion:
        motion = Motion.of(TrackPlace(track, round(start * 1e9), x, 3.0, all_sizes[0]))
        for n, size in enumerate(all_sizes[1:], start=1):
            motion.add(TrackPlace(track, round((start + n / 10) * 1e9), x, 3.0, size))
        return motion

    steady = link_cost(sizes(1, 0.0, 0.0, [1.3] * 5), sizes(2, 1.0, 0.0, [1.32] * 5))
    noisy = link_cost(sizes(1, 0.0, 0.0, [1.2, 1.3, 1.4, 1.3, 1.25]), sizes(2, 1.0, 0.0, [1.32] * 5))
    assert steady is not None
    assert noisy is not None
    assert noisy < steady
