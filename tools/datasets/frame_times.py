"""Times from the numbers in the names of one-file-a-frame data sets."""

from __future__ import annotations

import numpy as np

from tools.datasets.recorded_walk import IntArray

__all__ = ["nominal_times", "stamp_times"]

_UNITS_NS = (1_000_000, 1_000, 100, 1)  # ms, us, the 100 ns of Windows, ns


def nominal_times(frames: int, rate_hz: float) -> IntArray:
    """(T,) int64 nanoseconds of T frames at an even rate, from 0."""
    return np.round(np.arange(frames) * 1e9 / rate_hz).astype(np.int64)


def stamp_times(stamps: IntArray, rate_hz: float) -> IntArray:
    """(T,) int64 nanoseconds since the first of T increasing stamps whose unit is not known.

    Neither BIWI nor KS20 says what the number in a file's name counts. The data sets' nominal rate decides:
    of a frame counter, milliseconds, microseconds, steps of 100 ns and nanoseconds, the stamps are in the one
    that brings the median distance of two frames closest (in ratio) to `1 / rate_hz`. The units lie a factor
    of 10 or more apart, so the choice holds for true rates from a third of the nominal one to three times it;
    gaps between frames keep their true length.

    Args:
        stamps: (T,) int64, strictly increasing.
        rate_hz: the data set's nominal rate, frames a second.
    """
    since = stamps - stamps[:1]
    if len(stamps) < 2:
        return since
    nominal_ns = 1e9 / rate_hz
    median = float(np.median(np.diff(stamps)))
    unit = min((nominal_ns, *_UNITS_NS), key=lambda ns: abs(np.log(median * ns / nominal_ns)))
    return np.round(since * unit).astype(np.int64)
