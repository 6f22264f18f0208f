"""Boxes in a picture: (left, top, right, bottom), pixels."""

from __future__ import annotations

import numpy as np

from stream.body import FloatArray

__all__ = ["Box", "around", "covered", "fits", "longer", "middle", "overlap", "shifted", "square"]

Box = tuple[float, float, float, float]

ALIKE = (0.5, 1.6)
"""How large one box of a person may be beside another, along their longer sides."""


def around(points: FloatArray) -> Box:
    """The box around (n, 2) points."""
    left, top = points.min(axis=0).tolist()
    right, bottom = points.max(axis=0).tolist()
    return left, top, right, bottom


def shifted(box: Box, by: FloatArray) -> Box:
    """The box, (2,) pixels further."""
    x, y = by.tolist()
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def square(box: Box, scale: float) -> tuple[int, int, int]:
    """Left, top and side of the square around a box's middle, `scale` times its longer side."""
    side = max(1, round(scale * longer(box)))
    return round((box[0] + box[2] - side) / 2), round((box[1] + box[3] - side) / 2), side


def middle(box: Box) -> FloatArray:
    """(2,) its centre."""
    return np.array([box[0] + box[2], box[1] + box[3]], np.float32) / np.float32(2)


def fits(box: Box, into: Box) -> bool:
    """Whether a box may be around the same person as another: its middle within, its size alike."""
    x, y = middle(box).tolist()
    within = into[0] <= x <= into[2] and into[1] <= y <= into[3]
    return within and ALIKE[0] <= longer(box) / max(longer(into), 1e-6) <= ALIKE[1]


def longer(box: Box) -> float:
    """Its longer side."""
    return max(box[2] - box[0], box[3] - box[1])


def overlap(a: Box, b: Box) -> float:
    """The common area over that of both together, 0..1."""
    common = _common(a, b)
    return common / max(_area(a) + _area(b) - common, 1e-6)


def covered(a: Box, by: Box) -> float:
    """The share of `a` that lies within the other, 0..1."""
    return _common(a, by) / max(_area(a), 1e-6)


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def _common(a: Box, b: Box) -> float:
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    width, height = (high - low).tolist()
    return float(max(0.0, width) * max(0.0, height))
