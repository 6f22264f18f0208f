"""Walks of a file, with the numbers of their tracks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from stream.body import Body, BodyFrame, Picture, SourceInfo
from stream.capture.walk_listing import FileWalks, Moment, list_walks
from stream.errors import CutOffError
from stream.skeleton import CANONICAL
from stream.sources import open_source
from stream.sources.playback import Playback
from tests.stream.bodies import at_rate, walking

HEAD = CANONICAL.index("Head")
HANDS = [CANONICAL.index(name) for name in ("HandLeft", "HandRight")]
INFO = SourceInfo("walk", "simulated", "kinect-v1", live=False, finite=True)


def frames(seconds: float, *, swing: float = 0.4, pictures: bool = False) -> Iterator[BodyFrame]:
    times = at_rate(30, seconds)
    rng = np.random.default_rng(1)
    for time_ns, joints in zip(times.tolist(), walking(times, swing=swing), strict=True):
        body = Body(7, joints, np.ones(20, np.float32))
        picture = None
        if pictures:
            image = rng.integers(0, 256, (90, 160, 3), np.uint8)
            picture = Picture(image, {7: np.full((20, 3), 50, np.float32)})
        yield BodyFrame(time_ns, (body,), picture)


def listed(content: Iterator[BodyFrame]) -> FileWalks:
    with contextlib.closing(Playback(INFO, content, speed=0)) as source:
        return list_walks(source)


def simulated(index: int = 0, sources: int = 1) -> FileWalks:
    with contextlib.closing(open_source("walkers:n=2,seed=11,seconds=8,live=0", speed=0)) as source:
        return list_walks(source, index=index, sources=sources)


def test_each_person_is_listed_with_when_and_how_long_they_walk() -> None:
    first, second = simulated().walks
    assert (first.track, second.track) == (1, 2)
    for walk in (first, second):
        assert 6 < walk.seconds < 8
        assert 0 < walk.first < 1 < 7 < walk.last <= 8
        assert set(walk.moment.tracks.values()) == {1, 2}
        assert len(walk.moment.bodies) == 2


@pytest.mark.parametrize(("index", "expected"), [(0, [1, 3]), (1, [2, 4])])
def test_tracks_are_numbered_as_in_a_run_on_several_sources(index: int, expected: list[int]) -> None:
    assert [walk.track for walk in simulated(index=index, sources=2).walks] == expected


def test_nobody_is_listed_who_only_stands_and_the_cause_is_counted() -> None:
    standing = listed(frames(5, swing=0.0))
    assert standing.walks == ()
    assert standing.causes["standing still"] in (3, 4, 5)


def test_the_moment_has_nothing_of_the_image() -> None:
    (walk,) = listed(frames(4, pictures=True)).walks
    drawn = walk.moment.frame((1, 2, 3))
    assert drawn.picture is not None
    assert drawn.picture.image.shape == (90, 160, 3)
    assert (drawn.picture.image == (1, 2, 3)).all()
    assert set(drawn.picture.keypoints) == {7}
    assert not any(isinstance(getattr(walk.moment, name), Picture) for name in Moment.__slots__)


def test_a_file_that_ends_early_is_listed_with_what_it_holds() -> None:
    def cut() -> Iterator[BodyFrame]:
        yield from frames(4)
        raise CutOffError("walk ends early")

    found = listed(cut())
    assert found.cut_off == "walk ends early"
    assert [walk.track for walk in found.walks] == [1]


def test_two_people_one_after_the_other_are_two_walks() -> None:
    def passages() -> Iterator[BodyFrame]:
        yield from frames(4)
        for frame in frames(5):
            yield replace(frame, time_ns=frame.time_ns + 60_000_000_000)

    first, second = listed(passages()).walks
    assert (first.track, second.track) == (1, 2)
    assert first.last < 4.1
    assert second.first > 60


def test_the_moment_shows_the_person_near_and_not_with_raised_arms() -> None:
    def raised_then_near() -> Iterator[BodyFrame]:
        for number, frame in enumerate(frames(6)):
            (body,) = frame.bodies
            joints = body.joints.copy()
            if number < 90:
                joints[HANDS, 1] = joints[HEAD, 1] + 0.3
            else:
                joints[:, 2] -= 0.3
            yield replace(frame, bodies=(replace(body, joints=joints),))

    (walk,) = listed(raised_then_near()).walks
    assert walk.moment.time_ns >= 3_000_000_000
