"""Frame times: from a nominal rate, or from stamps whose unit is unknown."""

from __future__ import annotations

import numpy as np

from tools.datasets.recorded_walk import IntArray

__all__ = ["nominal_times", "stamp_times"]

_UNITS_NS = (1_000_000, 1_000, 100, 1)  # ms, us, the 100 ns of Windows, ns


def nominal_times(frames: int, rate_hz: float) -> IntArray:
    """Returns (T,) int64 nanoseconds of T frames at a constant rate, from 0."""
    return np.round(np.arange(frames) * 1e9 / rate_hz).astype(np.int64)


def stamp_times(stamps: IntArray, rate_hz: float) -> IntArray:
    """Converts stamps of unknown unit to times.

    BIWI and KS20 do not state the unit of the number in a file's name. Candidates are a frame counter,
    milliseconds, microseconds, steps of 100 ns and nanoseconds. The unit is chosen that brings the median
    interval between frames closest (in ratio) to `1 / rate_hz`. The candidates differ by a factor of 10 or
    more, so the choice is right for true rates from a third of the nominal rate to three times it. Gaps
    between frames keep their true length.

    Args:
        stamps: (T,) int64, strictly increasing.
        rate_hz: nominal frame rate of the data set, frames a second.

    Returns:
        (T,) int64, nanoseconds since the first stamp.
    """
    since = stamps - stamps[:1]
    if len(stamps) < 2:
        return since
    nominal_ns = 1e9 / rate_hz
    median = float(np.median(np.diff(stamps)))
    unit = min((nominal_ns, *_UNITS_NS), key=lambda ns: abs(np.log(median * ns / nominal_ns)))
    return np.round(since * unit).astype(np.int64)
