"""The joints that a sensor did not see: one rule for live sources, recordings and data sets.

A joint was not seen if its confidence is 0, a coordinate is not finite or beyond `FARTHEST`, or it lies
exactly at the origin: many sensors and programs write (0, 0, 0) for a lost joint. The one exception are
skeletons that are centred on a joint, which then lies at the origin in every frame, among the other joints.
It is the hip centre of the layout, or else the only joint that is always there; all other joints at the
origin are lost. A joint that is always at the origin and away from the body is one that the sensor never
gives.

"Every frame" means the frames, at least two, in which that joint and a joint elsewhere are given, and

- in a walk of a data set: all of the walk;
- in a recording: the first `stream.recording.conventions.FIRST_BODIES` bodies, read ahead, and all after them
  up to the present one;
- in a live source: never. Its coordinates count from the sensor, where nobody can be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stream.body import Body, BodyFrame, FloatArray
from stream.skeleton import Layout

__all__ = ["FARTHEST", "joints_at_origin", "mark_unseen", "mark_unseen_in_frame", "mark_unseen_in_walk"]

FARTHEST = 1e6
"""A larger coordinate is no place, in metres, millimetres or pixels; squares of it would overflow."""

_FEWEST_FRAMES = 2

_BESIDE_BODY = 0.25
"""A centre is at most this far outside the box of the other joints, in the box's greatest extent."""


def joints_at_origin(layout: Layout, joints: FloatArray, confidence: FloatArray) -> list[int]:
    """Returns the joints that may lie at the origin: the one on which skeletons are centred, if they are.

    In a 2D layout these are all: the origin is a corner of the image.

    Args:
        layout: layout of the joints.
        joints: (T, J, 3) float32.
        confidence: (T, J) float32 in 0..1.
    """
    if layout.is_2d:
        return list(range(len(layout.joints)))
    given = _are_places(joints) & (confidence > 0)
    at_origin = given & (joints == 0).all(axis=-1)
    complete = (given & ~at_origin).any(axis=-1)  # others are frames in which the whole body was lost
    given, at_origin = given[complete], at_origin[complete]
    if len(given) < _FEWEST_FRAMES:
        return []
    if not _surround_origin(joints[complete], given & ~at_origin):
        return []
    always = np.flatnonzero(at_origin.any(axis=0) & (at_origin == given).all(axis=0)).tolist()
    hip = int(layout.weights[0].argmax())
    if layout.weights[0, hip] == 1 and hip in always:
        return [hip]
    return always if len(always) == 1 else []


def _surround_origin(joints: FloatArray, given: NDArray[np.bool]) -> bool:
    """Returns whether the given joints (T, J, 3) are around the origin in most frames."""
    least = np.where(given[..., None], joints, np.float32(np.inf)).min(axis=1)
    most = np.where(given[..., None], joints, np.float32(-np.inf)).max(axis=1)
    beside = _BESIDE_BODY * (most - least).max(axis=-1, keepdims=True)
    around = ((least <= beside) & (most >= -beside)).all(axis=-1)
    return bool(around.mean() > 0.5)


def mark_unseen(
    joints: FloatArray, confidence: FloatArray, at_origin: Sequence[int] = ()
) -> tuple[FloatArray, FloatArray]:
    """Marks the joints that the sensor did not see: coordinates NaN, confidence 0.

    Args:
        joints: (..., J, 3) float32.
        confidence: (..., J) float32 in 0..1.
        at_origin: the joints that may lie at the origin, see `joints_at_origin`.

    Returns:
        The marked joints and their confidence, in the shapes of the arguments.
    """
    elsewhere = (joints != 0).any(axis=-1)
    elsewhere[..., list(at_origin)] = True
    seen: NDArray[np.bool] = _are_places(joints) & (confidence > 0) & elsewhere
    return np.where(seen[..., None], joints, np.float32(np.nan)), np.where(seen, confidence, np.float32(0))


def _are_places(joints: FloatArray) -> NDArray[np.bool]:
    """Returns which joints (..., J, 3) are finite and not beyond `FARTHEST`."""
    return np.asarray((np.abs(joints) <= FARTHEST).all(axis=-1))


def mark_unseen_in_walk(
    layout: Layout, joints: FloatArray, confidence: FloatArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Marks the unseen joints of a whole walk.

    Args:
        layout: layout of the joints.
        joints: (T, J, 3) float32.
        confidence: (T, J) float32 in 0..1; 1 for all joints if not given.
    """
    confidence = np.ones(joints.shape[:-1], np.float32) if confidence is None else confidence
    return mark_unseen(joints, confidence, joints_at_origin(layout, joints, confidence))


def mark_unseen_in_frame(frame: BodyFrame, at_origin: Sequence[int] = ()) -> BodyFrame:
    """Returns the frame with the joints of all its bodies marked as in `mark_unseen`."""
    if not frame.bodies:
        return frame
    joints = np.stack([body.joints for body in frame.bodies])
    confidence = np.stack([body.confidence for body in frame.bodies])
    marked = zip(frame.bodies, *mark_unseen(joints, confidence, at_origin), strict=True)
    return replace(frame, bodies=tuple(Body(body.id, *own) for body, *own in marked))
