"""Tests of tracks: numbers, windows, ends, and reports of tracks without windows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.body import Body, BodyFrame
from stream.bus.messages import TrackSplit
from stream.capture.tracking import TRACK_TIMEOUT_NS, Tracker, TrackerUpdate, make_tick
from stream.skeleton import get_layout
from stream.windows.body_change import AFTER, BodyChangeDetector
from stream.windows.boosted_trees import BoostedTrees
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


def new(source: int = 0, sources: int = 1) -> Tracker:
    return Tracker(get_layout("kinect-v1"), source=source, sources=sources)


def test_track_numbers_of_two_sources_are_disjoint() -> None:
    first, second = new(source=0, sources=2), new(source=1, sources=2)
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


def test_a_body_that_returns_after_the_timeout_is_a_new_track_though_no_frame_came_in_between() -> None:
    tracker = new()
    feed(tracker, [(walker(3, k),) for k in range(30)])
    back = tracker.push(BodyFrame(600 * 10**9, (walker(3, 0),)))
    assert (back.ended, back.notes) == ((1,), ((2, None),))
    assert tracker.numbers == {3: 2}


def test_a_clock_that_is_set_back_ends_all_tracks() -> None:
    tracker = new()
    feed(tracker, [(walker(1, k), walker(2, k)) for k in range(30)], start=100)
    back = tracker.push(BodyFrame(0, (walker(1, 0),)))
    assert (back.ended, back.notes) == ((1, 2), ((3, None),))


def test_a_body_id_that_a_frame_repeats_and_a_frame_of_the_same_time_add_nothing() -> None:
    once, twice = new(), new()
    for k in range(30):
        alone = once.push(BodyFrame(k * PERIOD, (walker(1, k),)))
        both = twice.push(BodyFrame(k * PERIOD, (walker(1, k), body(1))))
        again = twice.push(BodyFrame(k * PERIOD, (walker(1, k + 9), walker(2, k))))
        assert (both.notes, len(both.windows), bool(again)) == (alone.notes, len(alone.windows), False)


@given(
    st.lists(
        st.tuples(st.integers(1, 3 * TRACK_TIMEOUT_NS), st.sets(st.integers(1, 3))), min_size=1, max_size=40
    )
)
def test_no_track_spans_an_absence_longer_than_the_timeout(frames: list[tuple[int, set[int]]]) -> None:
    tracker, now = new(), 0
    seen: dict[int, int] = {}
    for step, present in frames:
        now += step
        update = tracker.push(BodyFrame(now, tuple(body(number) for number in sorted(present))))
        assert not set(update.ended) & set(tracker.open)
        for number in tracker.numbers.values():
            seen.setdefault(number, now)
            assert now - seen[number] <= TRACK_TIMEOUT_NS
        assert set(tracker.numbers) >= present
        seen |= {tracker.numbers[number]: now for number in present}


def yes() -> BodyChangeDetector:
    """A detector that takes each jump of all joints for another person."""
    leaf = np.zeros((1, 1), np.int32)
    number = np.zeros((1, 1), np.float32)
    trees = BoostedTrees(leaf - 1, number, leaf, leaf, number, np.full(1, 9, np.float32))
    return BodyChangeDetector(trees)


def other(number: int, frame: int, size: float = 1.2) -> Body:
    joints = walker(number, frame + 15).joints
    return Body(number, joints[:1] + np.float32(size) * (joints - joints[:1]), FULL_CONFIDENCE)


def test_a_track_is_split_where_another_person_takes_over_its_body_id() -> None:
    tracker = Tracker(get_layout("kinect-v1"), detector=yes)
    updates = feed(tracker, [(walker(7, k) if k < 60 else other(7, k),) for k in range(130)])
    (split,) = [split for update in updates for split in update.splits]
    assert split == TrackSplit(1, 2, 60 * PERIOD)
    at = next(n for n, update in enumerate(updates) if update.splits)
    assert (at, updates[at].ended, updates[at].notes) == (60 + AFTER - 1, (1,), ((2, None),))
    assert tracker.numbers == {7: 2}
    cut = [window for update in updates for window in update.windows]
    assert {number for update in updates[at:] for number, _ in update.windows} == {2}
    assert updates[at].cut[1] == sum(window.end_ns < split.since_ns for _, window in cut)
    assert updates[-1].cut[2] == sum(window.start_ns >= split.since_ns for _, window in cut)


def test_a_child_who_takes_over_the_body_id_of_an_adult_has_the_windows_of_a_new_track() -> None:
    tracker, alone = Tracker(get_layout("kinect-v1"), detector=yes), new()
    frames = [(walker(7, k) if k < 60 else other(7, k, 0.65),) for k in range(240)]
    split_at = 60 + AFTER
    cut = [window for update in feed(tracker, frames)[split_at:] for _, window in update.windows]
    expected = [window for update in feed(alone, frames[60:], start=60) for _, window in update.windows]
    since = [window for window in expected if window.start_ns >= split_at * PERIOD]
    assert len(cut) >= len(since) > 40
    assert sum(window.quality for window in cut) >= 0.95 * sum(window.quality for window in since)


def test_two_people_who_swap_body_ids_are_two_new_tracks() -> None:
    tracker = Tracker(get_layout("kinect-v1"), detector=yes)
    before = [(walker(1, k), other(2, k)) for k in range(60)]
    after = [(other(1, k), walker(2, k)) for k in range(60, 110)]
    updates = feed(tracker, before + after)
    splits = [split for update in updates for split in update.splits]
    assert splits == [TrackSplit(1, 3, 60 * PERIOD), TrackSplit(2, 4, 60 * PERIOD)]


def test_a_track_without_a_detector_is_never_split() -> None:
    updates = feed(new(), [(walker(7, k) if k < 60 else other(7, k),) for k in range(130)])
    assert not any(update.splits or update.ended for update in updates)


def test_a_tick_states_the_view_of_each_window_and_the_pose_model() -> None:
    def approaching(frame: int) -> Body:
        joints = walker(7, frame).joints.copy()
        joints[:, 2] += 4 - 1.2 * frame * PERIOD / 1e9
        return Body(7, joints, FULL_CONFIDENCE)

    updates = [update for update in feed(new(), [(approaching(k),) for k in range(60)]) if update.windows]
    ticks = [
        make_tick(each, 0, 0, time_ns=0, arrival_ns=0, in_view=(1,), last=False, pose_model="lite")[0]
        for each in updates
    ]
    assert {each.pose_model for each in ticks} == {"lite"}
    assert [row.view for each in ticks for row in each.rows][-10:] == ["towards"] * 10
