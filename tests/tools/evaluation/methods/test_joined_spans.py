"""Training spans joined from windows equal the spans that `cut_spans` cuts from the walks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from encoder.training.spans import TrainingWalk, cut_spans
from stream.errors import DataError
from stream.skeleton import CANONICAL_LAYOUT
from tests.tools.evaluation.synthetic_people import synthetic_walks
from tools.datasets import Walk
from tools.evaluation.methods.joined_spans import join_spans
from tools.evaluation.splits.window_set import CUT_FRAMES, WindowSet


def walks_with_gaps() -> list[Walk]:
    """Six walks: three with a gap of half a second, one too short for a window."""
    walks = synthetic_walks(3, walks=2, frames=80)
    for number, walk in enumerate(walks):
        if number % 2:
            time_ns = walk.time_ns + 500_000_000 * (np.arange(80) >= 30 + 5 * number)
            walks[number] = replace(walk, time_ns=time_ns)
    short = slice(0, 2 * CUT_FRAMES + 3)
    walk = walks[2]
    walks[2] = replace(
        walk, time_ns=walk.time_ns[short], joints=walk.joints[short], confidence=walk.confidence[short]
    )
    return walks


def cut(walks: list[Walk], f: int, **options: Any) -> WindowSet:
    return WindowSet.cut(walks, ("p00", "p01", "p02"), f, max(1, f // 2), **options)


@pytest.mark.parametrize(("f", "length"), [(6, 6), (6, 12), (6, 9), (4, 10), (2, 4), (10, 20)])
def test_joined_spans_equal_spans_cut_from_walks(f: int, length: int) -> None:
    walks = walks_with_gaps()
    unlabelled = [
        TrainingWalk(t.name, "", t.layout, t.time_ns, t.joints, t.confidence)
        for t in (walk.trimmed(CUT_FRAMES) for walk in walks)
    ]
    expected = cut_spans(unlabelled, length, f // 2)
    spans = join_spans(cut(walks, f), length)
    np.testing.assert_array_equal(spans.skeletons, expected.skeletons)
    np.testing.assert_array_equal(spans.recording, expected.recording)
    assert spans.digest == expected.digest
    assert (spans.layout, spans.rate_hz) == (CANONICAL_LAYOUT, 30)
    assert set(spans.people) == {""}


def test_spans_of_odd_windows_are_consecutive_skeletons() -> None:
    (walk, *_) = synthetic_walks(1, frames=60)
    spans = join_spans(WindowSet.cut([walk], ("p00",), 5, 2), 10)
    centred = walk.joints[CUT_FRAMES:-CUT_FRAMES] - walk.joints[CUT_FRAMES:-CUT_FRAMES, :1]
    for number, span in enumerate(spans.skeletons):
        np.testing.assert_allclose(span, centred[2 * number : 2 * number + 10], atol=1e-6)
    assert len(spans) in {(40 - 10) // 2, (40 - 10) // 2 + 1}


def test_spans_keep_native_joints_and_rate() -> None:
    walks = [replace(walk, time_ns=3 * walk.time_ns) for walk in synthetic_walks(3, walks=1, frames=60)]
    train = cut(walks, 6, native=True)
    spans = join_spans(train, 12)
    assert spans.rate_hz == train.rate_hz == pytest.approx(10, abs=0.01)
    own = walks[0].joints[CUT_FRAMES:-CUT_FRAMES]
    np.testing.assert_array_equal(spans.skeletons[1], own[3:15] - own[3:15, :1])
    assert len(spans) == 3 * ((40 - 12) // 3 + 1)


def test_non_overlapping_windows_contain_no_longer_spans() -> None:
    train = WindowSet.cut(synthetic_walks(2, frames=60), ("p00", "p01"), 6, 6)
    np.testing.assert_array_equal(join_spans(train, 6).skeletons, train.windows)
    with pytest.raises(DataError, match="no 12 consecutive skeletons"):
        join_spans(train, 12)
