"""The order of ticks that come through several encoders: files lose nothing, devices never wait."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.tick_order import FileOrder, LiveOrder, TickOrder, tick_order
from stream.body import FloatArray
from stream.bus.encoder_choice import EncoderChoice, rendezvous, split_by_encoder
from stream.bus.file_delivery import CREDIT
from stream.bus.messages import Tick, TrackNote, TrackPlace, WindowRow

F, D = 6, 4
NONE = np.zeros(0, np.float32)


def on_encoder(encoder: int, encoders: int = 2, skip: int = 0) -> int:
    """Returns a track of source 0 that belongs to an encoder."""
    found = [track for track in range(1, 200) if rendezvous(0, track, encoders) == encoder]
    return found[skip]


def whole(seq: int, *tracks: int) -> tuple[Tick, FloatArray]:
    cages = np.random.default_rng(seq).standard_normal((len(tracks), F, D)).astype(np.float32)
    rows = tuple(WindowRow(track, seq, seq + place, 2, 1.0) for place, track in enumerate(tracks))
    shape = cages.shape if tracks else ()
    return Tick(0, 0, seq, "c", shape, rows, (TrackNote(9, seq, None),), time_ns=seq), cages


def drained(order: TickOrder, parts: list[tuple[Tick, FloatArray]]) -> list[tuple[Tick, FloatArray]]:
    arrivals = [order.take(tick, cages) for tick, cages in parts]
    return [(each.tick, each.cages) for arrival in arrivals for each in arrival.ticks]


@given(
    ticks=st.lists(st.lists(st.integers(1, 9), max_size=5), min_size=1, max_size=8),
    encoders=st.integers(1, 3),
    shuffle=st.randoms(use_true_random=False),
    again=st.booleans(),
)
def test_the_parts_of_a_file_are_joined_to_its_ticks_in_order(
    ticks: list[list[int]], encoders: int, shuffle: object, again: bool
) -> None:
    expected = [whole(seq, *tracks) for seq, tracks in enumerate(ticks)]
    parts = [
        (part, NONE if cages is None else cages)
        for tick, block in expected
        for part, cages in split_by_encoder(
            tick, block if tick.rows else None, EncoderChoice(0, encoders)
        ).values()
    ]
    parts *= 2 if again else 1
    shuffle.shuffle(parts)  # type: ignore[attr-defined]
    found = drained(FileOrder(), parts)
    assert [tick.seq for tick, _ in found] == list(range(len(ticks)))
    for (tick, cages), (wanted, block) in zip(found, expected, strict=True):
        assert (tick.rows, tick.notes, tick.shape) == (wanted.rows, wanted.notes, wanted.shape)
        np.testing.assert_array_equal(cages, block if wanted.rows else NONE)


def test_a_file_waits_for_the_part_that_is_missing_and_acknowledges_duplicates() -> None:
    tracks = on_encoder(0), on_encoder(1)
    choice = EncoderChoice(0, 2)
    first, second = (split_by_encoder(*whole(seq, *tracks), choice) for seq in (0, 1))
    order = FileOrder()

    def take(part: tuple[Tick, FloatArray | None]) -> tuple[list[int], int | None]:
        assert part[1] is not None
        arrival = order.take(part[0], part[1])
        return [each.tick.seq for each in arrival.ticks], arrival.known

    assert take(first[0]) == ([], None)
    assert take(second[0]) == ([], None)
    assert take(second[1]) == ([], None), "the first tick is not complete"
    assert take(first[1]) == ([0, 1], None)
    assert take(first[1]) == ([], 1), "its sender need not send it again"


def test_an_encoder_may_be_ahead_by_all_that_a_file_has_in_flight() -> None:
    """A frame of a crowd becomes several ticks, so more than `CREDIT` may be in flight."""
    tracks, choice, order = (on_encoder(0), on_encoder(1)), EncoderChoice(0, 2), FileOrder()
    parts = [split_by_encoder(*whole(seq, *tracks), choice) for seq in range(2 * CREDIT)]
    found = drained(order, [each[n] for n in (1, 0) for each in parts])  # type: ignore[misc]
    assert [tick.seq for tick, _ in found] == list(range(2 * CREDIT))


def test_each_window_of_a_joined_tick_knows_its_part() -> None:
    tracks = on_encoder(0), on_encoder(1)
    parts = split_by_encoder(*whole(0, *tracks), EncoderChoice(0, 2))
    order = FileOrder()
    for encoder, (part, cages) in parts.items():
        assert cages is not None
        arrival = order.take(msgspec.structs.replace(part, encoded_ns=10 + encoder), cages)
    (joined,) = arrival.ticks
    assert [joined.part_of(track).encoded_ns for track in tracks] == [10, 11]


def live_tick(encoder: int, seq: int, *tracks: int, **more: object) -> Tick:
    rows = tuple(WindowRow(track, 0, 1, 2, 1.0) for track in tracks)
    tick = Tick(0, 0, seq, "c", (len(rows), F, D) if rows else (), rows, open=tracks, encoder=encoder)
    return msgspec.structs.replace(tick, **more)


def test_a_device_never_waits_for_another_encoder_and_counts_what_is_lost() -> None:
    order = LiveOrder(2)
    a, b = on_encoder(0), on_encoder(1)
    assert [each.tick.rows[0].track for each in order.take(live_tick(0, 0, a), NONE).ticks] == [a]
    assert [each.tick.rows[0].track for each in order.take(live_tick(1, 0, b), NONE).ticks] == [b]
    arrival = order.take(live_tick(0, 3, a), NONE)
    assert (len(arrival.ticks), arrival.lost) == (1, 2)
    assert order.take(live_tick(1, 1, b), NONE).lost == 0, "the other encoder's ticks have their own numbers"
    assert order.take(live_tick(0, 2, a), NONE).known == 3


def test_tracks_of_other_encoders_stay_in_view() -> None:
    order = LiveOrder(2)
    a, b = on_encoder(0), on_encoder(1)
    order.take(live_tick(1, 0, b), NONE)
    (found,) = order.take(live_tick(0, 0, a), NONE).ticks
    assert set(found.tick.open) == {a, b}
    order.take(live_tick(1, 1, ended=(b,)), NONE)
    (found,) = order.take(live_tick(0, 1, a), NONE).ticks
    assert set(found.tick.open) == {a}


def test_a_device_ends_when_every_encoder_has_brought_its_last_tick() -> None:
    order = LiveOrder(2)
    (first,) = order.take(live_tick(1, 0, last=True), NONE).ticks
    assert not first.tick.last
    (second,) = order.take(live_tick(0, 0, last=True), NONE).ticks
    assert second.tick.last
    (only,) = LiveOrder(1).take(live_tick(0, 0, last=True), NONE).ticks
    assert only.tick.last


def test_a_tick_of_a_slow_encoder_does_not_turn_back_the_time() -> None:
    order = LiveOrder(2)
    order.take(live_tick(0, 0, on_encoder(0), time_ns=20_000_000_000, sent_ns=500), NONE)
    (late,) = order.take(live_tick(1, 0, on_encoder(1), time_ns=1_000_000_000, sent_ns=100), NONE).ticks
    assert late.tick.time_ns == 20_000_000_000
    (anew,) = order.take(live_tick(1, 1, on_encoder(1), time_ns=1_000_000_000, sent_ns=600), NONE).ticks
    assert anew.tick.time_ns == 1_000_000_000, "the source itself has started anew"


def test_places_in_a_tick_that_another_encoder_overtook_are_kept() -> None:
    """The ticks of one frame arrive in any order; without places, the matcher takes people for gone."""
    order = LiveOrder(2)
    here = TrackPlace(on_encoder(0), 20_000_000_000, 0.5, 3.0, 1.2)
    order.take(live_tick(1, 0, on_encoder(1), time_ns=here.time_ns, sent_ns=101), NONE)
    own = live_tick(0, 0, here.track, time_ns=here.time_ns, sent_ns=100, places=(here,))
    (late,) = order.take(own, NONE).ticks
    assert late.tick.places == (here,)
    order.take(live_tick(1, 1, on_encoder(1), time_ns=1_000_000_000, sent_ns=201), NONE)
    (late,) = order.take(msgspec.structs.replace(own, seq=1, sent_ns=200), NONE).ticks
    assert late.tick.places == (), "the source has started anew since"


@pytest.mark.parametrize("encoders", [1, 2])
def test_a_restarted_worker_begins_anew_and_what_its_predecessor_sent_is_ignored(encoders: int) -> None:
    order = tick_order(encoders, live=True)
    last = encoders - 1
    order.take(live_tick(last, 5, 1), NONE)
    arrival = order.take(live_tick(0, 0, 2, epoch=1), NONE)
    assert (arrival.restarts, len(arrival.ticks), arrival.lost) == (True, 1, 0)
    assert order.take(live_tick(last, 6, 1), NONE).ticks == ()
    arrival = order.take(live_tick(0, 2, 2, epoch=1), NONE)
    assert (arrival.restarts, arrival.lost) == (False, 1)
