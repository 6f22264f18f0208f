"""Units, axes and origin of a recording, judged from its first bodies.

The file does not say them, and programs that write recordings mistake them. A wrong unit would make every
body implausible without saying why; the recording is refused with the likely cause instead.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Generator, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from stream.body import Body, BodyFrame, FloatArray
from stream.errors import DataError
from stream.skeleton import CANONICAL, Layout, to_canonical
from stream.unseen_joints import joints_at_origin, mark_unseen, mark_unseen_in_frame

__all__ = ["FIRST_BODIES", "follow_conventions", "unit_problem"]

FIRST_BODIES = 30
"""Bodies that are read ahead to judge the origin: one second of one person."""

_FIRST_FRAMES = 100_000
"""Most frames that are read ahead; the first hour may be empty."""

_JUDGED = 10
"""Fewest bodies, and fewest intervals between frames, from which units are judged."""

_LARGEST_M = 10.0
"""Median distance of joints from their centre above which a body is not in metres. A body has 0.5 m."""

_MILLIMETRES_M = 150.0
"""The same above which it is in millimetres (a body: 500) rather than in centimetres (50)."""

_SHORTEST_NS = 1_500_000
"""Median interval below which times are not in nanoseconds: no sensor gives 600 frames a second."""

_TICKS = ((100_000, "steps of 100 ns"), (3_000, "microseconds"), (0, "milliseconds"))
"""Shortest interval in ticks of 7 to 120 frames a second, and the unit of such ticks."""

_UPSIDE_DOWN_M = 0.5
_HEAD = CANONICAL.index("Head")
_ANKLES = [CANONICAL.index("AnkleLeft"), CANONICAL.index("AnkleRight")]


def follow_conventions(
    frames: Iterator[BodyFrame], layout: Layout, refusal: Callable[[str], DataError]
) -> Generator[BodyFrame]:
    """Yields the frames with unseen joints marked; reads the first bodies ahead.

    Args:
        frames: frames as they are in the file.
        layout: layout of the bodies.
        refusal: makes the error to raise of the text of `unit_problem`.

    Raises:
        DataError: units or axes are wrong; or what `frames` raises, after the frames before it.
    """
    first: list[BodyFrame] = []
    bodies: list[Body] = []
    end: DataError | None = None
    try:
        for frame in frames:
            first.append(frame)
            bodies += frame.bodies
            if len(bodies) >= FIRST_BODIES or len(first) >= _FIRST_FRAMES:
                break
    except DataError as error:
        end = error
    at_origin: list[int] = []
    if bodies:
        joints = np.stack([body.joints for body in bodies])
        confidence = np.stack([body.confidence for body in bodies])
        at_origin = joints_at_origin(layout, joints, confidence)
        times_ns = [frame.time_ns for frame in first]
        problem = unit_problem(layout, times_ns, *mark_unseen(joints, confidence, at_origin))
        if problem:
            raise refusal(problem)
    for frame in first:
        yield mark_unseen_in_frame(frame, at_origin)
    if end is not None:
        raise end
    for frame in frames:
        if at_origin and not _are_at_origin(frame.bodies, at_origin):
            at_origin = []
        yield mark_unseen_in_frame(frame, at_origin)


def unit_problem(layout: Layout, times_ns: Sequence[int], joints: FloatArray, confidence: FloatArray) -> str:
    """Returns the likely cause if units or axes are not those of a recording; empty if nothing is odd.

    Args:
        layout: layout of the joints.
        times_ns: (T,) times of the frames, nanoseconds.
        joints: (B, J, 3) float32, bodies of these frames, NaN where not seen.
        confidence: (B, J) float32, 0 where not seen.
    """
    intervals = np.diff(np.asarray(times_ns, np.float64))
    intervals = intervals[intervals > 0]
    if len(intervals) >= _JUDGED and (interval := float(_median(intervals))) < _SHORTEST_NS:
        unit = next(name for least, name in _TICKS if interval >= least)
        return (
            f"its frames are {interval:.0f} ns apart: its times look like {unit}; "
            "the log times of a recording are nanoseconds"
        )
    if len(joints) < _JUDGED:
        return ""
    size = statistics.median(_size(body[np.isfinite(body).all(axis=-1)]) for body in joints)
    if size > _LARGEST_M:
        unit = "millimetres" if size > _MILLIMETRES_M else "centimetres"
        return (
            f"the joints of a body are {size:.0f} from its centre: its coordinates look like {unit}; "
            "those of a recording are metres"
        )
    canonical, _ = to_canonical(layout, joints, confidence)
    heights = canonical[:, _HEAD, 1] - canonical[:, _ANKLES, 1].mean(axis=1)
    heights = heights[np.isfinite(heights)]
    if len(heights) >= _JUDGED and heights.max() < -_UPSIDE_DOWN_M:
        return (
            "the heads are below the feet: its Y looks as if it pointed down; in a recording Y points up, "
            "and X to the sensor's left"
        )
    return ""


def _size(joints: FloatArray) -> float:
    """Returns the median distance of seen joints (n, 3) from their centre; 0 of none."""
    if not len(joints):
        return 0.0
    places = joints.astype(np.float64)
    return float(_median(np.linalg.norm(places - _median(places), axis=-1)))


def _median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the upper median over the first axis; `np.median` would load `numpy.ma`, which takes 1 MB."""
    middle: NDArray[np.float64] = np.sort(values, axis=0)[len(values) // 2]
    return middle


def _are_at_origin(bodies: Sequence[Body], joints: Sequence[int]) -> bool:
    """Returns whether no body has one of the joints elsewhere than at the origin."""
    return not any(body.confidence[joint] and body.joints[joint].any() for body in bodies for joint in joints)
