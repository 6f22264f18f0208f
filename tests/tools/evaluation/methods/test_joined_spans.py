"""Spans joined of a trial's training windows: those that `cut_spans` cuts, in whatever joints and rate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from encoder.training.spans import TrainingWalk, cut_spans
from stream.errors import DataError
from stream.skeleton import CANONICAL_LAYOUT
from tests.tools.evaluation.made import made_walks
from tools.datasets import Walk
from tools.evaluation.methods.joined_spans import spans_of
from tools.evaluation.splits.walk_split import CUT_FRAMES, WindowSet


def walks_with_gaps() -> list[Walk]:
    """Six walks; in some the sensor lost the person for half a second, and one is too short for a window."""
    walks = made_walks(3, walks=2, frames=80)
    for number, walk in enumerate(walks):
        if number % 2:
            time_ns = walk.time_ns + 500_000_000 * (np.arange(80) >= 30 + 5 * number)
            walks[number] = replace(walk, time_ns=time_ns)
    short = slice(0, 2 * CUT_FRAMES + 3)
    one = walks[2]
    walks[2] = replace(
        one, time_ns=one.time_ns[short], joints=one.joints[short], confidence=one.confidence[short]
    )
    return walks


def cut(walks: list[Walk], f: int, **options: Any) -> WindowSet:
    return WindowSet.cut(walks, ("p00", "p01", "p02"), f, max(1, f // 2), **options)


@pytest.mark.parametrize(("f", "length"), [(6, 6), (6, 12), (6, 9), (4, 10), (2, 4), (10, 20)])
def test_spans_are_those_cut_of_the_walks(f: int, length: int) -> None:
    walks = walks_with_gaps()
    nameless = [
        TrainingWalk(t.name, "", t.layout, t.time_ns, t.joints, t.confidence)
        for t in (walk.trimmed(CUT_FRAMES) for walk in walks)
    ]
    expected = cut_spans(nameless, length, f // 2)
    found = spans_of(cut(walks, f), length)
    np.testing.assert_array_equal(found.skeletons, expected.skeletons)
    np.testing.assert_array_equal(found.recording, expected.recording)
    assert found.digest == expected.digest
    assert (found.layout, found.rate_hz) == (CANONICAL_LAYOUT, 30)
    assert set(found.people) == {""}


def test_spans_of_odd_windows_are_skeletons_in_a_row() -> None:
    (walk, *_) = made_walks(1, frames=60)
    found = spans_of(WindowSet.cut([walk], ("p00",), 5, 2), 10)
    centred = walk.joints[CUT_FRAMES:-CUT_FRAMES] - walk.joints[CUT_FRAMES:-CUT_FRAMES, :1]
    for number, span in enumerate(found.skeletons):
        np.testing.assert_allclose(span, centred[2 * number : 2 * number + 10], atol=1e-6)
    assert len(found) in {(40 - 10) // 2, (40 - 10) // 2 + 1}


def test_native_windows_give_native_spans() -> None:
    walks = [replace(walk, time_ns=3 * walk.time_ns) for walk in made_walks(3, walks=1, frames=60)]
    train = cut(walks, 6, native=True)
    found = spans_of(train, 12)
    assert found.rate_hz == train.rate_hz == pytest.approx(10, abs=0.01)
    own = walks[0].joints[CUT_FRAMES:-CUT_FRAMES]
    np.testing.assert_array_equal(found.skeletons[1], own[3:15] - own[3:15, :1])
    assert len(found) == 3 * ((40 - 12) // 3 + 1)


def test_windows_that_do_not_overlap_hold_no_longer_spans() -> None:
    train = WindowSet.cut(made_walks(2, frames=60), ("p00", "p01"), 6, 6)
    np.testing.assert_array_equal(spans_of(train, 6).skeletons, train.windows)
    with pytest.raises(DataError, match="no 12 skeletons in a row"):
        spans_of(train, 12)
