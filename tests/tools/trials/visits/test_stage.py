"""Sources with known passages: what the frames show is what the truth says."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.body import SourceInfo
from stream.skeleton import CANONICAL
from tools.trials.visits.scripted_scene import scripted_scene
from tools.trials.visits.stage import FPS, Motion, StagedSource, hidden_frames, lost_frames, stage

INFO = SourceInfo("door", "simulated", "kinect-v1", live=False, finite=True)


def motion(person: str, first: int, frames: int, x: float = 0.0, z: float = 3.0) -> Motion:
    joints = np.zeros((frames, len(CANONICAL), 3), np.float32) + np.array([x, 0, z], np.float32)
    return Motion(person, first, joints, np.ones(joints.shape[:2], np.float32))


def assert_true(source: StagedSource) -> None:
    """Every body belongs to a passage, is shown within it and without gaps; a break gives a new id."""
    times: dict[int, list[int]] = {}
    for frame in source.frames:
        for body in frame.bodies:
            times.setdefault(body.id, []).append(frame.time_ns)
    assert set(times) == set(source.owners)
    for place, passage in enumerate(source.passages):
        own = [times[body] for body, owner in source.owners.items() if owner == place]
        assert len(own) == passage.breaks + 1
        assert (own[0][0], own[-1][-1]) == (passage.start_ns, passage.end_ns)
        for each in own:
            assert max(np.diff(each), default=0) < 1.5e9 / FPS
        for before, after in itertools.pairwise(own):
            assert 1.5e9 / FPS < after[0] - before[-1] < 4.5e9


@given(seed=st.integers(0, 50), lengths=st.lists(st.integers(70, 600), min_size=1, max_size=4))
def test_frames_show_what_the_truth_says(seed: int, lengths: list[int]) -> None:
    motions = [motion(str(n), 40 * n, length, x=n / 3) for n, length in enumerate(lengths)]
    source = stage(INFO, 0, motions, np.random.default_rng(seed))
    assert_true(source)
    assert [passage.person for passage in source.passages] == [each.person for each in motions]


@given(seed=st.integers(0, 200), count=st.integers(30, 2000))
def test_breaks_last_from_a_fifth_of_a_second_to_two(seed: int, count: int) -> None:
    lost = lost_frames(count, np.random.default_rng(seed))
    assert not lost[:FPS].any()
    assert not lost[-FPS:].any()
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lost, [False]])))
    lengths = np.diff(edges)[::2]
    assert all(0.2 * FPS <= length <= 2 * FPS for length in lengths)


def test_a_person_behind_another_is_hidden_but_not_for_ever() -> None:
    near, far = motion("near", 0, 300, z=2.0), motion("far", 0, 300, z=4.0)
    hidden = hidden_frames([near, far])
    assert not hidden[0].any()
    edges = np.flatnonzero(np.diff(np.concatenate([[False], hidden[1], [False]])))
    assert len(edges) >= 4, "the sensor sees the person now and then"
    assert max(np.diff(edges)[::2]) <= 2 * FPS
    assert not hidden_frames([near, motion("beside", 0, 300, x=1.0, z=4.0)])[1].any()


@pytest.mark.slow
def test_the_scripted_scene_is_the_same_again_and_whole() -> None:
    scene, again = scripted_scene(5, minutes=1.5), scripted_scene(5, minutes=1.5)
    other = scripted_scene(6, minutes=1.5)
    assert len(scene.sources) == 2
    assert len(scene.enrolled) == 6
    assert scene.sources[0].passages != other.sources[0].passages
    for source, same in zip(scene.sources, again.sources, strict=True):
        assert source.passages == same.passages
        assert_true(source)
        assert all(passage.seconds >= 4.9 for passage in source.passages)
        joints = [body.joints for frame in source.frames for body in frame.bodies]
        others = [body.joints for frame in same.frames for body in frame.bodies]
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(joints, others, strict=True))
        hips = np.array([each[0] for each in joints])
        assert np.nanmin(hips[:, 2]) > 1.0
        assert np.nanmax(hips[:, 2]) < 5.5


@pytest.mark.slow
def test_people_seen_by_both_sources_are_at_one_place_of_the_room() -> None:
    scene = scripted_scene(11, minutes=3.0)
    seen: list[dict[tuple[str, int], np.ndarray]] = []
    for source in scene.sources:
        hips = {}
        for frame in source.frames:
            for body in frame.bodies:
                person = source.passages[source.owners[body.id]].person
                hips[person, frame.time_ns] = body.joints[0]
        seen.append(hips)
    both = seen[0].keys() & seen[1].keys()
    assert both
    for key in both:
        front, back = seen[0][key], seen[1][key]
        assert abs(front[0] + back[0]) < 0.3, "what is right of one is left of the other"
        assert abs(front[2] + back[2] - 6.2) < 0.5
