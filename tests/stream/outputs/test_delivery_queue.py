"""The delivery that all outputs on a network share."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.outputs.delivery_queue import (
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    NOTICE_INTERVAL_S,
    Delivery,
    DeliverySettings,
    Refused,
    Undelivered,
)
from stream.visits.events import VisitEvent
from tests.stream.outputs.receiver import Peer
from tests.stream.outputs.sample_events import SampleRun, arrived
from tests.stream.outputs.waiting import WAIT_S, wait_until

EVENTS: list[VisitEvent] = [arrived(f"v{number}") for number in range(8)]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def make(
    peer: Peer, *, limit: int = 100, clock: Callable[[], float] | None = None
) -> tuple[Delivery[VisitEvent], SampleRun]:
    run = SampleRun()
    settings = DeliverySettings(limit, clock=clock or Clock(), spread=lambda: 1.0)
    return Delivery("receiver", peer, run.live.notifier, settings), run


def unreachable(attempt: int) -> Exception:
    return Undelivered("cannot be reached (refused)")


def test_events_arrive_in_order() -> None:
    peer = Peer()
    delivery, run = make(peer)
    for event in EVENTS:
        delivery.put(event)
    for _ in EVENTS:
        delivery.step()
    assert peer.received == EVENTS
    assert (delivery.delivered, delivery.dropped, delivery.waiting) == (8, 0, 0)
    assert run.notices == []


def test_pauses_grow_and_vary_and_the_same_event_is_tried_again() -> None:
    peer = Peer(unreachable)
    delivery, run = make(peer)
    delivery.put(EVENTS[0])
    pauses = [delivery.step() for _ in range(12)]
    assert pauses[:4] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S, 8 * FIRST_PAUSE_S]
    assert pauses[-1] == LONGEST_PAUSE_S
    assert delivery.down
    peer.fail = lambda attempt: None
    delivery.put(EVENTS[1])
    delivery.step()
    delivery.step()
    assert peer.received == EVENTS[:2]
    assert [(notice.kind, notice.output, notice.text) for notice in run.notices] == [
        (
            "output-down",
            "receiver",
            "receiver: cannot be reached (refused); events wait (1 so far), and are sent when it is back",
        ),
        ("output-up", "receiver", "receiver: reached again"),
    ]
    assert not delivery.down


def test_receivers_that_come_back_are_not_met_by_all_at_once() -> None:
    notifier = SampleRun().live.notifier
    spreads: list[Callable[[], float]] = [lambda: 0.0, lambda: 0.5, lambda: 1.0]
    pauses = {
        Delivery("receiver", Peer(unreachable), notifier, DeliverySettings(spread=spread)).step()
        for spread in spreads
    }
    assert len(pauses) == 3
    assert min(pauses) >= FIRST_PAUSE_S / 2


def test_a_receiver_may_ask_for_a_longer_pause() -> None:
    delivery, _ = make(Peer(lambda attempt: Undelivered("busy", 90.0)))
    assert delivery.step() == 90.0


def test_the_oldest_waiting_events_are_dropped_and_counted() -> None:
    clock = Clock()
    peer = Peer(unreachable)
    delivery, run = make(peer, limit=3, clock=clock)
    for event in EVENTS[:4]:
        delivery.put(event)
    delivery.step()  # takes EVENTS[1]: EVENTS[0] is dropped
    for event in EVENTS[4:]:
        delivery.put(event)
    delivery.step()
    assert delivery.dropped == 4
    assert run.told("output-dropped") == ["receiver: 1 event dropped: its queue of 3 is full"]
    clock.now = NOTICE_INTERVAL_S
    delivery.step()
    assert run.told("output-dropped")[1:] == ["receiver: 3 events dropped: its queue of 3 is full"]
    assert [notice.count for notice in run.notices if notice.kind == "output-dropped"] == [1, 4]
    peer.fail = lambda attempt: None
    for _ in range(4):
        delivery.step()
    assert peer.received == [EVENTS[1], *EVENTS[5:]], "the event that was being sent stays"


def test_an_event_that_is_refused_is_dropped_and_the_next_is_sent() -> None:
    peer = Peer(lambda attempt: Refused("it answers 404 Not Found") if attempt == 1 else None)
    delivery, run = make(peer)
    delivery.put(EVENTS[0])
    delivery.put(EVENTS[1])
    delivery.step()
    delivery.step()
    assert peer.received == [EVENTS[1]]
    assert delivery.dropped == 1
    assert run.told("output-dropped") == ["receiver: 1 event dropped: it answers 404 Not Found"]


def test_a_fault_of_the_receiver_ends_no_delivery() -> None:
    peer = Peer(lambda attempt: KeyError("secret") if attempt in {0, 1} else None)
    delivery, run = make(peer)
    assert delivery.step() > 0
    delivery.put(EVENTS[0])
    delivery.put(EVENTS[1])
    delivery.step()
    delivery.step()
    assert peer.received == [EVENTS[1]]
    assert run.told("output-dropped") == ["receiver: 1 event dropped: internal error (KeyError)"]


@given(
    outcomes=st.lists(st.sampled_from(["ok", "away", "no"]), max_size=40),
    limit=st.integers(1, 6),
    count=st.integers(0, 8),
)
def test_every_event_is_delivered_waiting_or_counted_as_dropped(
    outcomes: list[str], limit: int, count: int
) -> None:
    errors: dict[str, Exception | None] = {"ok": None, "away": Undelivered("away"), "no": Refused("no")}
    remaining = iter(outcomes)
    peer = Peer(lambda attempt: errors[next(remaining, "ok")] if attempt else None)
    delivery, _ = make(peer, limit=limit)
    for event in EVENTS[:count]:
        delivery.put(event)
        delivery.step()
    assert delivery.delivered + delivery.dropped + delivery.waiting == count
    assert len(peer.received) == delivery.delivered
    positions = [EVENTS.index(event) for event in peer.received]
    assert positions == sorted(set(positions))


def test_a_receiver_that_hangs_does_not_delay_put() -> None:
    release, reached = threading.Event(), threading.Event()

    class Hanging(Peer):
        def deliver(self, event: VisitEvent) -> None:
            reached.set()
            assert release.wait(WAIT_S)
            super().deliver(event)

    peer = Hanging()
    delivery = Delivery("receiver", peer, SampleRun().live.notifier)
    delivery.start()
    delivery.put(EVENTS[0])
    assert reached.wait(WAIT_S)
    for event in EVENTS[1:]:
        delivery.put(event)  # would never return if it waited for the receiver
    assert delivery.waiting == 8
    release.set()
    delivery.close()
    assert peer.received == EVENTS
    assert peer.closed == 1


def test_the_end_delivers_what_waits_once_more_and_counts_the_rest() -> None:
    peer = Peer(lambda attempt: Undelivered("away", 3600.0))
    run = SampleRun()
    delivery = Delivery("receiver", peer, run.live.notifier, DeliverySettings(patience_s=0.2))
    delivery.start()
    for event in EVENTS:
        delivery.put(event)
    wait_until(lambda: delivery.down)
    attempts = peer.attempts
    delivery.close()
    assert peer.attempts > attempts, "the long pause ends with the run"
    assert delivery.dropped == 8
    assert delivery.waiting == 0
    assert run.told("output-dropped") == [
        "receiver: 8 events dropped: they could not be delivered before the end of the run"
    ]


def test_a_receiver_that_is_back_at_the_end_gets_everything() -> None:
    peer = Peer(lambda attempt: Undelivered("away", 3600.0))
    run = SampleRun()
    delivery = Delivery("receiver", peer, run.live.notifier)
    delivery.start()
    for event in EVENTS:
        delivery.put(event)
    wait_until(lambda: delivery.down)
    peer.fail = lambda attempt: None
    delivery.close()
    assert peer.received == EVENTS
    assert delivery.dropped == 0
    assert run.told("output-dropped") == []


def test_waking_maintains_the_connection_before_the_interval_is_over() -> None:
    peer = Peer()
    delivery = Delivery("receiver", peer, SampleRun().live.notifier)
    delivery.start()
    for count in range(3):
        wait_until(lambda count=count: peer.maintained > count)  # type: ignore[misc]
        delivery.wake()
    delivery.close()
    assert peer.closed == 1


@pytest.mark.parametrize("count", [0, 3])
def test_an_end_without_trouble_says_nothing(count: int) -> None:
    peer = Peer()
    run = SampleRun()
    delivery = Delivery("receiver", peer, run.live.notifier)
    delivery.start()
    for event in EVENTS[:count]:
        delivery.put(event)
    delivery.close()
    assert peer.received == EVENTS[:count]
    assert run.notices == []
