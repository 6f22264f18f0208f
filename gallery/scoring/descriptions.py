"""Descriptions of windows, and the grouping of a walk's windows into segments. Nothing here is learned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from encoder.pose import DEVIATION_COLUMNS, POSE_WIDTH
from stream.body import FloatArray

__all__ = [
    "SEGMENT_STEP",
    "SEGMENT_WINDOWS",
    "describe_windows",
    "mean_description",
    "mean_of_walks",
    "segment_means",
    "segment_slices",
]

SEGMENT_WINDOWS = 50
"""Windows of a segment: 5 s of walking."""

SEGMENT_STEP = 10
"""Windows from the start of one segment to the start of the next: 1 s."""


def describe_windows(rows: FloatArray) -> FloatArray:
    """Returns one description for each window.

    Args:
        rows: (n, f, D) float32: CAGEs, then pose numbers (`encoder.pose`), of windows or of means of windows.

    Returns:
        (n, D) float32: pose numbers averaged over the window (root mean square for the squared deviations),
        then the CAGEs averaged over the window. The pose comes first and needs no encoder.
    """
    pose, cages = rows[:, :, -POSE_WIDTH:].mean(axis=1), rows[:, :, :-POSE_WIDTH].mean(axis=1)
    pose[:, DEVIATION_COLUMNS] = np.sqrt(pose[:, DEVIATION_COLUMNS])
    described: FloatArray = np.concatenate((pose, cages), axis=1)
    return described


def mean_description(walks: Sequence[FloatArray]) -> FloatArray:
    """Returns the mean description (D,) of a person from those of each walk, (m, D); walks count alike."""
    return mean_of_walks([walk.mean(axis=0) for walk in walks])


def mean_of_walks(means: Sequence[FloatArray]) -> FloatArray:
    """Returns the mean description (D,) of a person from the mean (D,) of each walk."""
    mean: FloatArray = np.mean(means, axis=0)
    return mean


def segment_slices(windows: int) -> list[slice]:
    """Returns the segments of a walk as slices of its windows; a shorter walk is one segment."""
    starts = range(0, max(1, windows - SEGMENT_WINDOWS + 1), SEGMENT_STEP)
    return [slice(start, start + SEGMENT_WINDOWS) for start in starts]


def segment_means(described: FloatArray) -> FloatArray:
    """Returns the mean description (k, D) of each segment of a walk, from its windows' (m, D)."""
    return np.stack([described[own].mean(axis=0) for own in segment_slices(len(described))])
