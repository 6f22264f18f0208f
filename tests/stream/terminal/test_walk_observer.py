"""Selection of the track to enrol."""

from __future__ import annotations

from tests.stream.terminal.verdicts import note, observe, verdict


def test_one_walk_is_selected() -> None:
    one = observe(verdict(1, 0.2, 0.1), verdict(1, 5.2, 5.0), verdict(1, 5.2, 5.0, final=True))
    assert (one.candidates(), one.seconds) == ([1], 5.0)


def test_a_short_walk_is_not_enough() -> None:
    assert observe(verdict(1, 0.2, 0.1), verdict(1, 2.2, 2.0)).candidates() == []


def test_two_people_at_once_are_both_candidates_even_if_one_walk_is_short() -> None:
    crowded = observe(verdict(1, 1.0, 0.9), verdict(2, 1.0, 0.1), verdict(1, 9.1, 9.0))
    assert crowded.crowd is not None
    assert (crowded.crowd.tracks, crowded.crowd.t) == ((1, 2), 1.0)
    assert crowded.candidates(enough=8.0) == [1, 2]


def test_two_tracks_in_succession_are_never_enrolled_as_one() -> None:
    after = (verdict(1, 1.0, 0.1), verdict(1, 6.0, 5.0), verdict(2, 8.0, 0.1), verdict(2, 14.0, 6.0))
    assert observe(*after).candidates() == [1, 2]
    assert observe(*after).crowd is None
    assert observe(*after).candidates(enough=6.0) == [2]
    assert observe(*after, track=1).candidates() == [1]


def test_a_short_earlier_walk_is_ignored() -> None:
    walks = observe(verdict(1, 1.0, 0.5), verdict(2, 8.0, 0.1), verdict(2, 14.0, 6.0))
    assert walks.candidates() == [2]


def test_a_lower_requested_amount_accepts_a_shorter_walk() -> None:
    short = observe(verdict(1, 0.2, 0.1), verdict(1, 2.2, 2.0))
    assert short.candidates(enough=2.0, least=2.0) == [1]
    assert short.candidates(enough=2.5, least=2.5) == []


def test_less_than_was_asked_for_is_no_candidate() -> None:
    assert observe(verdict(1, 5.2, 5.0)).candidates(enough=10.0, least=10.0) == []


def test_causes_are_counted_for_the_track_that_counts() -> None:
    verdicts = (note(1, 1.0, "feet not seen"), note(2, 1.5, "sitting"), note(1, 2.0, "feet not seen"))
    assert observe(*verdicts).causes == {"feet not seen": 2, "sitting": 1}
    assert observe(*verdicts, track=2).causes == {"sitting": 1}


def test_people_in_view_are_known_until_they_leave() -> None:
    seen = observe(verdict(1, 1.0, 0.9), note(2, 1.0, "sitting"), verdict(1, 1.1, 0.9, final=True))
    assert seen.in_view == {2: "sitting"}
