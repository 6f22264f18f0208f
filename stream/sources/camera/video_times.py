"""Times of the pictures of a video file: those of the file, or a guess if these cannot be."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from statistics import median
from typing import Protocol

__all__ = ["PictureTimes", "Stamped", "believable_times"]

LEAST_RATE, GREATEST_RATE = 1, 1000
"""Pictures per second; nobody records people walking at other rates."""


class Stamped(Protocol):
    """A picture with its time, as PyAV has it."""

    @property
    def pts(self) -> int | None:
        """The time in units of the time base; None if the file gives none."""
        ...

    @property
    def dts(self) -> int | None:
        """The time at which it was decoded; as far apart as `pts`."""
        ...


@dataclass(slots=True)
class PictureTimes:
    """Assigns times to the pictures of one file, in order of time.

    Attributes:
        unit: seconds, of the file's times, or of one picture if they are counted.
        by_dts: whether the pictures' times are those of decoding: an AVI states no others.
        counted: whether picture n is at n units, because the times of the file are unusable.
        note: for the user, if the times are a guess; else empty.
    """

    unit: Fraction
    by_dts: bool = False
    counted: bool = False
    note: str = ""
    _number: int = field(default=0, init=False)
    _shift: int | None = field(default=None, init=False)
    _last: int = field(default=0, init=False)
    _step: int = field(default=0, init=False)

    def next_ns(self, picture: Stamped) -> int:
        """Returns the time of the next picture, nanoseconds; not negative for the first."""
        number, self._number = self._number, self._number + 1
        if self.counted:
            return round(number * self.unit * 1_000_000_000)
        stamp = picture.dts if self.by_dts else picture.pts
        if stamp is None:  # FFmpeg gives the last pictures no time of decoding
            stamp = self._last + self._step
        if self._shift is None:
            self._shift = max(0, -stamp)
        self._step, self._last = stamp - self._last, stamp
        return round((stamp + self._shift) * self.unit * 1_000_000_000)


def believable_times(
    stamps: Sequence[int | None], unit: Fraction | None, rate: Fraction | None, *, by_dts: bool = False
) -> PictureTimes | str:
    """Decides whether the times of a file are used, or counted by its rate.

    Args:
        stamps: of the first pictures, in units; in any order.
        unit: seconds.
        rate: pictures per second that the header states.
        by_dts: whether the stamps are times of decoding, in the order of the file.

    Returns:
        The times; or, if neither times nor rate are believable, what the file states instead.
    """
    given = sorted(stamp for stamp in stamps if stamp is not None)
    gaps = [later - earlier for earlier, later in itertools.pairwise(given)]
    reason = ""
    if unit is None or len(given) < len(stamps) / 2 or not given:
        reason = "gives no times of its pictures"
    elif gaps and not (gap := median(gaps)):
        reason = "gives the same time for several pictures"
    elif gaps and not LEAST_RATE <= (seen := 1 / (float(gap) * float(unit))) <= GREATEST_RATE:
        reason = f"has {seen:.3g} pictures a second, and nobody records people walking so"
    if not reason and unit is not None:
        return PictureTimes(unit, by_dts)
    if rate is None or not LEAST_RATE <= rate <= GREATEST_RATE:
        return reason
    note = (
        f"it {reason}; picture n is taken to be at n / {float(rate):g} s, the rate of its header. If that is "
        "not the rate at which it was recorded, people walk too fast or too slowly, and are not recognised"
    )
    return PictureTimes(1 / rate, counted=True, note=note)
