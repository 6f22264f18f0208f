"""Cutting of windows: turns the frames of one track into windows of f skeletons.

`WindowCutter.push` takes one frame and returns the windows that it completes; the capture process calls it
for every body of every frame. `cut_windows` does the same for a recorded walk. There is no other code that
cuts windows.

    frame -> check joints and continuity -> resample to `RATE_HZ` -> every `step` samples, cut the last f

Resampling by time makes f = 6 span the same 0.2 s at 10, 30 or 60 frames/s. Every window lies within one
uninterrupted stretch of plausible, complete skeletons. With `walking_only`, as in the live system,
`stream.windows.walk_detection` assesses each window, and only windows of walking are returned.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal, NewType

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray
from stream.walk_views import View
from stream.windows.heading import ViewFinder
from stream.windows.posture import missing_joints_problem
from stream.windows.walk_detection import WalkDetector, WalkProblem, WindowAssessment

__all__ = [
    "HOLD_NS",
    "MAX_GAP_NS",
    "MAX_HIP_SPEED",
    "RATE_HZ",
    "TOO_FEW_FRAMES",
    "Window",
    "WindowCutter",
    "WindowProblem",
    "cut_windows",
    "is_complete",
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

HOLD_NS = 400_000_000
"""Longest time that a window of a resting body is held until the legs move: the start of the first step."""

_ARRIVALS = 5
"""Newest frames, the median of whose intervals is the usual one."""

_LONGEST_USUAL_NS = 1_150_000_000 // MIN_FRAME_RATE
"""Intervals vary."""

TOO_FEW_FRAMES = "too few frames"

TooFewFrames = NewType("TooFewFrames", str)
"""`TOO_FEW_FRAMES`, and the frame rate of a source that has only gaps."""

WindowProblem = Literal["tracking gap", "implausible jump"] | TooFewFrames | WalkProblem
"""Reason why a track has no windows."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """f skeletons of one track, hip-centred.

    Attributes:
        start_ns: source time of the first skeleton.
        end_ns: source time of the last skeleton.
        joints: (f, 20, 3) float32, metres, each skeleton relative to its own HipCenter.
        quality: mean joint confidence, 0..1; with `walking_only`, times the walking weight.
        view: from which side the sensor sees the person; None if not known.
    """

    start_ns: int
    end_ns: int
    joints: FloatArray
    quality: float
    view: View | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """A skeleton in absolute coordinates: a frame, or interpolated between two frames."""

    time_ns: int
    joints: FloatArray
    confidence: FloatArray


class WindowCutter:
    """Cuts the windows of one track, frame by frame.

    Args:
        f: skeletons per window, at least 2.
        step: skeletons from one window's start to the next; default f // 2 (the paper, Sec. 4.1).
        walking_only: skip windows without walking and weight the others; see `stream.windows.walk_detection`.
    """

    def __init__(self, f: int = 6, step: int | None = None, *, walking_only: bool = False) -> None:
        self.f = f
        self.step = f // 2 if step is None else step
        if f < 2 or self.step < 1:
            msg = f"expected f >= 2 and step >= 1, got f={f}, step={self.step}"
            raise ValueError(msg)
        self.problem: WindowProblem | None = None
        """Reason why the track currently has no windows; None if there is no problem."""
        self._detector = WalkDetector() if walking_only else None
        self._views = ViewFinder()
        self._held: deque[Window] = deque()
        self._last_frame: _Sample | None = None
        self._arrivals: deque[int] = deque(maxlen=_ARRIVALS)
        """Times of the newest frames, whether complete or not."""
        self._origin_ns = 0
        self._sample_count = 0
        self._recent: deque[_Sample] = deque(maxlen=f)

    def push(self, time_ns: int, joints: FloatArray, confidence: FloatArray) -> list[Window]:
        """Adds the track's next frame; returns the windows that it completes, usually none or one.

        With `walking_only`, the first step also releases the windows held just before it.

        Args:
            time_ns: time of the frame; later than the previous one.
            joints: (20, 3) float32, metres, canonical order.
            confidence: (20,) float32 in 0..1; a frame with any joint at 0 is skipped.
        """
        self._arrivals.append(time_ns)
        if not is_complete(joints, confidence):
            self.problem = missing_joints_problem(confidence)
            return []
        frame = _Sample(time_ns, joints, confidence)
        last, self._last_frame = self._last_frame, frame
        if last is None or self._starts_new_stretch(last, frame):
            self._recent.clear()
            self._held.clear()
            self._origin_ns, self._sample_count = time_ns, 0
            return self._add_sample(frame)
        windows: list[Window] = []
        while (sample_ns := self._next_sample_time()) <= time_ns + SNAP_NS:
            windows += self._add_sample(_interpolate(last, frame, sample_ns))
        return windows

    def forget_body(self) -> None:
        """Forgets the body so far: later windows are assessed as those of another person."""
        self._views = ViewFinder()
        if self._detector is not None:
            self._detector.forget_body()

    def _starts_new_stretch(self, last: _Sample, frame: _Sample) -> bool:
        elapsed = frame.time_ns - last.time_ns
        if elapsed > MAX_GAP_NS and elapsed > (longest := self._longest_gap()):
            if self._arrivals[-1] - self._arrivals[-2] > longest:
                self.problem = self._too_few_frames() or "tracking gap"
            # Otherwise frames came, but with missing joints, which is the reported problem.
            return True
        moved = math.dist(frame.joints[0].tolist(), last.joints[0].tolist())
        if moved * 1e9 > MAX_HIP_SPEED * elapsed:
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

    def _next_sample_time(self) -> int:
        return self._origin_ns + round(self._sample_count * 1_000_000_000 / RATE_HZ)

    def _add_sample(self, sample: _Sample) -> list[Window]:
        """Adds a resampled skeleton; every `step` skeletons, cuts a window."""
        if self._detector is not None:
            self._detector.add(sample.time_ns, sample.joints)
        self._views.add(sample.time_ns, float(sample.joints[0, 0]), float(sample.joints[0, 2]))
        self._recent.append(sample)
        self._sample_count += 1
        if self._sample_count < self.f or (self._sample_count - self.f) % self.step:
            return []
        return self._cut_window()

    def _cut_window(self) -> list[Window]:
        """Cuts a window from the last f skeletons; with `walking_only`, assesses it first."""
        joints = np.stack([sample.joints for sample in self._recent])
        joints -= joints[:, :1].copy()
        confidence = np.stack([sample.confidence for sample in self._recent])
        quality = float(confidence.mean())
        first, last, view = self._recent[0], self._recent[-1], self._views.view
        if self._detector is None:
            self.problem = None
            return [Window(first.time_ns, last.time_ns, joints, quality, view)]
        assessment = self._detector.assess(joints, confidence, math.hypot(*last.joints[0].tolist()))
        window = Window(first.time_ns, last.time_ns, joints, assessment.weight * quality, view)
        return self._release(window, assessment)

    def _release(self, window: Window, assessment: WindowAssessment) -> list[Window]:
        """Returns the window after those held before it; a window of a resting body is held instead."""
        while self._held and window.end_ns - self._held[0].end_ns > HOLD_NS:
            self._held.popleft()
        self.problem = assessment.problem
        if assessment.resting:
            self._held.append(window)
            return []
        if assessment.weight == 0:
            return []
        self.problem = None
        windows = [*self._held, window]
        self._held.clear()
        return windows


def is_complete(joints: FloatArray, confidence: FloatArray) -> bool:
    """Returns whether all joints (20, 3) of a frame were seen; confidence (20,) is 0 where one was not."""
    return bool(confidence.all() and np.isfinite(joints).all())


def _interpolate(a: _Sample, b: _Sample, sample_ns: int) -> _Sample:
    if abs(b.time_ns - sample_ns) <= SNAP_NS:
        return b
    weight = np.float32((sample_ns - a.time_ns) / (b.time_ns - a.time_ns))
    return _Sample(
        sample_ns,
        a.joints + weight * (b.joints - a.joints),
        a.confidence + weight * (b.confidence - a.confidence),
    )


def cut_windows(
    times_ns: Iterable[int] | NDArray[np.int64],
    joints: FloatArray,
    confidence: FloatArray | None = None,
    *,
    f: int = 6,
    step: int | None = None,
    walking_only: bool = False,
) -> list[Window]:
    """Cuts all windows of one recorded walk.

    Args:
        times_ns: T increasing times, nanoseconds.
        joints: (T, 20, 3) float32, metres, canonical order; NaN for missing joints.
        confidence: (T, 20) float32; default: 1 for finite joints, 0 for others.
        f: skeletons per window.
        step: skeletons from one window's start to the next; default f // 2.
        walking_only: as in the live system; published protocols use every window, also of standing people.
    """
    if confidence is None:
        confidence = np.isfinite(joints).all(axis=2).astype("f4")
    cutter = WindowCutter(f, step, walking_only=walking_only)
    windows: list[Window] = []
    for time_ns, frame, frame_confidence in zip(times_ns, joints, confidence, strict=True):
        windows += cutter.push(int(time_ns), frame, frame_confidence)
    return windows
