"""Places of bodies for ticks: newest per track, size, joints that are not seen, and when they are due."""

from __future__ import annotations

import numpy as np
import pytest

from stream.body import Body, BodyFrame
from stream.capture.body_places import PLACE_INTERVAL_NS, BodyPlaces
from stream.skeleton import get_layout

LAYOUT = get_layout("kinect-v1")


def body(x: float, z: float, number: int = 7, unseen: tuple[int, ...] = ()) -> Body:
    joints = np.zeros((20, 3), np.float32)
    joints[:] = (x, 1.0, z)
    joints[2, 1] += 0.5  # the trunk
    for knee, ankle in ((13, 14), (17, 18)):
        joints[knee, 1] -= 0.4
        joints[ankle, 1] -= 0.8
    confidence = np.ones(20, np.float32)
    confidence[list(unseen)] = 0
    return Body(number, joints, confidence)


def test_the_newest_place_of_each_track_is_sent_once() -> None:
    places = BodyPlaces(LAYOUT)
    for n in range(3):
        places.add(BodyFrame(n * 1000, (body(n, 3.0), body(5.0, 4.0, 8))), {7: 11, 8: 12})
    first, second = places.take(2000)
    assert (first.track, first.time_ns, first.x, first.z) == (11, 2000, 2.0, 3.0)
    assert (second.track, second.x) == (12, 5.0)
    assert first.size == pytest.approx(0.5 + 0.8, abs=1e-3)
    assert places.take(3000) == ()


def test_joints_that_are_not_seen_leave_out_the_size_and_move_the_place_to_those_seen() -> None:
    places = BodyPlaces(LAYOUT)
    places.add(BodyFrame(0, (body(1.0, 3.0, unseen=(0, 13)),)), {7: 11})
    (place,) = places.take(0)
    assert (place.x, place.z, place.size) == (1.0, 3.0, 0.0)


def test_bodies_without_a_track_or_a_joint_have_no_place() -> None:
    places = BodyPlaces(LAYOUT)
    places.add(BodyFrame(0, (body(1.0, 3.0), body(1.0, 3.0, 8, unseen=tuple(range(20))))), {8: 12})
    assert places.take(0) == ()


def test_places_are_due_at_an_interval_of_source_time() -> None:
    places = BodyPlaces(LAYOUT)
    places.add(BodyFrame(5_000_000_000, ()), {})
    assert not places.due(5_000_000_000 + PLACE_INTERVAL_NS - 1)
    assert places.due(5_000_000_000 + PLACE_INTERVAL_NS)
    places.take(5_000_000_000 + PLACE_INTERVAL_NS)
    assert not places.due(5_000_000_000 + PLACE_INTERVAL_NS + 1)


def test_a_source_that_starts_anew_is_not_silent() -> None:
    places = BodyPlaces(LAYOUT)
    places.add(BodyFrame(9_000_000_000, ()), {})
    places.add(BodyFrame(0, ()), {})
    assert places.due(PLACE_INTERVAL_NS)


def test_places_are_due_at_last_while_the_time_of_the_source_stands_still() -> None:
    places = BodyPlaces(LAYOUT)
    frame = BodyFrame(5_000_000_000, (body(1.0, 3.0),))
    for _ in range(2000):
        places.add(frame, {7: 11})
        if places.due(frame.time_ns):
            break
    else:
        pytest.fail("places were gathered without end")
    assert [place.track for place in places.take(frame.time_ns)] == [11]
    places.add(frame, {7: 11})
    assert not places.due(frame.time_ns)


def test_a_body_whose_joints_are_lost_keeps_its_last_place() -> None:
    places = BodyPlaces(LAYOUT)
    places.add(BodyFrame(0, (body(1.0, 3.0),)), {7: 11})
    places.add(BodyFrame(1000, (body(2.0, 3.0, unseen=tuple(range(20))),)), {7: 11})
    (place,) = places.take(1000)
    assert (place.time_ns, place.x) == (0, 1.0)
