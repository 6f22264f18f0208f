"""How many windows are computed at once, so that a window's CAGE has the same bits in every batch.

The rounding of a matrix product may depend on the number of its rows and on a row's position, by processor
and version of torch. So it is measured, once at the start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray

__all__ = ["BatchSizes", "choose_batch_sizes", "encode_in_batches"]

_TRIALS = (2, 3, 4, 5, 6, 7, 8, 9, 15, 17, 31, 33, 64, 127)

Encode = Callable[[FloatArray], FloatArray]
"""Returns the CAGEs (n, f, D) of windows (n, f, J, 3), n at least 1."""


@dataclass(frozen=True, slots=True)
class BatchSizes:
    """Sizes of the batches.

    Attributes:
        smallest: fewer windows are padded with zeros.
        largest: more windows are computed in several batches.
    """

    smallest: int
    largest: int


def choose_batch_sizes(
    encode: Encode, shape: tuple[int, int, int], candidates: Iterable[BatchSizes]
) -> BatchSizes:
    """Returns the first candidate with which windows have the same bits in all trial batches, else size 1.

    Args:
        encode: the computation.
        shape: (f, J, 3) of a window.
        candidates: in order of preference.
    """
    return next((sizes for sizes in candidates if _repeats(encode, shape, sizes)), BatchSizes(1, 1))


def encode_in_batches(encode: Encode, windows: FloatArray, sizes: BatchSizes) -> FloatArray:
    """Returns the CAGEs of windows (n, f, J, 3), n at least 1, computed in batches of these sizes."""
    starts = range(0, len(windows), sizes.largest)
    batches = (windows[start : start + sizes.largest] for start in starts)
    return np.concatenate([encode(_padded(batch, sizes.smallest))[: len(batch)] for batch in batches])


def _padded(windows: FloatArray, size: int) -> FloatArray:
    if len(windows) >= size:
        return windows
    padded = np.zeros((size, *windows.shape[1:]), np.float32)
    padded[: len(windows)] = windows
    return padded


def _repeats(encode: Encode, shape: tuple[int, int, int], sizes: BatchSizes) -> bool:
    windows = np.random.RandomState(0).standard_normal((sizes.largest, *shape)).astype(np.float32)
    cages = encode(windows)
    return all(np.array_equal(encode(windows[rows]), cages[rows]) for rows in _trial_batches(sizes))


def _trial_batches(sizes: BatchSizes) -> Iterator[NDArray[np.intp]]:
    """Yields rows of the largest batch: with one size all rotations, else parts of it backwards."""
    rows = np.arange(sizes.largest)
    if sizes.smallest == sizes.largest:
        yield from (np.roll(rows, shift) for shift in range(1, sizes.largest))
        return
    for size in _TRIALS:
        if sizes.smallest <= size < sizes.largest:
            start = 5 * size % (sizes.largest - size)
            yield rows[start : start + size][::-1]
