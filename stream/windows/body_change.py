"""Change of the body: notices that another person has taken over the body id of a track.

Where a sensor's ids are swapped or handed over, all joints jump from one frame to the next, relative to the
hip, while the frames before and after move smoothly; and bone lengths and posture differ from then on. Noise
also makes joints jump, but seldom all of them, and seldom with smooth frames on both sides. `BodyObserver`
describes each jump by such measures, once it knows the frames after it. Boosted trees
(`stream.windows.boosted_trees`), fitted to single walks and to pairs of people, tell the two
apart. A jump that exchanges left and right is none: sensors do that to a person who turns round.

    frame -> frames of an even rate -> median jump of the joints > `MIN_JUMP_M` -> measures -> trees -> change
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray
from stream.skeleton import BONES, CANONICAL
from stream.windows.boosted_trees import BoostedTrees, load_trees

__all__ = ["SENSORS", "BodyChangeDetector", "BodyObserver", "Jump", "detector_for", "is_jump", "measure_jump"]

SENSORS = frozenset({"kinect-v1", "kinect-v2"})
"""Kinds of sensors whose single walks were measured; tracks of others are never split."""

AFTER, BEFORE, LEAST_BEFORE = 36, 90, 30
"""Frames after the jump (1.2 s), most frames before it (3 s), and least (1 s)."""

AROUND = 14
"""Frames on each side of a jump in which the smoothness of the motion is measured."""

MIN_JUMP_M = 0.07
"""Median over the joints of their movement relative to the hip within one frame, from which it is a jump."""

MIN_INTERVAL_NS, MAX_INTERVAL_NS = 25_000_000, 45_000_000
"""Interval between frames. Frames that follow sooner are left out; after a longer one, all starts anew,
because joints move too far in it."""

LIMIT = 5.25
"""Log odds from which a jump is a change of the body."""

_PARENTS = [parent for _, parent in BONES]
_SIDES = tuple(CANONICAL.index(name) for name in ("ShoulderLeft", "ShoulderRight", "HipLeft", "HipRight"))
_OTHER_SIDE = {"Left": "Right", "Right": "Left"}
_EXCHANGED = [
    CANONICAL.index(re.sub("Left|Right", lambda side: _OTHER_SIDE[side[0]], name)) for name in CANONICAL
]
_ORDER = [2, 5, 9, 13, 16, 18]
"""Places of the sorted 19 joints or bones that describe a jump."""
_FEW_MEASURES = [2, 4, 8, 10, 14, 16]
"""Of 3 x 6 such places, those that describe the frames around it."""
_QUANTILES = [4, 9, 14, 18]
_SMALLEST_M = np.float32(0.003)
_SMOOTHING = 7
_BONE_COUNT = len(_PARENTS)

Floats = NDArray[np.float32]


class Jump(NamedTuple):
    """A moment at which all joints moved far."""

    time_ns: int
    """Time of the first frame after it."""
    measures: Floats
    """(M,) measures for the trees."""
    sides_exchanged: bool = False
    """Whether the joints hardly moved if left and right are exchanged: a sensor does that to who turns."""


class BodyObserver:
    """Observes the complete skeletons of one track and describes its jumps."""

    def __init__(self) -> None:
        self._frames: deque[tuple[int, FloatArray]] = deque(maxlen=BEFORE + AFTER)
        """Time and joints of the newest frames without a long pause."""
        self._count = 0
        """Number of frames since the last long pause, which numbers them from 0."""
        self._compared = 0
        """Number of these that are compared with the frame before: all `AFTER` frames, at once."""
        self._jumps: list[int] = []
        """Numbers of the newest compared frames in which the joints jumped."""

    def push(self, time_ns: int, joints: FloatArray) -> Jump | None:
        """Adds the track's next frame; returns the jump `AFTER` frames before, if there was one.

        Args:
            time_ns: time of the frame; later than the previous one.
            joints: (20, 3) float32, metres, canonical order, all finite.
        """
        if self._frames:
            interval = time_ns - self._frames[-1][0]
            if interval < MIN_INTERVAL_NS:
                return None
            if interval > MAX_INTERVAL_NS:
                self._frames.clear()
                self._count = self._compared = 0
        self._frames.append((time_ns, joints))
        self._count += 1
        number = self._count - AFTER
        if number < LEAST_BEFORE:
            return None
        if number >= self._compared:
            self._compare()
        return self._describe() if number in self._jumps and self._is_known() else None

    def forget_before(self, time_ns: int) -> None:
        """Drops the frames before a time: they show somebody else."""
        earlier = sum(frame[0] < time_ns for frame in self._frames)
        self._frames = deque(islice(self._frames, earlier, None), maxlen=BEFORE + AFTER)

    def _compare(self) -> None:
        """Compares the frames that were not yet with the frames before them."""
        first = self._count - self._compared + 1
        skeletons = _centred(list(self._frames)[-first:])
        jumps = are_jumps(skeletons[:-1], skeletons[1:])
        self._jumps = (np.flatnonzero(jumps) + self._count - len(jumps)).tolist()
        self._compared = self._count

    def _is_known(self) -> bool:
        return len(self._frames) >= LEAST_BEFORE + AFTER

    def _describe(self) -> Jump:
        """Describes the jump to the frame `AFTER` frames before the newest."""
        skeletons = _centred(self._frames)
        before, after = skeletons[-AFTER - 1], skeletons[-AFTER]
        return Jump(
            self._frames[-AFTER][0],
            measure_jump(skeletons, len(skeletons) - AFTER),
            sides_exchanged=not is_jump(before, after[_EXCHANGED]),
        )


class BodyChangeDetector:
    """Notices changes of the body in one track.

    Args:
        trees: give the log odds that a jump is a change.
        limit: log odds from which it is one.
    """

    def __init__(self, trees: BoostedTrees, limit: float = LIMIT) -> None:
        self.trees = trees
        self._limit = limit
        self._observer = BodyObserver()

    def push(self, time_ns: int, joints: FloatArray) -> int | None:
        """Adds the next complete frame; see `BodyObserver.push`.

        Returns:
            The time of the first frame of the other person, once the change is certain; else None.
        """
        jump = self._observer.push(time_ns, joints)
        if jump is None or jump.sides_exchanged or self.trees.score(jump.measures) < self._limit:
            return None
        self._observer.forget_before(jump.time_ns)
        return jump.time_ns


def detector_for(sensor: str) -> BodyChangeDetector | None:
    """Returns a detector for a new track; None for kinds of sensors that were not measured."""
    return BodyChangeDetector(load_trees()) if sensor in SENSORS else None


def is_jump(before: FloatArray, after: FloatArray) -> bool:
    """Returns whether most joints moved far between two frames (20, 3), metres, relative to the hip."""
    return bool(are_jumps(before[None], after[None])[0])


def are_jumps(before: FloatArray, after: FloatArray) -> NDArray[np.bool]:
    """Returns (n,) whether it is a jump from each frame to the other, both (n, 20, 3), as in `is_jump`."""
    moved = np.linalg.norm(after[:, 1:] - before[:, 1:], axis=-1)
    return np.asarray((moved > MIN_JUMP_M).sum(axis=1) > _BONE_COUNT // 2)


def _centred(frames: Iterable[tuple[int, FloatArray]]) -> FloatArray:
    """Returns the skeletons (n, 20, 3) of frames relative to the hip."""
    skeletons = np.array([joints for _, joints in frames])
    centred: FloatArray = skeletons - skeletons[:, :1]
    return centred


def measure_jump(skeletons: FloatArray, at: int) -> Floats:
    """Returns the measures (M,) of the jump before frame `at`.

    Args:
        skeletons: (n, 20, 3), metres, relative to the hip.
        at: first frame after the jump, at least `AROUND`, at most n - `AROUND`.
    """
    motion = _motion(skeletons[at - AROUND : at + AROUND])
    here = AROUND - 2
    before, jump, follows, after = motion[:here], motion[here], motion[here + 1], motion[here + 2 :]
    around = [
        rows[:, _FEW_MEASURES] for rows in (before.max(0, keepdims=True), after.max(0, keepdims=True))
    ] + [np.median(rows, axis=0)[None, _FEW_MEASURES] for rows in (before, after)]
    earlier, later = _body(skeletons[:at]), _body(skeletons[at:])
    changes = [
        _change(earlier, later),
        _change(*np.array_split(later, 2)),
        _change(*np.array_split(earlier, 2)),
    ]
    noise = [np.log(own[:, :_BONE_COUNT].std(axis=0).mean() + _SMALLEST_M) for own in (later, earlier)]
    parts = [jump, *(rows[0] for rows in around), follows[_FEW_MEASURES], *changes, np.array(noise)]
    measures: Floats = np.concatenate(parts).astype(np.float32)
    return measures


def _motion(skeletons: FloatArray) -> Floats:
    """Returns logarithms of the joints' acceleration and motion and of the bones' changes, (n - 2, 18)."""
    steps = np.diff(skeletons, axis=0)
    bones = _bone_lengths(skeletons)
    moved = np.linalg.norm(steps, axis=2)[1:, 1:]
    accelerated = np.linalg.norm(np.diff(steps, axis=0), axis=2)[:, 1:]
    stretched = np.abs(np.diff(bones, axis=0))[1:]
    parts = [np.log(np.sort(own, axis=1)[:, _ORDER] + _SMALLEST_M) for own in (accelerated, moved, stretched)]
    motion: Floats = np.concatenate(parts, axis=1)
    return motion


def _bone_lengths(skeletons: FloatArray) -> Floats:
    lengths: Floats = np.linalg.norm(skeletons[:, 1:] - skeletons[:, _PARENTS], axis=2)
    return lengths


def _body(skeletons: FloatArray) -> Floats:
    """Returns logarithms of bone lengths, and joints independent of the heading, (n, 76)."""
    left, right, hip_left, hip_right = (skeletons[:, side] for side in _SIDES)
    line = left - right + hip_left - hip_right
    half = _SMOOTHING // 2
    padded = np.pad(line, ((half, half), (0, 0)), mode="edge")
    smooth = np.stack([padded[n : n + len(line)] for n in range(_SMOOTHING)]).mean(axis=0)
    angle = np.arctan2(smooth[:, 2], smooth[:, 0])[:, None]
    cosine, sine = np.cos(angle), np.sin(angle)
    x, y, z = (skeletons[:, 1:, axis] for axis in range(3))
    rotated = np.stack((cosine * x + sine * z, y, cosine * z - sine * x), axis=-1)
    body: Floats = np.concatenate(
        (np.log(_bone_lengths(skeletons) + np.float32(0.02)), rotated.reshape(len(skeletons), -1)), axis=1
    )
    return body


def _change(before: Floats, after: Floats) -> Floats:
    """Returns how far bones and joints differ between two parts of a walk: quantiles of each, (8,)."""
    difference = np.median(after, axis=0) - np.median(before, axis=0)
    bones = np.sort(np.abs(difference[:_BONE_COUNT]))[_QUANTILES]
    joints = np.sort(np.linalg.norm(difference[_BONE_COUNT:].reshape(-1, 3), axis=1))[_QUANTILES]
    change: Floats = np.log(np.concatenate((bones, joints)) + _SMALLEST_M)
    return change
