"""Tests of tracks: numbers, windows, ends, and reports of tracks without windows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stream.body import Body, BodyFrame
from stream.capture.tracking import TRACK_TIMEOUT_NS, Tracker, TrackerUpdate
from stream.skeleton import get_layout
from tests.stream.bodies import walking

PERIOD = 33_333_333
JOINTS = np.linspace(0, 1, 60, dtype=np.float32).reshape(20, 3)
FULL_CONFIDENCE = np.ones(20, np.float32)


def walker(number: int, frame: int) -> Body:
    return Body(number, walking(np.array([frame * PERIOD]))[0], FULL_CONFIDENCE)


def body(number: int, missing: int | None = None) -> Body:
    joints, confidence = JOINTS.copy(), FULL_CONFIDENCE.copy()
    if missing is not None:
        joints[missing] = np.nan
        confidence[missing] = 0
    return Body(number, joints, confidence)


def feed(tracker: Tracker, frames: Sequence[tuple[Body, ...]], start: int = 0) -> list[TrackerUpdate]:
    return [tracker.push(BodyFrame((start + k) * PERIOD, bodies)) for k, bodies in enumerate(frames)]


def new(first: int = 1, stride: int = 1) -> Tracker:
    return Tracker(get_layout("kinect-v1"), first=first, stride=stride)


def test_track_numbers_of_two_sources_are_disjoint() -> None:
    first, second = new(first=1, stride=2), new(first=2, stride=2)
    bodies = (body(7), body(8), body(9))
    assert [n for n, _ in first.push(BodyFrame(0, bodies)).notes] == [1, 3, 5]
    assert [n for n, _ in second.push(BodyFrame(0, bodies)).notes] == [2, 4, 6]


def test_a_track_keeps_its_number_over_a_short_absence() -> None:
    tracker = new()
    away = int(0.5 * TRACK_TIMEOUT_NS / PERIOD)
    walked: list[tuple[Body, ...]] = [(walker(3, k),) for k in range(20 + away)]
    walked[10:-10] = [()] * away
    updates = feed(tracker, walked)
    numbers = {track for update in updates for track, _ in update.windows}
    assert numbers == {1}
    assert not any(update.ended for update in updates)


def test_a_track_ends_after_the_timeout_and_a_later_body_gets_a_new_number() -> None:
    tracker = new()
    away = int(1.2 * TRACK_TIMEOUT_NS / PERIOD)
    updates = feed(tracker, [(body(3),)] * 10 + [()] * away)
    assert [s.ended for s in updates if s.ended] == [(1,)]
    assert tracker.open == ()
    assert tracker.push(BodyFrame(10**10, (body(3),))).notes == ((2, None),)


def test_a_body_with_a_missing_joint_is_reported_every_second() -> None:
    updates = feed(new(), [(body(1, missing=15),)] * 75)
    notes = [note for update in updates for note in update.notes]
    assert notes == [(1, None), (1, "joints missing"), (1, "joints missing")]


def test_a_standing_person_gives_no_windows_and_is_reported() -> None:
    tracker = new()
    updates = feed(tracker, [(walker(1, 7),)] * 40)
    assert not any(update.windows for update in updates)
    assert [note for update in updates for note in update.notes] == [(1, None), (1, "standing still")]
    later = feed(tracker, [(walker(1, k),) for k in range(7, 37)], start=40)
    assert any(update.windows for update in later)


def test_the_end_of_the_source_ends_every_track() -> None:
    tracker = new()
    feed(tracker, [(body(1), body(2))])
    assert tracker.end().ended == (1, 2)
    assert tracker.end().ended == ()
