"""Tests of naming several people in one recording, by the live path's functions."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from stream.capture.tracking import Tracker
from stream.recording import read_recording
from stream.skeleton import get_layout
from stream.windows.body_change import detector_for
from tools.backend_fit.body_change_fit import frames_of, splice
from tools.backend_fit.offline_pipeline import kgbd_walks
from tools.trials.body_change import Names, name_stays, spliced_frames

pytestmark = [pytest.mark.slow, pytest.mark.data]


@pytest.fixture(scope="module")
def names(data_dir: Path) -> Names:
    return Names(data_dir, range(101, 106))


def test_a_stranger_who_comes_after_a_gap_is_not_named_as_the_visitor_before(
    names: Names, cases_dir: Path
) -> None:
    tracker = Tracker(get_layout("kinect-v1"))
    with read_recording(cases_dir / "two_visitors_one_id.mcap") as recording:
        encoded = names.encode(recording, tracker)
    finals = [each for each in names.decisions(encoded) if each.final]
    first, second = finals
    assert (first.track.number, first.state, first.candidate) == (1, "person", "person 101")
    assert (second.track.number, second.state) == (2, "unknown")


def test_a_person_who_takes_over_a_track_is_named_on_a_track_of_their_own(
    names: Names, data_dir: Path
) -> None:
    walks = [ref.read() for ref in kgbd_walks(data_dir, (101, 103)) if ref.walk == "3"]
    first, second = (frames_of(walk) for walk in walks)
    whole = splice(first, 240, second, 120)
    tracker = Tracker(get_layout("kinect-v1"), detector=partial(detector_for, "kinect-v1"))
    encoded = names.encode(spliced_frames(whole), tracker)
    decisions = list(names.decisions(encoded))
    assert 0 < name_stays(decisions, "101", int(whole.time_ns[240])) <= 2
    old, new = [each for each in decisions if each.final]
    assert (old.track.number, old.state, old.candidate) == (1, "person", "person 101")
    assert (new.track.number, new.state, new.candidate) == (2, "person", "person 103")
