"""Cutting of windows: turns the frames of one track into windows of f skeletons.

`WindowCutter.push` takes one frame and returns the windows that it completes; `cut_windows` does the same for
a recorded walk. The capture process calls `WindowCutter.add` for every body of a frame, and `finish_windows`
once for all that they complete. There is no other code that cuts windows.

    frame -> resample to `RATE_HZ` (`stream.windows.resampling`) -> every `step` samples, cut the last f

Resampling by time makes f = 6 span the same 0.2 s at 10, 30 or 60 frames/s. Every window lies within one
uninterrupted stretch of plausible, complete skeletons. With `walking_only`, as in the live system,
`stream.windows.walk_detection` assesses each window, and only windows of walking are returned.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray
from stream.walk_views import View
from stream.windows.heading import ViewFinder
from stream.windows.posture import Posture, assess_postures, missing_joints_problem
from stream.windows.resampling import Resampler, Sample, StretchProblem, is_complete, skeletons_of
from stream.windows.walk_detection import (
    WalkDetector,
    WalkProblem,
    WindowAssessment,
    ankle_differences,
)

__all__ = [
    "HOLD_NS",
    "CutWindow",
    "Window",
    "WindowCutter",
    "WindowProblem",
    "cut_windows",
    "finish_windows",
]

HOLD_NS = 400_000_000
"""Longest time that a window of a resting body is held until the legs move: the start of the first step."""

WindowProblem = StretchProblem | WalkProblem
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


class CutWindow(NamedTuple):
    """A window whose samples are complete, before `finish_windows` calculates and assesses it."""

    cutter: WindowCutter
    samples: list[Sample]
    """The track's samples since its last window."""
    observed: int
    """How many of these were observed before."""


