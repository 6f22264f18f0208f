"""Tests of native windows, in the joints and at the rate of the data set, and of precut windows."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import DataError, UserError
from stream.skeleton import get_layout
from tests.tools.evaluation.synthetic_datasets import casia, ks20, make_walk
from tools.datasets import PrecutWindows, Walk
from tools.evaluation.splits.window_set import SequenceInfo, WindowSet, same_recordings

HIPS = {"kinect-v1": [0], "kinect-v2": [0], "openpose-14": [8, 11], "coco17-2d": [11, 12]}
"""Joints whose mean is the hip, by layout."""


def reference_windows(walk: Walk, f: int, step: int) -> list[np.ndarray]:
    """Returns windows by definition: complete frames, ten cut at each end, f consecutive, hip-centred."""
    frames = [
        joints
        for joints, sure in zip(walk.joints, walk.confidence, strict=True)
        if sure.all() and np.isfinite(joints).all()
    ]
    frames = frames[10 : max(10, len(frames) - 10)]
    found, start = [], 0
    while start + f <= len(frames):
        window = [frame - frame[HIPS[walk.layout]].mean(axis=0) for frame in frames[start : start + f]]
        found.append(np.stack(window))
        start += step
    return found


@given(
    layout=st.sampled_from(list(HIPS)),
    frames=st.integers(24, 60),
    f=st.sampled_from([4, 6]),
    step=st.integers(1, 7),
    lost=st.sets(st.integers(0, 23), max_size=3),
)
def test_native_windows_match_their_definition(
    layout: str, frames: int, f: int, step: int, lost: set[int]
) -> None:
    original = make_walk("7", "a", layout=layout, frames=frames + len(lost) + 6, rate_hz=10.0)
    confidence = original.confidence.copy()
    confidence[sorted(lost), 3] = 0
    walk = replace(original, confidence=confidence)
    cut = WindowSet.cut([walk], ("7",), f, step, native=True)
    expected = reference_windows(walk, f, step)
    assert cut.windows.dtype == np.float32
    np.testing.assert_allclose(cut.windows, np.stack(expected), atol=1e-6)
    assert cut.layout == layout
    assert cut.rate_hz == pytest.approx(10, abs=0.01)


def test_native_windows_ignore_the_frame_rate() -> None:
    slow, fast = (make_walk("1", "a", frames=50, rate_hz=rate) for rate in (10.0, 30.0))
    native = [WindowSet.cut([walk], ("1",), 6, 6, native=True) for walk in (slow, fast)]
    np.testing.assert_array_equal(native[0].windows, native[1].windows)
    canonical = [WindowSet.cut([walk], ("1",), 6, 6) for walk in (slow, fast)]
    assert len(canonical[0]) == 14  # 30 frames over 2.9 s are 88 at 30 Hz
    assert len(canonical[1]) == len(native[1]) == 5
    assert canonical[0].rate_hz == 30


def test_ks20_has_25_native_and_20_canonical_joints() -> None:
    walks = ks20(2, frames=40)
    names = ("1", "2")
    native = WindowSet.cut(walks, names, 6, 3, native=True)
    assert native.windows.shape[1:] == (6, 25, 3)
    assert native.layout == "kinect-v2"
    assert native.rate_hz == pytest.approx(30, abs=0.01)
    assert np.abs(native.windows[:, :, get_layout("kinect-v2").joints.index("SpineBase")]).max() == 0
    canonical = WindowSet.cut(walks, names, 6, 3)
    assert canonical.windows.shape[1:] == (6, 20, 3)
    assert canonical.layout == "kinect-v1"


def test_windows_refer_to_their_recordings() -> None:
    walks = casia(2, views=("000", "018"))
    cut = WindowSet.cut(walks, ("001", "002"), 6, 6, native=True)
    assert len(cut.sequences) == len(walks)
    for index in (0, 5, len(cut) - 1):
        walk = walks[cut.walks[index]]
        assert cut.sequences[cut.walks[index]] == SequenceInfo(
            walk.person, walk.walk, walk.session, walk.view, walk.condition, walk.name
        )
        assert cut.names[cut.people[index]] == walk.person
        assert (cut.views[index], cut.conditions[index]) == (walk.view, walk.condition)
    assert set(cut.views.tolist()) == {"000", "018"}
    shuffled = cut.with_people_shuffled(1)
    assert shuffled.sequences is cut.sequences


def test_people_without_a_walk_have_no_windows() -> None:
    cut = WindowSet.cut([make_walk("b", "1")], ("a", "b", "c"), 4, 4)
    assert set(cut.people.tolist()) == {1}
    assert cut.names == ("a", "b", "c")
    with pytest.raises(DataError, match="no walk to cut windows from"):
        WindowSet.cut([], ("a",), 4, 4)
    with pytest.raises(
        DataError, match=r"synthetic/a/1: expected 6 consecutive skeletons .* got none in 25 frames"
    ):
        WindowSet.cut([make_walk("a", "1", frames=25), make_walk("b", "1")], ("a", "b"), 6, 6, native=True)


def test_2d_canonical_windows_and_mixed_layouts_are_rejected() -> None:
    (flat,) = casia(1, layout="coco17-2d", views=("090",))[:1]
    assert WindowSet.cut([flat], ("001",), 4, 4, native=True).windows.shape[1:] == (4, 17, 3)
    with pytest.raises(UserError, match="layout coco17-2d are 2D image positions in pixels"):
        WindowSet.cut([flat], ("001",), 4, 4)
    with pytest.raises(
        UserError, match=r"synthetic/001/.* has the layout coco17-2d, synthetic/b/1 has kinect-v1"
    ):
        WindowSet.cut([flat, make_walk("b", "1")], ("001", "b"), 4, 4, native=True)


def test_same_recordings_are_found_by_name() -> None:
    first, second, third = (make_walk("a", number) for number in "123")
    probes = WindowSet.cut([second, first], ("a",), 4, 4)
    gallery = WindowSet.cut([first, third, second], ("a",), 4, 4)
    assert same_recordings(probes, gallery).tolist() == [[False, False, True], [True, False, False]]


def prepared(people: tuple[str, ...], layout: str = "kinect-v2") -> PrecutWindows:
    joints = len(get_layout(layout).joints)
    windows = np.random.default_rng(4).normal(size=(len(people), 6, joints, 3)).astype(np.float32)
    runs = np.cumsum([0, *(a != b for a, b in pairwise(people))])
    return PrecutWindows("gallery", windows, people, runs.astype(np.int64))


def test_precut_windows_are_centred_and_keep_their_people() -> None:
    part = prepared(("3", "3", "1", "3", "1", "1"))
    cut = WindowSet.of_precut(part, ("1", "2", "3"), "kinect-v2", 30.0)
    assert cut.people.tolist() == [2, 2, 0, 2, 0, 0]
    assert cut.walks.tolist() == [0, 0, 1, 2, 3, 3]
    assert [sequence.person for sequence in cut.sequences] == ["3", "1", "3", "1"]
    assert len({sequence.name for sequence in cut.sequences}) == 4
    np.testing.assert_array_equal(cut.windows, part.windows - part.windows[:, :, :1])
    assert (cut.layout, cut.rate_hz) == ("kinect-v2", 30.0)


def test_precut_windows_of_unknown_people_are_reported() -> None:
    with pytest.raises(DataError, match="windows of person 3, who is not among the 2 people"):
        WindowSet.of_precut(prepared(("1", "3")), ("1", "2"), "kinect-v2", 30.0)
    with pytest.raises(DataError, match="part gallery holds no windows"):
        WindowSet.of_precut(prepared(()), ("1", "2"), "kinect-v2", 30.0)
