"""Ends of strangers' visits wait for the stranger's number, for a bounded time."""

from __future__ import annotations

from gallery.visits.held_events import LONGEST_WAIT_S, HeldEvents
from tests.gallery.visits.finished import finished


def test_an_event_waits_for_its_number_and_no_longer_than_stated() -> None:
    held = HeldEvents()
    first, second, third = (finished(visit, 1).left for visit in ("a", "b", "c"))
    held.hold(0, first, now=10.0)
    held.hold(1, second, now=10.5)
    held.hold(1, third, now=10.5)
    released = held.release("a", 7)
    assert released is not None
    assert (released.visit, released.visitor, released.id) == ("a", "visitor 7", first.id)
    assert held.release("a", 7) is None, "an event is sent once"
    assert held.release("b", None) == second
    assert not held.waits(0)
    assert held.waits(1)
    assert held.overdue(10.5 + LONGEST_WAIT_S / 2) == []
    assert held.overdue(10.5 + LONGEST_WAIT_S) == [third]
    assert not held.waits(1)
    assert held.release("c", 3) is None
