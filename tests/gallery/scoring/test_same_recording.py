"""One recording is recognised in clips and copies; other walks of the person are not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoder.pose import BONE_COLUMNS, pose_features
from gallery.scoring.same_recording import is_same_recording, recording_distance
from gallery.scoring.track_scores import TemplateMeans
from stream.body import FloatArray
from tools.backend_fit.offline_pipeline import simulated_walks, walk_windows
from tools.datasets import Walk

F = 6
PEOPLE = 3


@cache
def walks(walk: int, seconds: float = 10.0) -> list[Walk]:
    return simulated_walks(PEOPLE, seed=5, walk=walk, seconds=seconds)


def templates(walk: Walk, first: int = 0, last: int | None = None) -> FloatArray:
    """Returns the templates of a part of a walk, without CAGEs."""
    part = slice(first, last)
    clip = replace(
        walk, time_ns=walk.time_ns[part], joints=walk.joints[part], confidence=walk.confidence[part]
    )
    return TemplateMeans.of(pose_features(np.stack([window.joints for window in walk_windows(clip, F)])))


@settings(max_examples=20, deadline=None)
@given(person=st.integers(0, PEOPLE - 1), first=st.integers(0, 150), frames=st.integers(100, 290))
def test_a_clip_is_the_recording_that_it_was_cut_from(person: int, first: int, frames: int) -> None:
    walk = walks(1)[person]
    whole, clip = templates(walk), templates(walk, first, first + frames)
    assert is_same_recording(whole, clip)
    assert is_same_recording(clip, whole)


@settings(max_examples=20, deadline=None)
@given(person=st.integers(0, PEOPLE - 1), first=st.integers(0, 150), frames=st.integers(100, 290))
def test_another_walk_is_another_recording(person: int, first: int, frames: int) -> None:
    assert not is_same_recording(
        templates(walks(1)[person]), templates(walks(2)[person], first, first + frames)
    )


def test_clips_that_overlap_are_one_recording_and_clips_that_do_not_are_not() -> None:
    walk = walks(1, 20.0)[0]
    assert is_same_recording(templates(walk, 0, 400), templates(walk, 130, 560))
    assert not is_same_recording(templates(walk, 0, 290), templates(walk, 310))


def test_a_copy_has_no_distance_and_a_short_walk_is_never_the_same() -> None:
    whole = templates(walks(1)[0])
    assert recording_distance(whole, whole.copy()) == pytest.approx(0, abs=1e-4)
    assert recording_distance(whole[:5], whole[:5]) == np.inf


def test_skeletons_with_rigid_bones_are_compared_by_their_pose() -> None:
    def rigid(walk: FloatArray) -> FloatArray:
        fixed = walk.copy()
        fixed[:, :, BONE_COLUMNS] = 0.3
        return fixed

    first, second = (rigid(templates(walks(number)[0])) for number in (1, 2))
    assert is_same_recording(first, first[10:60])
    assert not is_same_recording(first, second)
