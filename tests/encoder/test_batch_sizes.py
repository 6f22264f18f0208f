"""Batch sizes: the first whose batches give the same bits, with computations that round by batch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.batch_sizes import BatchSizes, choose_batch_sizes, encode_in_batches
from stream.body import FloatArray

SHAPE = (2, 3, 3)
ANY, EIGHT = BatchSizes(2, 20), BatchSizes(8, 8)


def exact(windows: FloatArray) -> FloatArray:
    return windows.reshape(len(windows), 2, 9)


def rounded_by_size(windows: FloatArray) -> FloatArray:
    return exact(windows) + np.float32(1e-6 * len(windows))


def rounded_by_position(windows: FloatArray) -> FloatArray:
    return exact(windows) + np.arange(len(windows), dtype=np.float32).reshape(-1, 1, 1)


def rounded_if_alone(windows: FloatArray) -> FloatArray:
    return exact(windows) + np.float32(len(windows) == 1)


@pytest.mark.parametrize(
    ("encode", "expected"),
    [
        (exact, ANY),
        (rounded_if_alone, ANY),
        (rounded_by_size, EIGHT),
        (rounded_by_position, BatchSizes(1, 1)),
    ],
)
def test_the_first_candidate_that_repeats_is_chosen(encode: object, expected: BatchSizes) -> None:
    assert callable(encode)
    assert choose_batch_sizes(encode, SHAPE, (ANY, EIGHT)) == expected


@given(n=st.integers(1, 50), sizes=st.sampled_from([ANY, EIGHT, BatchSizes(1, 1), BatchSizes(3, 7)]))
def test_all_windows_are_encoded_in_their_order_in_batches_of_the_sizes(n: int, sizes: BatchSizes) -> None:
    windows = np.random.RandomState(n).standard_normal((n, *SHAPE)).astype(np.float32)
    batches: list[int] = []

    def encode(batch: FloatArray) -> FloatArray:
        batches.append(len(batch))
        return exact(batch)

    assert np.array_equal(encode_in_batches(encode, windows, sizes), exact(windows))
    assert all(sizes.smallest <= size <= sizes.largest for size in batches)
