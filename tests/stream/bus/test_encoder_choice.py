"""Tracks are spread over encoders by rendezvous hashing, and the parts of a tick say all that it says."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.bus.encoder_choice import EncoderChoice, rendezvous, split_by_encoder, split_by_track
from stream.bus.messages import Tick, TrackNote, TrackPlace, TrackSplit, WindowRow

TRACKS = st.lists(st.integers(1, 40), max_size=12)


def tick_of(tracks: list[int]) -> tuple[Tick, np.ndarray]:
    joints = np.arange(len(tracks) * 6 * 20 * 3, dtype=np.float32).reshape(-1, 6, 20, 3)
    everybody = tuple(dict.fromkeys(tracks))
    tick = Tick(
        source=2,
        epoch=1,
        seq=7,
        shape=joints.shape if tracks else (),
        rows=tuple(WindowRow(track, place, place + 1, 2, 1.0) for place, track in enumerate(tracks)),
        notes=tuple(TrackNote(track, 5, "standing still") for track in everybody),
        ended=everybody[:2],
        open=everybody[2:],
        cut=dict(Counter(tracks)),
        pose_model="full",
        time_ns=99,
        places=tuple(TrackPlace(track, 5, 0.0, 2.0, 1.5) for track in everybody),
    )
    return tick, joints


@given(source=st.integers(0, 50), track=st.integers(1, 10**6), encoders=st.integers(1, 12))
def test_one_more_encoder_takes_tracks_and_moves_no_other(source: int, track: int, encoders: int) -> None:
    before, after = rendezvous(source, track, encoders), rendezvous(source, track, encoders + 1)
    assert 0 <= before < encoders
    assert after in (before, encoders)


@pytest.mark.parametrize("encoders", [2, 4])
def test_tracks_spread_evenly(encoders: int) -> None:
    shares = Counter(rendezvous(source, track, encoders) for source in range(4) for track in range(1, 501))
    assert set(shares) == set(range(encoders))
    assert min(shares.values()) > 0.85 * 2000 / encoders


@given(encoders=st.integers(2, 5), track=st.integers(1, 99))
def test_a_track_that_continues_another_stays_with_its_encoder(encoders: int, track: int) -> None:
    choice = EncoderChoice(0, encoders)
    own = choice.of(track)
    for successor in range(100, 110):
        choice.follow([TrackSplit(track, successor, 0)])
        choice.forget([track])
        assert choice.of(successor) == own
        track = successor
    choice.forget([track])
    assert choice.of(track) == rendezvous(0, track, encoders)


@given(tracks=TRACKS, encoders=st.integers(1, 4))
def test_each_window_of_a_file_is_in_one_part_with_its_place(tracks: list[int], encoders: int) -> None:
    tick, joints = tick_of(tracks)
    parts = split_by_encoder(tick, joints if tracks else None, EncoderChoice(2, encoders))
    assert all(part.parts == len(parts) for part, _ in parts.values())
    assert all(part.encoder == encoder for encoder, (part, _) in parts.items())
    first, *others = (part for _, (part, _) in sorted(parts.items()))
    bare = {"shape": (), "rows": (), "positions": (), "parts": 1, "encoder": 0}
    assert msgspec.structs.replace(first, **bare) == msgspec.structs.replace(tick, **bare)
    assert all(not (part.notes or part.ended or part.cut or part.places) for part in others)
    found: dict[int, tuple[WindowRow, bytes]] = {}
    for part, windows in parts.values():
        places = part.positions or range(len(part.rows))
        for place, row, window in zip(places, part.rows, [] if windows is None else windows, strict=True):
            found[place] = (row, window.tobytes())
    assert found == {
        place: (row, window.tobytes())
        for place, (row, window) in enumerate(zip(tick.rows, joints, strict=True))
    }


@given(tracks=TRACKS, encoders=st.integers(1, 4))
def test_the_parts_of_a_device_tell_of_each_track_once(tracks: list[int], encoders: int) -> None:
    tick, joints = tick_of(tracks)
    parts = split_by_track(tick, joints, EncoderChoice(2, encoders))
    assert len(parts) == encoders
    for encoder, (part, windows) in enumerate(parts):
        told = {*part.ended, *part.open, *part.cut, *(row.track for row in part.rows)}
        told |= {note.track for note in part.notes} | {place.track for place in part.places}
        assert all(rendezvous(2, track, encoders) == encoder for track in told)
        assert part.encoder == encoder
        assert part.shape == (windows.shape if part.rows else ())
        assert (part.time_ns, part.pose_model, part.epoch) == (99, "full", 1)
    for field in ("rows", "notes", "ended", "open", "places"):
        together = chain.from_iterable(getattr(part, field) for part, _ in parts)
        assert Counter(together) == Counter(getattr(tick, field))
