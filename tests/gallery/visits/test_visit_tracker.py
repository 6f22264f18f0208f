"""Visits of described tracks: arrivals, breaks, ends, doubts, and what holds of every sequence of events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.open_set_decision import TrackDecision
from gallery.visits.visit_tracker import VisitNews, VisitTracker
from stream.bus.messages import Tick, TrackSplit
from stream.visits.events import Arrived, Doubted, Identified, Left, VisitEvent
from tests.gallery.visits.decisions import Passages, ns, tracker

START = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
Step = tuple[Tick, list[TrackDecision]]


def at(t: float) -> datetime:
    return START + timedelta(seconds=t)


def events(news: list[VisitNews]) -> list[VisitEvent]:
    return [each.event for each in news]


def run(visits: VisitTracker, steps: list[Step]) -> list[VisitEvent]:
    return [
        event
        for tick, decisions in steps
        for event in events(visits.observe(tick, decisions, at(tick.time_ns / 1e9)))
    ]


def walk(
    passages: Passages,
    track: int,
    start: float,
    end: float,
    who: str | None,
    *,
    x: float = 0.0,
    z: float = 3.0,
    speed: float = 1.0,
    size: float = 1.3,
) -> list[Step]:
    """A body that walks along x; decisions each 0.1 s."""
    count = round((end - start) * 10)
    return [
        (
            passages.tick(start + n / 10, (track, x + speed * n / 10, z), size=size),
            [passages.decision(track, start + n / 10, who)],
        )
        for n in range(count)
    ]


def nobody(passages: Passages, start: float, end: float) -> list[Step]:
    return [(passages.tick(start + n / 4), []) for n in range(round((end - start) * 4))]


def kinds(found: list[VisitEvent]) -> list[str]:
    return [type(event).__name__ for event in found]


def test_a_passage_is_one_visit_with_three_events() -> None:
    passages, visits = Passages(), tracker()
    steps = walk(passages, 1, 0.0, 4.0, "Ada")
    steps.append((passages.tick(5.0), [passages.decision(1, 3.9, "Ada", final=True)]))
    steps += nobody(passages, 5.25, 9.0)
    found = run(visits, steps)
    assert kinds(found) == ["Arrived", "Identified", "Left"]
    arrived, identified, left = found
    assert isinstance(identified, Identified)
    assert isinstance(left, Left)
    assert {event.visit for event in found} == {"run-v1"}
    assert len({event.id for event in found}) == 3
    assert arrived.arrived == left.arrived == at(0.0).isoformat(timespec="milliseconds")
    assert left.left == at(3.9).isoformat(timespec="milliseconds")
    assert (left.outcome, left.person, left.duration_s, left.changes) == ("person", "Ada", 3.9, 0)
    assert identified.previous is None
    assert datetime.fromisoformat(left.time) - datetime.fromisoformat(left.left) <= timedelta(seconds=3)
    assert visits.in_view == 0


def test_a_stranger_is_told_of_at_the_end() -> None:
    passages = Passages()
    found = run(tracker(), [*walk(passages, 1, 0.0, 4.0, None), *nobody(passages, 4.0, 8.0)])
    assert kinds(found) == ["Arrived", "Left"]
    assert isinstance(found[1], Left)
    assert (found[1].outcome, found[1].person, found[1].reason) == ("unknown", None, "says None")


def test_too_little_walking_is_undecided() -> None:
    passages = Passages()
    found = run(tracker(), [*walk(passages, 1, 0.0, 0.5, "?"), *nobody(passages, 0.5, 4.0)])
    assert isinstance(found[-1], Left)
    assert found[-1].outcome == "undecided"


def test_somebody_who_never_walks_is_no_visit() -> None:
    passages, visits = Passages(), tracker()
    assert run(visits, [(passages.tick(n / 4, (1, 0.0, 2.0)), []) for n in range(40)]) == []


@pytest.mark.parametrize("gap", [0.2, 1.0, 1.9])
def test_a_broken_track_goes_on_as_the_same_visit(gap: float) -> None:
    passages = Passages()
    steps = walk(passages, 1, 0.0, 2.0, "Ada")
    steps.append((passages.tick(1.95), [passages.decision(1, 1.9, "Ada", final=True)]))
    steps += walk(passages, 2, 2.0 + gap, 4.0 + gap, "Ada", x=2.0 + gap)
    steps += nobody(passages, 4.0 + gap, 8.0 + gap)
    found = run(tracker(), steps)
    assert kinds(found) == ["Arrived", "Identified", "Left"]
    assert found[-1].tracks == (1, 2)


@pytest.mark.parametrize(
    ("gap", "x", "size"),
    [(3.0, 2.0, 1.3), (0.5, 6.0, 1.3), (0.5, 2.0, 0.9)],
    ids=["too late", "too far", "another body"],
)
def test_a_track_that_does_not_fit_is_another_visit(gap: float, x: float, size: float) -> None:
    passages = Passages()
    steps = walk(passages, 1, 0.0, 2.0, "Ada")
    if gap > 2.2:
        steps += nobody(passages, 2.0, 2.0 + gap)
    steps += walk(passages, 2, 2.0 + gap, 4.0 + gap, None, x=x, size=size)
    steps += nobody(passages, 4.0 + gap, 8.0 + gap)
    found = run(tracker(), steps)
    assert {event.visit for event in found} == {"run-v1", "run-v2"}


def test_people_side_by_side_are_visits_of_their_own() -> None:
    passages = Passages()
    first = walk(passages, 1, 0.0, 3.0, "Ada", z=2.0)
    second = walk(passages, 2, 0.0, 3.0, "Ben", z=4.0)
    together = [
        (passages.tick(n / 10, (1, n / 10, 2.0), (2, n / 10, 4.0)), [*a[1], *b[1]])
        for n, (a, b) in enumerate(zip(first, second, strict=True))
    ]
    found = run(tracker(), [*together, *nobody(passages, 3.0, 7.0)])
    named = {event.visit: event.person for event in found if isinstance(event, Left)}
    assert named == {"run-v1": "Ada", "run-v2": "Ben"}


def test_a_track_that_split_off_is_another_person() -> None:
    passages = Passages()
    steps = walk(passages, 1, 0.0, 3.0, "Ada")
    split = (TrackSplit(1, 2, ns(2.9)),)
    steps.append(
        (passages.tick(3.0, (2, 3.0, 3.0), splits=split), [passages.decision(1, 2.9, "Ada", final=True)])
    )
    steps += walk(passages, 2, 3.1, 6.0, "Ben", x=3.1)
    found = run(tracker(), [*steps, *nobody(passages, 6.0, 10.0)])
    assert [event.person for event in found if isinstance(event, Left)] == ["Ada", "Ben"]


def test_the_end_of_a_source_ends_its_visits() -> None:
    passages, visits = Passages(), tracker()
    found = run(visits, [*walk(passages, 1, 0.0, 2.0, "Ada"), (passages.tick(2.0, last=True), [])])
    assert kinds(found) == ["Arrived", "Identified", "Left"]


def test_a_device_without_frames_does_not_keep_people_present() -> None:
    """Its ticks go on without places."""
    passages, visits = Passages(), tracker()
    run(visits, walk(passages, 1, 0.0, 2.0, "Ada"))
    assert run(visits, nobody(passages, 2.0, 4.0)) == []
    (left,) = run(visits, nobody(passages, 4.0, 4.5))
    assert isinstance(left, Left)
    assert left.person == "Ada"


def test_ticks_that_come_late_are_the_same_visit() -> None:
    """The encoder paused; meanwhile nothing is known of anybody."""
    passages, visits = Passages(), tracker()
    before = run(visits, walk(passages, 1, 0.0, 2.0, "Ada"))
    after = run(visits, [*walk(passages, 1, 8.0, 10.0, "Ada", x=8.0), *nobody(passages, 10.0, 13.0)])
    assert kinds([*before, *after]) == ["Arrived", "Identified", "Left"]


def test_a_time_that_falls_back_a_little_is_no_new_start() -> None:
    passages, visits = Passages(), tracker()
    run(visits, [*walk(passages, 1, 5.0, 7.0, "Ada"), (passages.tick(7.4), [])])
    assert run(visits, walk(passages, 1, 7.1, 9.0, "Ada", x=2.1)) == []


def passage_past_a_slow_encoder(passages: Passages) -> tuple[list[Step], list[Step]]:
    """Ada walks for 5 s; of the last 3 s, the windows come when another encoder has told that she left.

    Returns:
        The ticks up to then, and those of the encoder that was slow, whose time is the newest of all.
    """
    steps = walk(passages, 1, 0.0, 2.0, "Ada")
    steps += [(passages.tick(t / 4, (1, t / 4, 3.0)), []) for t in range(8, 20)]
    late = [(passages.tick(8.0), [passages.decision(1, 2.0 + n / 10, "Ben")]) for n in range(20)]
    late.append((passages.tick(8.0), [passages.decision(1, 4.9, "Ben", final=True)]))
    return [*steps, *nobody(passages, 5.0, 8.0)], late


def test_windows_that_come_when_their_visit_has_ended_open_no_other_and_are_counted() -> None:
    passages, visits = Passages(), tracker()
    before, late = passage_past_a_slow_encoder(passages)
    found = run(visits, before)
    assert kinds(found) == ["Arrived", "Identified", "Left"]
    assert isinstance(found[-1], Left)
    assert found[-1].duration_s == pytest.approx(4.75), "the places came through the other encoder"
    assert run(visits, [*late, *nobody(passages, 8.25, 12.0)]) == []
    assert (visits.in_view, visits.late) == (0, 20)


@pytest.mark.parametrize("track", [1, 2], ids=["the same track", "a new track"])
def test_who_returns_after_late_windows_is_another_visit(track: int) -> None:
    passages, visits = Passages(), tracker()
    before, late = passage_past_a_slow_encoder(passages)
    run(visits, before + late[:-1])
    found = run(visits, [*walk(passages, track, 9.0, 11.0, "Ada"), *nobody(passages, 11.0, 15.0)])
    assert kinds(found) == ["Arrived", "Identified", "Left"]
    assert {event.visit for event in found} == {"run-v2"}
    assert isinstance(found[-1], Left)
    assert found[-1].arrived == at(9.0).isoformat(timespec="milliseconds")


def test_a_passage_of_which_all_windows_come_late_is_one_visit() -> None:
    passages, visits = Passages(), tracker()
    assert run(visits, [(passages.tick(t / 4, (1, t / 4, 3.0)), []) for t in range(8)]) == []
    assert run(visits, nobody(passages, 2.0, 8.0)) == []
    late = [(passages.tick(8.0), [passages.decision(1, n / 10, "Ada")]) for n in range(20)]
    late.append((passages.tick(8.0), [passages.decision(1, 1.9, "Ada", final=True)]))
    found = run(visits, [*late, *nobody(passages, 8.0, 12.0)])
    assert kinds(found) == ["Arrived", "Identified", "Left"]
    assert isinstance(found[-1], Left)
    assert (found[-1].left, visits.late) == (at(1.9).isoformat(timespec="milliseconds"), 0)


def test_who_was_seen_before_and_is_recognised_late_is_not_there_twice() -> None:
    """She passed, and stands before the source again when the windows of her first passage come."""
    passages, visits = Passages(), tracker()
    run(
        visits,
        [*[(passages.tick(t / 4, (1, t / 4, 3.0)), []) for t in range(8)], *nobody(passages, 2.0, 6.0)],
    )
    run(visits, walk(passages, 2, 6.0, 8.0, "Ada"))
    late = [(passages.tick(8.0, (2, 2.0, 3.0)), [passages.decision(1, n / 10, "Ada")]) for n in range(20)]
    assert kinds(run(visits, late)) == ["Arrived", "Identified"]


def test_a_track_that_ends_after_its_visit_is_no_other_visit() -> None:
    """The device delivered nothing; the track ends with its next frame."""
    passages, visits = Passages(), tracker()
    run(visits, [*walk(passages, 1, 0.0, 2.0, "Ada"), *nobody(passages, 2.0, 6.0)])
    ended = (passages.tick(6.0), [passages.decision(1, 1.9, "Ada", final=True)])
    assert run(visits, [ended, *nobody(passages, 6.25, 9.0)]) == []


@pytest.mark.parametrize("decisions", [1, 2])
def test_the_end_of_a_visit_names_whom_its_last_decision_names(decisions: int) -> None:
    passages, visits = Passages(), tracker()
    steps = walk(passages, 1, 0.0, 1.0, "?") + walk(passages, 1, 1.0, 1.0 + decisions / 10, "Ada", x=1.0)
    found = run(visits, [*steps, *nobody(passages, 1.5, 4.0)])
    assert kinds(found) == ["Arrived", "Identified", "Left"]
    left = found[-1]
    assert isinstance(left, Left)
    assert (left.outcome, left.person, left.reason_code) == ("person", "Ada", "accepted")


def test_renaming_somebody_in_view_is_told_and_no_change_of_mind() -> None:
    passages, visits = Passages(), tracker()
    run(visits, walk(passages, 1, 0.0, 2.0, "Ada"))
    (renamed,) = events(visits.follow_people({1: "Adele", 2: "Ben"}, at(2.0)))
    assert isinstance(renamed, Identified)
    assert (renamed.person, renamed.previous, renamed.reason_code) == ("Adele", "Ada", "gallery-changed")
    assert visits.follow_people({1: "Adele", 2: "Ben"}, at(2.1)) == []
    last = visits.observe(passages.tick(2.2, last=True), [], at(2.2))
    left, kept = last[-1].event, last[-1].finished
    assert isinstance(left, Left)
    assert kept is not None
    assert (left.person, left.changes, kept.person) == ("Adele", 0, 1)


def test_removing_somebody_in_view_withdraws_the_name_at_once() -> None:
    passages, visits = Passages(), tracker()
    run(visits, walk(passages, 1, 0.0, 2.0, "Ada"))
    (withdrawn,) = events(visits.follow_people({2: "Ben"}, at(2.0)))
    assert isinstance(withdrawn, Identified)
    assert (withdrawn.person, withdrawn.previous) == (None, "Ada")
    (left,) = events(visits.observe(passages.tick(2.2, last=True), [], at(2.2)))
    assert isinstance(left, Left)
    assert (left.outcome, left.person, left.reason_code) == ("unknown", None, "gallery-changed")


def test_a_source_that_starts_anew_ends_its_visits() -> None:
    passages, visits = Passages(), tracker()
    run(visits, walk(passages, 1, 100.0, 102.0, "Ada"))
    ended = [passages.decision(1, 101.9, "Ada", final=True)]
    assert kinds(events(visits.observe(passages.tick(0.0), ended, at(103.0)))) == ["Left"]
    found = run(visits, [*walk(passages, 2, 0.1, 2.0, "Ben"), *nobody(passages, 2.0, 6.0)])
    assert kinds(found) == ["Arrived", "Identified", "Left"]


def test_one_person_at_two_far_places_is_doubted() -> None:
    visits = tracker(sources=2, places=("hall", "yard"))
    first, second = Passages(0), Passages(1)
    run(visits, walk(first, 1, 0.0, 3.0, "Ada"))
    found = run(visits, walk(second, 2, 0.0, 2.0, "Ada"))
    (doubt,) = (event for event in found if isinstance(event, Doubted))
    assert (doubt.person, doubt.visit, doubt.other_visit, doubt.other_source) == (
        "Ada",
        "run-v2",
        "run-v1",
        "door 1",
    )


@pytest.mark.parametrize("places", [(), ("hall", "hall")])
def test_sources_that_may_see_one_place_are_no_doubt(places: tuple[str, ...]) -> None:
    visits = tracker(sources=2, places=places)
    run(visits, walk(Passages(0), 1, 0.0, 3.0, "Ada"))
    found = run(visits, walk(Passages(1), 2, 0.0, 2.0, "Ada"))
    assert "Doubted" not in kinds(found)


def test_one_person_twice_before_one_source_is_doubted() -> None:
    passages = Passages()
    first = walk(passages, 1, 0.0, 3.0, "Ada", z=1.0)
    second = walk(passages, 2, 0.0, 3.0, "Ada", z=6.0)
    together = [
        (passages.tick(n / 10, (1, n / 10, 1.0), (2, n / 10, 6.0)), [*a[1], *b[1]])
        for n, (a, b) in enumerate(zip(first, second, strict=True))
    ]
    assert "Doubted" in kinds(run(tracker(), together))


@pytest.mark.slow
@given(st.data())
def test_every_sequence_of_events_is_whole(data: st.DataObject) -> None:
    """Whatever happens, each visit arrives once, leaves once, and its name never changes without an event."""
    alike = data.draw(st.lists(st.none() | st.floats(-1, 1), min_size=3, max_size=3))
    passages = Passages()
    visits = tracker(likeness=lambda track, other: alike[(track.number + other.number) % 3])
    found: list[VisitEvent] = []
    t = 0.0
    for _ in range(data.draw(st.integers(1, 25))):
        t += data.draw(st.sampled_from([0.1, 0.25, 1.0, 3.0]))
        seen = data.draw(st.lists(st.integers(1, 4), unique=True, max_size=3))
        tick = passages.tick(t, *((n, data.draw(st.floats(-3, 3)), 3.0) for n in seen))
        walking = [n for n in seen if data.draw(st.booleans())]
        decisions = [
            passages.decision(n, t, data.draw(st.sampled_from(["Ada", "Ben", None, "?"])))
            for n in walking
            for _ in range(data.draw(st.integers(1, 8)))
        ]
        found += events(visits.observe(tick, decisions, at(t)))
    found += events(visits.end_source(0, at(t)))
    assert visits.in_view == 0
    assert len({event.id for event in found}) == len(found)
    for visit in {event.visit for event in found}:
        own = [event for event in found if event.visit == visit]
        assert isinstance(own[0], Arrived)
        assert isinstance(own[-1], Left)
        assert not any(isinstance(event, Arrived | Left) for event in own[1:-1])
        names = [event.person for event in own if isinstance(event, Identified)]
        said = [None, *names]
        assert [event.previous for event in own if isinstance(event, Identified)] == said[:-1]
        assert own[-1].person == said[-1]
        assert own[-1].changes == max(0, len(names) - 1)
        assert own[0].arrived <= own[-1].left <= own[-1].time
