"""Selection of the track to enrol."""

from __future__ import annotations

import pytest

from stream.bus.messages import Verdict
from stream.decision import Decision
from stream.errors import UserError
from stream.terminal.enrol import WalkObserver


def verdict(track: int, t: float, seconds: float, *, final: bool = False) -> Verdict:
    latency = None if final else 1.0
    decision = Decision(
        "x", "door", track, t, "", "unknown", None, None, None, None, None, "", latency, final
    )
    return Verdict(1, seconds, 0.9, decision)


def observe(*verdicts: Verdict, track: int | None = None) -> WalkObserver:
    observer = WalkObserver(track)
    for each in verdicts:
        observer.update(each)
    return observer


def test_one_walk_is_selected() -> None:
    one = observe(verdict(1, 0.2, 0.1), verdict(1, 5.2, 5.0), verdict(1, 5.2, 5.0, final=True))
    assert (one.select_track(), one.seconds) == (1, 5.0)


def test_a_short_walk_is_not_enough() -> None:
    assert observe(verdict(1, 0.2, 0.1), verdict(1, 2.2, 2.0)).select_track() is None


def test_two_people_at_once_are_refused_even_if_one_walk_is_short() -> None:
    with pytest.raises(UserError, match=r"two people are in view of door \(tracks 1 and 2"):
        observe(verdict(1, 1.0, 0.9), verdict(2, 1.0, 0.1), verdict(1, 1.1, 1.0))


def test_two_tracks_in_succession_are_never_enrolled_as_one() -> None:
    after = (verdict(1, 1.0, 0.1), verdict(1, 6.0, 5.0), verdict(2, 8.0, 0.1), verdict(2, 14.0, 6.0))
    with pytest.raises(UserError, match=r"one after the other \(tracks 1, 2\)"):
        observe(*after).select_track()
    assert observe(*after).select_track(enough=6.0) == 2
    assert observe(*after, track=1).select_track() == 1


def test_a_short_earlier_walk_is_ignored() -> None:
    assert observe(verdict(1, 1.0, 0.5), verdict(2, 8.0, 0.1), verdict(2, 14.0, 6.0)).select_track() == 2


def test_a_lower_requested_amount_accepts_a_shorter_walk() -> None:
    short = observe(verdict(1, 0.2, 0.1), verdict(1, 2.2, 2.0))
    assert short.select_track(enough=2.0) == 1
    assert short.select_track(enough=2.5) is None
