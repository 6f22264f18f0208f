"""Resampling: turns the frames of one track into skeletons of an even rate.

    frame -> check joints and continuity -> samples, `RATE_HZ` a second

`Resampler.add` finds out which samples a frame completes, from times and the hip only; `skeletons_of`
calculates their skeletons, those of many tracks and frames at once.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Literal, NamedTuple, NewType

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray

__all__ = [
    "IRREGULAR",
    "MAX_GAP_NS",
    "MAX_HIP_SPEED",
    "MIN_FRAME_RATE",
    "RATE_HZ",
    "TOO_FEW_FRAMES",
    "Resampler",
    "Sample",
    "StretchProblem",
    "TooFewFrames",
    "are_complete",
    "is_complete",
    "skeletons_of",
]

RATE_HZ = 30
"""Sampling rate of all windows, skeletons per second."""

MAX_GAP_NS = 150_000_000
"""Longest gap between two frames that is interpolated, if the source does not give few frames regularly."""

MIN_FRAME_RATE = 5
"""Frames per second that a source needs."""

IRREGULAR = 1.5
"""Longest gap of a regular source that gives few frames, as a multiple of its usual interval. A lost frame
doubles the interval, and is a gap."""

MAX_HIP_SPEED = 9.0
"""Metres per second; faster motion (0.3 m between frames at 30 frames/s) is a tracking error."""

SNAP_NS = 1_000_000
"""A frame this close to a sample time is used without interpolation, because clocks round."""

_ARRIVALS = 5
"""Newest frames, the median of whose intervals is the usual one."""

_LONGEST_USUAL_NS = 1_150_000_000 // MIN_FRAME_RATE
"""Intervals vary."""

TOO_FEW_FRAMES = "too few frames"

TooFewFrames = NewType("TooFewFrames", str)
"""`TOO_FEW_FRAMES`, and the frame rate of a source that has only gaps."""

StretchProblem = Literal["tracking gap", "implausible jump"] | TooFewFrames
"""Reason why a new stretch begins."""


class _Frame(NamedTuple):
    """A complete skeleton in absolute coordinates."""

    time_ns: int
    joints: FloatArray
    confidence: FloatArray
    hip: list[float]


class Sample(NamedTuple):
    """A skeleton of the even rate: between two frames, or a frame, which `before` and `after` then are."""

    time_ns: int
    before: _Frame
    after: _Frame


class Resampler:
    """Resamples the complete frames of one track; each uninterrupted stretch has samples of its own."""

    def __init__(self) -> None:
        self.problem: StretchProblem | None = None
        """Why the newest stretch began; None if only joints were missing before it."""
        self._last_frame: _Frame | None = None
        self._arrivals: deque[int] = deque(maxlen=_ARRIVALS)
        """Times of the newest frames, whether complete or not."""
        self._origin_ns = 0
        self._count = 0
        """Number of samples of the stretch so far."""
        self._next_ns = 0
        """Time of the next sample."""

    def skip(self, time_ns: int) -> None:
        """Notes a frame that is not complete."""
        self._arrivals.append(time_ns)

    def add(self, time_ns: int, joints: FloatArray, confidence: FloatArray) -> tuple[bool, list[Sample]]:
        """Adds the next complete frame.

        Args:
            time_ns: its time; later than the previous one.
            joints: (20, 3) float32, metres.
            confidence: (20,) float32 in 0..1.

        Returns:
            Whether a new stretch begins with this frame, and the samples that the frame completes.
        """
        self._arrivals.append(time_ns)
        frame = _Frame(time_ns, joints, confidence, joints[0].tolist())
        last, self._last_frame = self._last_frame, frame
        if last is None or self._starts_new_stretch(last, frame):
            self._origin_ns, self._count = time_ns, 0
            self._count_sample()
            return True, [Sample(time_ns, frame, frame)]
        samples = []
        while self._next_ns <= time_ns + SNAP_NS:
            if time_ns - self._next_ns <= SNAP_NS:
                samples.append(Sample(time_ns, frame, frame))
            else:
                samples.append(Sample(self._next_ns, last, frame))
            self._count_sample()
        return False, samples

    def _starts_new_stretch(self, last: _Frame, frame: _Frame) -> bool:
        elapsed = frame.time_ns - last.time_ns
        if elapsed > MAX_GAP_NS and elapsed > (longest := self._longest_gap()):
            # Otherwise frames came, but with missing joints, which is the reported problem.
            gap = self._arrivals[-1] - self._arrivals[-2] > longest
            self.problem = (self._too_few_frames() or "tracking gap") if gap else None
            return True
        if math.dist(frame.hip, last.hip) * 1e9 > MAX_HIP_SPEED * elapsed:
            self.problem = "implausible jump"
            return True
        return False

    def _longest_gap(self) -> int:
        """Returns the longest gap that is interpolated, nanoseconds."""
        usual = median(self._intervals) if len(self._arrivals) == _ARRIVALS else 0
        return max(MAX_GAP_NS, int(IRREGULAR * usual)) if usual <= _LONGEST_USUAL_NS else MAX_GAP_NS

    def _too_few_frames(self) -> TooFewFrames | None:
        """Returns the frame rate as a problem if each of the newest intervals is a gap."""
        if len(self._arrivals) < _ARRIVALS or min(self._intervals) <= MAX_GAP_NS:
            return None
        usual = median(self._intervals)
        if usual <= _LONGEST_USUAL_NS:
            return None
        return TooFewFrames(
            f"{TOO_FEW_FRAMES}: {1e9 / usual:.1f} a second, at least {MIN_FRAME_RATE} are needed"
        )

    @property
    def _intervals(self) -> list[int]:
        """Between the newest frames, nanoseconds."""
        return [later - earlier for earlier, later in pairwise(self._arrivals)]

    def _count_sample(self) -> None:
        self._count += 1
        self._next_ns = self._origin_ns + round(self._count * 1_000_000_000 / RATE_HZ)


def is_complete(joints: FloatArray, confidence: FloatArray) -> bool:
    """Returns whether all joints (20, 3) of a frame were seen; confidence (20,) is 0 where one was not."""
    return bool(are_complete(joints, confidence))


def are_complete(joints: FloatArray, confidence: FloatArray) -> NDArray[np.bool]:
    """Returns whether all joints (..., 20, 3) of each frame were seen, as `is_complete`."""
    return np.asarray(confidence.all(axis=-1) & np.isfinite(joints).all(axis=(-2, -1)))


def skeletons_of(samples: Sequence[Sample]) -> tuple[FloatArray, FloatArray]:
    """Returns the joints (n, 20, 3), in absolute coordinates, and the confidence (n, 20) of samples."""
    after = np.array([sample.after.joints for sample in samples])
    confidence = np.array([sample.after.confidence for sample in samples])
    between = [n for n, sample in enumerate(samples) if sample.before is not sample.after]
    if not between:
        return after, confidence
    weights = np.array([_weight(samples[n]) for n in between], np.float32)
    earlier = np.array([samples[n].before.joints for n in between])
    after[between] = earlier + weights[:, None, None] * (after[between] - earlier)
    known = np.array([samples[n].before.confidence for n in between])
    confidence[between] = known + weights[:, None] * (confidence[between] - known)
    return after, confidence


def _weight(sample: Sample) -> float:
    """Returns how far the sample is from the earlier frame to the later, 0..1."""
    begin, end = sample.before.time_ns, sample.after.time_ns
    return (sample.time_ns - begin) / (end - begin)
