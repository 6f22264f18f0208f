"""Tests of many people in one frame: the same windows as of each alone, for little work each."""

from __future__ import annotations

import cProfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.body import Body, BodyFrame
from stream.capture.body_places import BodyPlaces
from stream.capture.levelling import Levelling
from stream.capture.tracking import Tracker
from stream.skeleton import get_layout
from stream.sources.simulated import parse_simulated, simulated_frames
from stream.windows.body_change import detector_for
from stream.windows.cutting import Window

LAYOUT = get_layout("kinect-v1")

CALLS = 100
"""Most calls of functions for one person more and one frame; numpy's calls for a frame are shared."""


def crowd(people: int, seconds: float = 3.0) -> list[BodyFrame]:
    options = {"n": str(people), "seconds": str(seconds), "live": "0", "seed": "3"}
    return list(simulated_frames(parse_simulated(options)))


def windows_of(frames: Sequence[BodyFrame]) -> dict[int, list[Window]]:
    """Windows of each body id, without levelling, which depends on all people."""
    tracker = Tracker(LAYOUT, detector=partial(detector_for, "kinect-v1"))
    found: dict[int, list[Window]] = defaultdict(list)
    for frame in frames:
        update = tracker.push(frame)
        bodies = {track: body for body, track in tracker.numbers.items()}
        for track, window in update.windows:
            found[bodies[track]].append(window)
    return found


def irregular(frames: Sequence[BodyFrame], seed: int) -> Iterator[BodyFrame]:
    """The frames at irregular times, some without some of the bodies."""
    rng = np.random.default_rng(seed)
    for frame in frames:
        late_ns = int(rng.integers(0, 20_000_000))
        kept = tuple(body for body in frame.bodies if rng.random() > 0.03)
        yield BodyFrame(frame.time_ns + late_ns, kept)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=5)
def test_people_in_one_frame_have_the_windows_of_each_alone(seed: int) -> None:
    frames = list(irregular(crowd(4), seed))
    together = windows_of(frames)
    for number in range(1, 5):
        own = [BodyFrame(f.time_ns, tuple(b for b in f.bodies if b.id == number)) for f in frames]
        alone = windows_of(own)[number]
        assert len(alone) == len(together[number]) > 15
        for one, other in zip(alone, together[number], strict=True):
            assert (one.start_ns, one.end_ns, one.view) == (other.start_ns, other.end_ns, other.view)
            assert one.quality == other.quality
            np.testing.assert_array_equal(one.joints, other.joints)


def calls(frames: Sequence[BodyFrame]) -> int:
    """Number of calls of functions, Python's and numpy's, that the frames take."""
    tracker = Tracker(LAYOUT, detector=partial(detector_for, "kinect-v1"), levelling=Levelling())
    places = BodyPlaces(LAYOUT)
    profile = cProfile.Profile()
    profile.enable()
    for frame in frames:
        tracker.push(frame)
        places.add(frame, tracker.numbers)
        places.take(frame.time_ns)
    profile.disable()
    return sum(entry.callcount for entry in profile.getstats())


def test_one_person_more_in_a_frame_takes_few_calls() -> None:
    few, many = crowd(5), crowd(25)
    added = (calls(many) - calls(few)) / (20 * len(many))
    assert added < CALLS, f"{added:.0f} calls for one person and frame"


def test_a_body_id_that_a_frame_repeats_has_one_place() -> None:
    (body,) = crowd(1, 0.1)[0].bodies
    places = BodyPlaces(LAYOUT)
    places.add(BodyFrame(0, (body, Body(1, body.joints, body.confidence))), {1: 5})
    assert [place.track for place in places.take(0)] == [5]
