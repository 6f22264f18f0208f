"""Ticks of several sources that are decided on together: the decisions are those of one after the other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gallery.matcher import Matcher
from gallery.matcher_settings import SourceCard
from gallery.open_set_decision import TrackDecision
from gallery.scoring.backend import Backend
from gallery.scoring.template_index import TemplateIndex
from gallery.store.records import PersonTemplates
from stream.body import FloatArray
from stream.bus.messages import Tick, TrackNote, TrackSplit, WindowRow
from tests.gallery.flat_visits import flat_visits
from tests.gallery.scoring.test_fusion import MODEL, mean_segment, synthetic_windows

SENSORS = ("kinect-v1", "kinect-v1", "kinect-v2")
CARDS = tuple(SourceCard(f"s{n}", sensor, live=True) for n, sensor in enumerate(SENSORS))
BACKEND = Backend(
    fusions={"kinect-v1": MODEL, "kinect-v2": MODEL},
    visits={sensor: flat_visits(-9.0) for sensor in SENSORS},
)
INDEX = TemplateIndex(
    [
        PersonTemplates(person, f"p{person}", sensor, rows, mean_segment(rows), walk_id=person)
        for person, sensor in ((1, "kinect-v1"), (2, "kinect-v1"), (3, "kinect-v2"))
        for rows in [synthetic_windows(person, 20)]
    ],
    BACKEND,
    SENSORS,
)
WALKS = {track: synthetic_windows(track, 80) for track in range(1, 10)}
STEP_NS = 100_000_000


@st.composite
def rounds(draw: st.DrawFn) -> list[list[tuple[Tick, FloatArray]]]:
    """Draws ticks of the three sources, round by round, with windows, notes, ended and split tracks."""
    found: list[list[tuple[Tick, FloatArray]]] = []
    for n in range(draw(st.integers(10, 22))):
        ticks = []
        for source in draw(st.lists(st.integers(0, 2), unique=True)):
            own = [source + 1, source + 4]
            walking = draw(st.lists(st.sampled_from(own), max_size=3))
            rows = tuple(
                WindowRow(track, n * STEP_NS, n * STEP_NS + 166_666_667, 7, 0.9) for track in walking
            )
            cages = np.stack([WALKS[track][n] for track in walking]) if rows else np.zeros(0, np.float32)
            leaving = draw(st.sampled_from([(), (), (), (own[0],), (own[1],)]))
            split = draw(st.booleans()) and bool(leaving) and source < 2
            ticks.append(
                (
                    Tick(
                        source,
                        0,
                        n,
                        "c",
                        cages.shape if rows else (),
                        rows,
                        tuple(
                            TrackNote(track, n * STEP_NS, "sitting") for track in own if track not in walking
                        ),
                        ended=() if split else leaving,
                        splits=tuple(
                            TrackSplit(track, track + 6, (n - 5) * STEP_NS) for track in leaving if split
                        ),
                        cut=dict.fromkeys(own, n),
                    ),
                    cages,
                )
            )
        found.append(ticks)
    return found


def said(each: TrackDecision) -> tuple[object, ...]:
    words = each.state, each.candidate, each.runner_up, each.reason_code, each.final
    return each.track.number, each.time_ns, each.lost_windows, each.window, *words


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(rounds())
def test_ticks_of_several_sources_are_decided_on_as_one_after_the_other(
    drawn: list[list[tuple[Tick, FloatArray]]],
) -> None:
    together, alone = (Matcher(CARDS, 6, 0.05, INDEX) for _ in range(2))
    for ticks in drawn:
        found = together.observe_all(ticks)
        assert len(found) == len(ticks)
        for decisions, (tick, cages) in zip(found, ticks, strict=True):
            for one, other in zip(decisions, alone.observe(tick, cages), strict=True):
                assert said(one) == said(other)
                np.testing.assert_allclose(one.score or 0.0, other.score or 0.0, atol=1e-4)
    assert together.tracks.keys() == alone.tracks.keys()


def test_tracks_are_found_by_their_source_alone() -> None:
    """What one source does costs nothing for the tracks of others, and does not touch them."""
    subject = Matcher(CARDS, 6, 0.05, INDEX)
    for source in range(3):
        row = WindowRow(source + 1, 0, 166_666_667, 7, 1.0)
        subject.observe(Tick(source, 0, 0, "c", (1, *WALKS[1][0].shape), (row,)), WALKS[1][:1])
    gone = subject.end_missing(Tick(1, 0, 1, time_ns=STEP_NS))
    assert [each.track.number for each in gone] == [2]
    assert [each.track.number for each in subject.end_source(0)] == [1]
    assert subject.end_source(0) == []
    assert list(subject.tracks) == [3]
