"""When and by what tracks that begin are linked to visits whose tracks broke."""

from __future__ import annotations

from datetime import datetime

import pytest

from gallery.open_set_decision import Track
from stream.visits.events import Left
from tests.gallery.visits.decisions import Passages, tracker
from tests.gallery.visits.test_visit_tracker import Step, kinds, nobody, run, walk


def seen(passages: Passages, track: int, start: float, end: float, x: float) -> list[Step]:
    """A body that is seen and gives no windows."""
    return [(passages.tick(start + n / 10, (track, x, 3.0)), []) for n in range(round((end - start) * 10))]


@pytest.mark.parametrize(("alike", "visits"), [(0.3, 1), (-0.8, 2)])
def test_the_walk_decides_between_bodies_of_one_size_at_one_place(alike: float, visits: int) -> None:
    passages = Passages()
    steps = walk(passages, 1, 0.0, 3.0, "Ada", speed=0.2)
    steps += walk(passages, 2, 3.8, 6.0, "?", x=0.7, speed=0.2)
    found = run(tracker(likeness=lambda track, other: alike), [*steps, *nobody(passages, 6.0, 10.0)])
    assert len({event.visit for event in found}) == visits


def test_a_walk_is_compared_once_it_has_some_windows() -> None:
    passages = Passages()
    asked: list[tuple[int, int, int]] = []

    def likeness(track: Track, other: Track) -> float:
        asked.append((track.number, other.number, other.scores.windows))
        return 0.5

    steps = walk(passages, 1, 0.0, 3.0, "Ada", speed=0.2)
    run(tracker(likeness=likeness), steps + walk(passages, 2, 3.8, 6.0, "Ada", x=0.7, speed=0.2))
    assert [each[:2] for each in asked] == [(1, 2)]
    assert asked[0][2] >= 3


def test_a_short_track_without_a_walk_bridges_a_visit() -> None:
    passages = Passages()
    steps = walk(passages, 1, 0.0, 2.0, "Ada", speed=0.1)
    steps += [*nobody(passages, 2.0, 3.5), *seen(passages, 2, 3.5, 3.8, 0.3), *nobody(passages, 3.8, 5.3)]
    steps += walk(passages, 3, 5.3, 7.0, "Ada", x=0.3, speed=0.1)
    found = run(tracker(), [*steps, *nobody(passages, 7.0, 11.0)])
    assert kinds(found) == ["Arrived", "Identified", "Left"]
    assert found[-1].tracks == (1, 2, 3)


def test_a_walk_that_turns_out_to_be_another_leaves_the_visit_again() -> None:
    passages = Passages()
    steps = walk(passages, 1, 0.0, 2.0, "Ada", speed=0.1)
    steps += seen(passages, 2, 2.5, 4.0, 0.3)
    steps += walk(passages, 2, 4.0, 7.0, "Ben", x=0.3, speed=0.1)
    found = run(tracker(likeness=lambda track, other: -1.0), [*steps, *nobody(passages, 7.0, 11.0)])
    assert {event.person: event.tracks for event in found if isinstance(event, Left)} == {
        "Ada": (1,),
        "Ben": (2,),
    }
    ada = next(event for event in found if isinstance(event, Left) and event.person == "Ada")
    assert ada.duration_s == pytest.approx(1.9)


def test_a_visit_ends_in_time_although_somebody_else_begins() -> None:
    passages = Passages()
    steps = walk(passages, 1, 0.0, 2.0, "Ada", speed=0.1)
    steps += nobody(passages, 2.0, 3.7)
    steps += walk(passages, 2, 3.7, 7.0, "Ben", x=0.3, speed=0.1)
    found = run(tracker(likeness=lambda track, other: -1.0), [*steps, *nobody(passages, 7.0, 11.0)])
    for left in (event for event in found if isinstance(event, Left)):
        late = datetime.fromisoformat(left.time) - datetime.fromisoformat(left.left)
        assert late.total_seconds() <= 3.0
