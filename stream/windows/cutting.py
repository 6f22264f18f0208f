"""From the bodies of one track to windows of f skeletons at one rate.

The one way to cut windows: the live path pushes frames as they come, data-set users call `cut_windows`.
A body is resampled by time to `RATE_HZ`, so that f = 6 spans the same 0.2 s whether the sensor runs at
10, 30 or 60 frames/s, and every window lies inside one unbroken stretch of plausible, whole skeletons.
Where only walking counts, as live, each window is judged as well (`stream.windows.walk_detection`).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray
from stream.windows.posture import unseen
from stream.windows.walk_detection import Judgement, NotWalking, WalkingJudge

__all__ = [
    "HOLD_NS",
    "MAX_GAP_NS",
    "MAX_HIP_SPEED",
    "RATE_HZ",
    "Trouble",
    "Window",
    "WindowCutter",
    "cut_windows",
]

RATE_HZ = 30
"""The rate of all windows, skeletons a second."""

MAX_GAP_NS = 150_000_000
"""Frames further apart than this are not interpolated between."""

MAX_HIP_SPEED = 9.0
"""Metres a second; 0.3 m from one frame to the next at 30 frames/s is lost tracking, not walking."""

SNAP_NS = 1_000_000
"""A frame this near to a tick of the grid is taken as it is: clocks round."""

HOLD_NS = 400_000_000
"""A window of a body at rest waits this long for the legs to move: every walk begins with a step's rise."""

Trouble = Literal["tracking gap", "implausible jump"] | NotWalking
"""Why there are no windows."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """f skeletons of one track, hip-centred.

    Attributes:
        start_ns: the source's time of the first skeleton.
        end_ns: the source's time of the last skeleton.
        joints: (f, 20, 3) float32, metres, each skeleton relative to its own HipCenter.
        quality: mean joint confidence, 0..1; where only walking counts, times what the window is worth.
    """

    start_ns: int
    end_ns: int
    joints: FloatArray
    quality: float


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    time_ns: int
    joints: FloatArray
    confidence: FloatArray


class WindowCutter:
    """Cuts the windows of one track while its frames come in.

    Args:
        f: skeletons a window, at least 2.
        step: skeletons from one window's start to the next; f // 2 if not given (the paper, Sec. 4.1).
        walking_only: leave out windows in which nobody walks, and weigh the others; see
            `stream.windows.walk_detection`.
    """

    def __init__(self, f: int = 6, step: int | None = None, *, walking_only: bool = False) -> None:
        self.f = f
        self.step = f // 2 if step is None else step
        if f < 2 or self.step < 1:
            msg = f"expected f >= 2 and step >= 1, got f={f}, step={self.step}"
            raise ValueError(msg)
        self.trouble: Trouble | None = None
        """Why there are no windows just now; None while nothing was wrong."""
        self._judge = WalkingJudge() if walking_only else None
        self._held: deque[Window] = deque()
        self._last: _Sample | None = None
        self._origin_ns = 0
        self._ticks = 0
        self._ring: deque[_Sample] = deque(maxlen=f)

    def push(self, time_ns: int, joints: FloatArray, confidence: FloatArray) -> list[Window]:
        """Add the track's next frame and return the windows that it completes, usually none or one.

        Where only walking counts, the first step also gives the windows just before it.

        Args:
            time_ns: the frame's time; later than the one before.
            joints: (20, 3) float32, metres, canonical order.
            confidence: (20,) float32 in 0..1; a frame with any joint at 0 counts as not seen.
        """
        if not confidence.all() or not np.isfinite(joints).all():
            self.trouble = unseen(confidence)
            return []
        frame = _Sample(time_ns, joints, confidence)
        last, self._last = self._last, frame
        if last is None or self._breaks(last, frame):
            self._ring.clear()
            self._held.clear()
            self._origin_ns, self._ticks = time_ns, 0
            return self._add(frame)
        windows: list[Window] = []
        while (tick := self._next_tick()) <= time_ns + SNAP_NS:
            windows += self._add(_between(last, frame, tick))
        return windows

    def _breaks(self, last: _Sample, frame: _Sample) -> bool:
        elapsed = frame.time_ns - last.time_ns
        if elapsed > MAX_GAP_NS:
            # Missing joints open a gap as well; the first cause is the one to tell.
            self.trouble = self.trouble or "tracking gap"
            return True
        moved = math.dist(frame.joints[0].tolist(), last.joints[0].tolist())
        if moved * 1e9 > MAX_HIP_SPEED * elapsed:
            self.trouble = "implausible jump"
            return True
        return False

    def _next_tick(self) -> int:
        return self._origin_ns + round(self._ticks * 1_000_000_000 / RATE_HZ)

    def _add(self, sample: _Sample) -> list[Window]:
        if self._judge is not None:
            self._judge.see(sample.time_ns, sample.joints)
        self._ring.append(sample)
        self._ticks += 1
        if self._ticks < self.f or (self._ticks - self.f) % self.step:
            return []
        joints = np.stack([s.joints for s in self._ring])
        joints -= joints[:, :1].copy()
        confidence = np.stack([s.confidence for s in self._ring])
        if self._judge is None:
            self.trouble = None
            return [self._window(joints, confidence)]
        judgement = self._judge.judge(joints, confidence, math.hypot(*sample.joints[0].tolist()))
        return self._judged(self._window(joints, confidence, judgement.weight), judgement)

    def _window(self, joints: FloatArray, confidence: FloatArray, weight: float = 1.0) -> Window:
        quality = weight * float(confidence.mean())
        return Window(self._ring[0].time_ns, self._ring[-1].time_ns, joints, quality)

    def _judged(self, window: Window, judgement: Judgement) -> list[Window]:
        """The window, if it counts, after those that waited for a step; a body at rest makes it wait."""
        while self._held and window.end_ns - self._held[0].end_ns > HOLD_NS:
            self._held.popleft()
        self.trouble = judgement.trouble
        if judgement.still:
            self._held.append(window)
            return []
        if judgement.weight == 0:
            return []
        self.trouble = None
        windows = [*self._held, window]
        self._held.clear()
        return windows


def _between(a: _Sample, b: _Sample, tick: int) -> _Sample:
    if abs(b.time_ns - tick) <= SNAP_NS:
        return b
    weight = np.float32((tick - a.time_ns) / (b.time_ns - a.time_ns))
    return _Sample(
        tick,
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
    """Cut all windows of one recorded walk.

    Args:
        times_ns: T increasing times, nanoseconds.
        joints: (T, 20, 3) float32, metres, canonical order; NaN where not seen.
        confidence: (T, 20) float32; taken as 1 where joints are finite if not given.
        f: skeletons a window.
        step: skeletons from one window's start to the next; f // 2 if not given.
        walking_only: as live; published protocols ask for every window, some of people who stand.
    """
    sure: FloatArray = np.isfinite(joints).all(axis=2).astype("f4") if confidence is None else confidence
    cutter = WindowCutter(f, step, walking_only=walking_only)
    windows: list[Window] = []
    for time_ns, frame, seen in zip(times_ns, joints, sure, strict=True):
        windows += cutter.push(int(time_ns), frame, seen)
    return windows
