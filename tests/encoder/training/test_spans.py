"""Spans of walks and batches of an epoch: boundaries, order, invalid walks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.training.contrast import Contrast
from encoder.training.spans import Spans, TrainingWalk, cut_spans, epoch_batches
from stream.errors import DataError
from stream.skeleton import get_layout, to_canonical
from stream.windows.cutting import cut_windows


def walk(name: str, frames: int, layout: str = "kinect-v1", seed: int = 0) -> TrainingWalk:
    """Returns a walk of a nearly still body with small random movements of its joints."""
    joints = len(get_layout(layout).joints)
    draw = np.random.RandomState(seed)
    places = draw.standard_normal((1, joints, 3)) + 0.01 * draw.standard_normal((frames, joints, 3))
    times = np.arange(frames) * 1_000_000_000 // 30
    return TrainingWalk(name, "", layout, times, places.astype("f4"), np.ones((frames, joints), "f4"))


def spans_of(*lengths: int) -> Spans:
    """Returns spans of recordings with the given numbers of windows; the skeletons do not matter."""
    recording = np.repeat(np.arange(len(lengths)), lengths)
    names = tuple(f"r{i}" for i in range(len(lengths)))
    return Spans(np.zeros((len(recording), 2, 1, 3), "f4"), recording, names, ("",) * len(names), 0)


@pytest.mark.parametrize("layout", ["kinect-v1", "kinect-v2", "mediapipe"])
def test_spans_are_the_windows_of_each_walk(layout: str) -> None:
    walks = [walk("a", 40, layout, 1), walk("b", 3, layout, 2), walk("c", 31, layout, 3)]
    spans = cut_spans(iter(walks), 9, 3)
    assert spans.names == ("a", "c")
    assert spans.empty == ("b",)
    assert spans.frames == 71
    for number, one in enumerate((walks[0], walks[2])):
        joints, confidence = to_canonical(get_layout(layout), one.joints, one.confidence)
        expected = [w.joints for w in cut_windows(one.time_ns, joints, confidence, f=9, step=3)]
        np.testing.assert_array_equal(spans.skeletons[spans.recording == number], expected)


@pytest.mark.parametrize("layout", ["kinect-v2", "openpose-14"])
def test_the_joints_of_a_layout_can_be_kept(layout: str) -> None:
    one = walk("a", 40, layout)
    spans = cut_spans([one], 9, 3, layout)
    canonical = cut_spans([one], 9, 3)
    assert (spans.layout, spans.joints) == (layout, one.joints.shape[1])
    assert (canonical.layout, canonical.joints) == ("canonical", 20)
    hip, _ = to_canonical(get_layout(layout), one.joints, one.confidence)
    expected = np.stack([one.joints[i : i + 9] - hip[i : i + 9, :1] for i in range(0, 32, 3)])
    np.testing.assert_allclose(spans.skeletons, expected, atol=1e-5)
    assert cut_spans([walk("b", 5, layout), one], 9, 3, layout).empty == ("b",)
    with pytest.raises(DataError, match=f"v1: expected joints of {layout}, got kinect-v1"):
        cut_spans([walk("v1", 40)], 9, 3, layout)


def test_no_span_crosses_frames_without_detected_joints() -> None:
    one = walk("a", 40)
    one.confidence[20:26] = 0
    spans = cut_spans([one], 6, 3)
    halves = [cut_spans([cut], 6, 3) for cut in (part(one, 0, 20), part(one, 26, 40))]
    np.testing.assert_array_equal(spans.skeletons, np.concatenate([h.skeletons for h in halves]))


def part(one: TrainingWalk, start: int, stop: int) -> TrainingWalk:
    cut = slice(start, stop)
    return replace(one, time_ns=one.time_ns[cut], joints=one.joints[cut], confidence=one.confidence[cut])


def test_the_digest_depends_on_the_data_only() -> None:
    spans = cut_spans([walk("a", 30)], 6, 3)
    assert spans.digest == cut_spans([walk("renamed", 30)], 6, 3).digest
    assert spans.digest != cut_spans([walk("a", 30, seed=1)], 6, 3).digest
    assert spans.digest != replace(spans, recording=spans.recording + 1).digest


def test_invalid_walks_are_refused() -> None:
    good = walk("walk 7", 30)
    invalid = good.joints.copy()
    invalid[4, 2, 1] = np.nan
    with pytest.raises(DataError, match="walk 7, frame 4: expected finite"):
        cut_spans([replace(good, joints=invalid)], 6, 3)
    with pytest.raises(DataError, match=r"walk 7: expected joints \(30, 20, 3\)"):
        cut_spans([replace(good, joints=good.joints[:, :17])], 6, 3)
    with pytest.raises(DataError, match="walk 7: expected increasing times"):
        cut_spans([replace(good, time_ns=good.time_ns[::-1])], 6, 3)
    with pytest.raises(DataError, match="walk 7: unknown joint layout 'odd'"):
        cut_spans([replace(good, layout="odd")], 6, 3)
    with pytest.raises(DataError, match="none of the 1 walks has 31 complete consecutive skeletons"):
        cut_spans([good], 31, 3)
    with pytest.raises(DataError, match="none of the 0 walks"):
        cut_spans([], 6, 3)


LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=6)


@given(lengths=LENGTHS, size=st.integers(1, 12), epoch=st.integers(0, 5))
def test_within_batches_are_runs_of_one_recording(lengths: list[int], size: int, epoch: int) -> None:
    spans = spans_of(*lengths)
    batches = list(epoch_batches(spans, Contrast.WITHIN, size=size, reach=1, seed=3, epoch=epoch))
    for rows in batches:
        assert 1 <= len(rows) <= size
        assert (np.diff(rows) == 1).all()
        assert len(set(spans.recording[rows])) == 1
    assert sorted(np.concatenate(batches)) == list(range(len(spans)))


@given(lengths=LENGTHS, pairs=st.integers(1, 6), reach=st.integers(1, 30), epoch=st.integers(0, 5))
def test_across_batches_are_pairs_within_reach(
    lengths: list[int], pairs: int, reach: int, epoch: int
) -> None:
    spans = spans_of(*lengths)
    batches = list(epoch_batches(spans, Contrast.ACROSS, size=2 * pairs, reach=reach, seed=3, epoch=epoch))
    possible = sum(length for length in lengths if length > 1)
    assert sum(len(rows) for rows in batches) == 2 * ((possible + 1) // 2)
    anchors = [int(row) for rows in batches for row in rows[0::2]]
    assert len(set(anchors)) == len(anchors)
    for rows in batches:
        assert len(rows) <= 2 * pairs
        first, second = rows[0::2], rows[1::2]
        assert (spans.recording[first] == spans.recording[second]).all()
        assert set(abs(first - second)) <= set(range(1, reach + 1))


def test_across_pairs_have_all_distances_within_reach() -> None:
    (rows,) = epoch_batches(spans_of(4000), Contrast.ACROSS, size=10_000, reach=3, seed=0, epoch=0)
    distances, counts = np.unique(rows[1::2] - rows[0::2], return_counts=True)
    assert distances.tolist() == [-3, -2, -1, 1, 2, 3]
    assert counts.min() > 250


def test_without_contrast_every_window_occurs_once() -> None:
    batches = list(epoch_batches(spans_of(7, 6), Contrast.NONE, size=5, reach=1, seed=0, epoch=0))
    assert [len(rows) for rows in batches] == [5, 5, 3]
    assert sorted(np.concatenate(batches)) == list(range(13))


@pytest.mark.parametrize("contrast", list(Contrast))
def test_the_order_of_an_epoch_depends_on_seed_and_epoch(contrast: Contrast) -> None:
    def order(seed: int, epoch: int) -> list[int]:
        batches = epoch_batches(spans_of(*[9] * 8), contrast, size=4, reach=4, seed=seed, epoch=epoch)
        return [int(row) for rows in batches for row in rows]

    assert order(1, 2) == order(1, 2)
    assert order(1, 2) != order(1, 3)
    assert order(1, 2) != order(2, 2)


def test_kgbd_gives_spans(data_dir: Path) -> None:
    from tools.datasets import read_walks

    walks = [
        TrainingWalk(w.name, w.person, w.layout, w.time_ns, w.joints, w.confidence)
        for w in (found.trimmed() for found in read_walks(data_dir / "kgbd_kinect1_20j.npz", person="1"))
    ]
    spans = cut_spans(walks, 6, 3)
    assert len(spans.names) == 5
    assert spans.people == ("1",) * 5
    assert len(spans) > 0.9 * (spans.frames - 5 * 5) / 3
    assert (spans.skeletons[:, :, 0] == 0).all()