class _Skeletons(NamedTuple):
    """Consecutive skeletons of one track."""

    times_ns: list[int]
    joints: list[FloatArray]
    """(20, 3) each, in absolute coordinates."""
    confidence: list[FloatArray]
    """(20,) each."""


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
        self.walking_only = walking_only
        self._resampler = Resampler()
        self._detector = WalkDetector() if walking_only else None
        self._views = ViewFinder()
        self._held: deque[Window] = deque()
        self._sample_count = 0
        self._samples: list[Sample] = []
        """Since the last window."""
        self._observed = 0
        """How many of these were observed."""
        self._newest = _Skeletons([], [], [])
        """Up to the last window."""

    def push(self, time_ns: int, joints: FloatArray, confidence: FloatArray) -> list[Window]:
        """Adds the track's next frame; returns the windows that it completes, usually none or one.

        With `walking_only`, the first step also releases the windows held just before it.

        Args:
            time_ns: time of the frame; later than the previous one.
            joints: (20, 3) float32, metres, canonical order.
            confidence: (20,) float32 in 0..1; a frame with any joint at 0 is skipped.
        """
        cut = self.add(time_ns, joints, confidence, complete=is_complete(joints, confidence))
        return [window for windows in finish_windows(cut) for window in windows]

    def add(
        self, time_ns: int, joints: FloatArray, confidence: FloatArray, *, complete: bool
    ) -> list[CutWindow]:
        """Adds the next frame as `push` does; its windows are to be finished before the next frame.

        Args:
            time_ns: time of the frame; later than the previous one.
            joints: (20, 3) float32, metres, canonical order; not to be changed later.
            confidence: (20,) float32 in 0..1; likewise.
            complete: what `is_complete` returns for them.
        """
        if not complete:
            self._resampler.skip(time_ns)
            self.problem = missing_joints_problem(confidence)
            return []
        new_stretch, samples = self._resampler.add(time_ns, joints, confidence)
        if new_stretch:
            self._start_anew()
            self.problem = self._resampler.problem or self.problem
        cut = []
        for sample in samples:
            self._samples.append(sample)
            self._sample_count += 1
            if self._sample_count >= self.f and (self._sample_count - self.f) % self.step == 0:
                cut.append(CutWindow(self, self._samples, self._observed))
                self._samples, self._observed = [], 0
        return cut

    def forget_body(self) -> None:
        """Forgets the body so far: later windows are assessed as those of another person."""
        self._observe_samples()
        self._views = ViewFinder()
        if self._detector is not None:
            self._detector.forget_body()

    def newest(self, samples: Sequence[Sample], joints: FloatArray, confidence: FloatArray) -> _Skeletons:
        """Adds the skeletons of the next samples; returns the f newest."""
        times, earlier, known = self._newest
        self._newest = _Skeletons(
            [*times, *[sample.time_ns for sample in samples]][-self.f :],
            [*earlier, *joints][-self.f :],
            [*known, *confidence][-self.f :],
        )
        return self._newest

    def observe(self, samples: Sequence[Sample], joints: FloatArray) -> None:
        """Observes hips, and legs if only walking counts, in the skeletons (n, 20, 3) of the next samples."""
        for sample, (x, _, z) in zip(samples, joints[:, 0].tolist(), strict=True):
            self._views.add(sample.time_ns, x, z)
        if self._detector is not None:
            for sample, ankles in zip(samples, ankle_differences(joints).tolist(), strict=True):
                self._detector.add(sample.time_ns, *ankles)

    def finish(
        self, times_ns: tuple[int, int], joints: FloatArray, quality: float, posture: Posture | None
    ) -> list[Window]:
        """Returns what can be released after a window whose skeletons were observed.

        Args:
            times_ns: of its first and its last skeleton.
            joints: (f, 20, 3) hip-centred.
            quality: mean joint confidence.
            posture: in the window; None without `walking_only`.
        """
        if self._detector is None or posture is None:
            self.problem = None
            return [Window(*times_ns, joints, quality, self._views.view)]
        assessment = self._detector.assess(posture)
        window = Window(*times_ns, joints, assessment.weight * quality, self._views.view)
        return self._release(window, assessment)

    def _start_anew(self) -> None:
        self._observe_samples()
        self._samples, self._observed, self._sample_count = [], 0, 0
        self._newest = _Skeletons([], [], [])
        self._held.clear()

    def _observe_samples(self) -> None:
        """Observes the samples since the last window before its next one is complete."""
        samples, self._observed = self._samples[self._observed :], len(self._samples)
        if samples:
            self.observe(samples, skeletons_of(samples)[0])

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


def finish_windows(cut: Sequence[CutWindow]) -> list[list[Window]]:
    """Calculates and assesses windows, those of many tracks at once.

    Args:
        cut: in order, of cutters with the same f.

    Returns:
        What each of them lets its track release.
    """
    if not cut:
        return []
    joints, confidence = skeletons_of([sample for each in cut for sample in each.samples])
    ends = np.cumsum([len(each.samples) for each in cut]).tolist()
    own = [slice(*span) for span in pairwise((0, *ends))]
    newest = [
        each.cutter.newest(each.samples, joints[part], confidence[part])
        for each, part in zip(cut, own, strict=True)
    ]
    whole = np.array([each.joints for each in newest])
    known = np.array([each.confidence for each in newest])
    centred = whole - whole[:, :, :1]
    qualities = known.reshape(len(known), -1).mean(axis=1).tolist()
    distances = [math.hypot(*hip) for hip in whole[:, -1, 0].tolist()]
    postures = assess_postures(centred, known, distances) if cut[0].cutter.walking_only else [None] * len(cut)
    windows = []
    for n, (each, part) in enumerate(zip(cut, own, strict=True)):
        each.cutter.observe(each.samples[each.observed :], joints[part][each.observed :])
        times_ns = newest[n].times_ns
        windows.append(each.cutter.finish((times_ns[0], times_ns[-1]), centred[n], qualities[n], postures[n]))
    return windows


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
