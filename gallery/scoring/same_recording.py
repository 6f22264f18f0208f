"""Whether two walks are one recording: copies, other paths to one file, or clips of it that overlap.

The poses of windows are compared, not names or times of files. Two clips of one recording cut the same
walking at other moments, and a longer walk stores means of more windows. Templates of one walk are therefore
compared with the line through neighbouring templates of the other, at several lengths of mean, and a distance
counts relative to that from one template to the next.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from encoder.pose import DEVIATION_COLUMNS
from gallery.scoring.descriptions import describe_windows
from stream.body import FloatArray

__all__ = ["SAME_RECORDING", "is_same_recording", "recording_distance"]

SAME_RECORDING = 0.3
"""Distance below which two walks are one recording; see `recording_distance`."""

_MEANS = (1, 2, 4, 8)
"""Templates of one walk that a template of the other may be the mean of."""

_SHARED = 0.5
"""Share of the shorter walk that both must have in common."""

_LEAST = 3
"""Templates in common below which nothing is said."""

Floats = NDArray[np.float64]


def is_same_recording(first: FloatArray, second: FloatArray) -> bool:
    """Returns whether two walks have at least half of the shorter one in common.

    Args:
        first: (m, f, D) float32, the templates of a walk.
        second: (n, f, D) float32, of another walk, by the same encoder.
    """
    return recording_distance(first, second) < SAME_RECORDING


def recording_distance(first: FloatArray, second: FloatArray) -> float:
    """Returns the distance of those templates of two walks that are nearest to each other.

    `tools.trials.enrolment_checks` measures it. KGBD people 1-100: at most 0.25 between overlapping clips of
    one recording, at least 0.31 between different walks of one person.

    Args:
        first: (m, f, D) float32, the templates of a walk.
        second: (n, f, D) float32, of another walk, by the same encoder.

    Returns:
        0 for copies; about 1 where the nearest templates are as far apart as consecutive ones; infinite where
        too few templates can be compared.
    """
    one, other = _poses(first), _poses(second)
    pairs = [(one, other, 1)]
    pairs += [(fine, coarse, count) for count in _MEANS[1:] for fine, coarse in ((one, other), (other, one))]
    return min(_distance(*pair) for pair in pairs)


def _distance(fine: Floats, coarse: Floats, count: int) -> float:
    """Compares the coarse walk's poses with means of `count` poses of the other."""
    shared = int(_SHARED * min(len(fine) // count, len(coarse)))
    if shared < _LEAST:
        return float("inf")
    means = sliding_window_view(fine, count, axis=0).mean(axis=-1) if count > 1 else fine
    step = float(np.median(np.linalg.norm(np.diff(coarse, axis=0), axis=1)))
    nearest = np.sort(_distances_to_line(coarse, means))[:shared]
    return float(nearest.mean()) / max(step, 1e-6)


def _distances_to_line(points: Floats, line: Floats) -> Floats:
    """Returns the distance (n,) of each of n points to a line through at least two positions."""
    starts, steps = line[:-1], np.diff(line, axis=0)
    lengths = np.maximum((steps**2).sum(axis=1), 1e-12)
    along = points @ steps.T - (starts * steps).sum(axis=1)
    part = np.clip(along / lengths, 0, 1)
    squares = (points**2).sum(axis=1)[:, None] - 2 * points @ starts.T + (starts**2).sum(axis=1)
    squares += part * (part * lengths - 2 * along)
    distances: Floats = np.sqrt(np.maximum(squares.min(axis=1), 0))
    return distances


def _poses(templates: FloatArray) -> Floats:
    """Returns the joints, bones and directions of templates; a mean of them is that of the mean template."""
    poses: Floats = describe_windows(templates)[:, : DEVIATION_COLUMNS.start].astype(np.float64)
    return poses
