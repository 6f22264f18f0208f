"""Whether two walks are one recording: copies, other paths to one file, or clips of it that overlap.

Names and times of files say nothing about copies, so the walks themselves are compared: the bone lengths that
the sensor measured in each window, whose errors no other walk repeats. The templates of two clips of one
recording are not the same: windows are cut from the first frame of a clip on, and a longer walk stores means
of more windows. One walk is therefore laid along the other at every shift, between templates too, and at
several lengths of mean.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from encoder.pose import BONE_COLUMNS, DEVIATION_COLUMNS
from gallery.scoring.descriptions import describe_windows
from stream.body import FloatArray

__all__ = ["SAME_RECORDING", "is_same_recording", "recording_distance"]

SAME_RECORDING = 0.3
"""Distance below which two walks are one recording; see `recording_distance`."""

_MEANS = (1, 2, 4, 8)
"""Templates of one walk that a template of the other may be the mean of."""

_BETWEEN = 4
"""Shifts from one template to the next."""

_SHARED = 0.5
"""Share of the shorter walk that both must have in common."""

_LEAST = 3
"""Templates in common below which nothing is said."""

_RIGID = 1e-4
"""Metres from window to window below which bones are those of a rigid skeleton: the whole pose counts."""

Floats = NDArray[np.float64]


def is_same_recording(first: FloatArray, second: FloatArray) -> bool:
    """Returns whether two walks have at least half of the shorter one in common.

    Args:
        first: (m, f, D) float32, the templates of a walk.
        second: (n, f, D) float32, of another walk, by the same encoder.
    """
    return recording_distance(first, second) < SAME_RECORDING


def recording_distance(first: FloatArray, second: FloatArray) -> float:
    """Returns the distance of two walks where they are most alike; see `tools.trials.enrolment_checks`.

    Args:
        first: (m, f, D) float32, the templates of a walk.
        second: (n, f, D) float32, of another walk, by the same encoder.

    Returns:
        0 for copies; about 1 where the walks are as far apart as consecutive templates of one; infinite where
        too few templates can be compared.
    """
    one, other = _measured(first, second)
    pairs = [(one, other, 1)]
    pairs += [(fine, coarse, count) for count in _MEANS[1:] for fine, coarse in ((one, other), (other, one))]
    return min(_distance(*pair) for pair in pairs)


def _measured(first: FloatArray, second: FloatArray) -> tuple[Floats, Floats]:
    """Returns the numbers to compare: the bone lengths, or the pose of rigid skeletons."""
    described = (describe_windows(each) for each in (first, second))
    one, other = (each[:, : DEVIATION_COLUMNS.start].astype(np.float64) for each in described)
    bones = one[:, BONE_COLUMNS], other[:, BONE_COLUMNS]
    if bones[0].size and min(map(_step, bones)) > _RIGID:
        return bones
    return one, other


def _distance(fine: Floats, coarse: Floats, count: int) -> float:
    """Lays the coarse walk along means of `count` templates of the other, at every shift."""
    shared = int(_SHARED * min(len(fine) // count, len(coarse)))
    if shared < _LEAST:
        return float("inf")
    line = _with_between(sliding_window_view(fine, count, axis=0).mean(axis=-1))
    squares = (coarse**2).sum(axis=1)[:, None] - 2 * coarse @ line.T + (line**2).sum(axis=1)
    distances = np.sqrt(np.maximum(squares, 0))
    stride = _BETWEEN * count
    rows = np.arange(len(coarse))
    shifts = np.arange(-(len(coarse) - shared) * stride, len(line) - (shared - 1) * stride)
    columns = shifts[:, None] + rows * stride
    inside = (columns >= 0) & (columns < len(line))
    along = np.where(inside, distances[rows, np.clip(columns, 0, len(line) - 1)], np.inf)
    nearest = np.sort(along, axis=1)[:, :shared].mean(axis=1)
    return float(nearest.min()) / max(_step(coarse), 1e-9)


def _with_between(rows: Floats) -> Floats:
    """Returns rows with points between each two neighbours."""
    places = np.arange((len(rows) - 1) * _BETWEEN + 1) / _BETWEEN
    before = np.minimum(places.astype(np.intp), max(len(rows) - 2, 0))
    after = np.minimum(before + 1, len(rows) - 1)
    part = (places - before)[:, None]
    between: Floats = (1 - part) * rows[before] + part * rows[after]
    return between


def _step(rows: Floats) -> float:
    """Returns the distance from one row to the next, in the median; 0 for a single row."""
    return float(np.median(np.linalg.norm(np.diff(rows, axis=0), axis=1))) if len(rows) > 1 else 0.0
