"""Watching for the one person who is to be enrolled."""

from __future__ import annotations

import pytest

from stream.bus.messages import Verdict
from stream.decision import Decision
from stream.errors import UserError
from stream.terminal.enrol import WalkWatch


def seen(track: int, t: float, seconds: float, *, final: bool = False) -> Verdict:
    latency = None if final else 1.0
    decision = Decision(
        "x", "door", track, t, "", "unknown", None, None, None, None, None, "", latency, final
    )
    return Verdict(1, seconds, 0.9, decision)


def watch(*verdicts: Verdict, track: int | None = None) -> WalkWatch:
    watched = WalkWatch(track)
    for verdict in verdicts:
        watched.see(verdict)
    return watched


def test_one_walk_is_chosen() -> None:
    one = watch(seen(1, 0.2, 0.1), seen(1, 5.2, 5.0), seen(1, 5.2, 5.0, final=True))
    assert (one.chosen(), one.seconds) == (1, 5.0)


def test_a_glimpse_is_not_enough() -> None:
    assert watch(seen(1, 0.2, 0.1), seen(1, 2.2, 2.0)).chosen() is None


def test_two_at_once_are_refused_even_where_one_is_only_glimpsed() -> None:
    with pytest.raises(UserError, match=r"two people are in view of door \(tracks 1 and 2"):
        watch(seen(1, 1.0, 0.9), seen(2, 1.0, 0.1), seen(1, 1.1, 1.0))


def test_two_one_after_the_other_are_never_enrolled_as_one() -> None:
    after = (seen(1, 1.0, 0.1), seen(1, 6.0, 5.0), seen(2, 8.0, 0.1), seen(2, 14.0, 6.0))
    with pytest.raises(UserError, match=r"one after the other \(tracks 1, 2\)"):
        watch(*after).chosen()
    assert watch(*after).chosen(enough=6.0) == 2
    assert watch(*after, track=1).chosen() == 1


def test_a_passer_by_who_is_only_glimpsed_before_does_no_harm() -> None:
    assert watch(seen(1, 1.0, 0.5), seen(2, 8.0, 0.1), seen(2, 14.0, 6.0)).chosen() == 2


def test_who_asks_for_less_gets_a_shorter_walk() -> None:
    short = watch(seen(1, 0.2, 0.1), seen(1, 2.2, 2.0))
    assert short.chosen(enough=2.0) == 1
    assert short.chosen(enough=2.5) is None
