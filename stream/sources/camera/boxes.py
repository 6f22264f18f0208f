"""Bounding boxes in a picture: (left, top, right, bottom), pixels."""

from __future__ import annotations

import numpy as np

from stream.body import FloatArray, Image

__all__ = [
    "Box",
    "bounding_box",
    "center",
    "clipped",
    "covered_share",
    "expanded",
    "iou",
    "longer_side",
    "may_match",
    "shifted",
    "square_crop",
]

Box = tuple[float, float, float, float]

SIZE_RATIO = (0.5, 1.6)
"""Limits of the ratio of the longer sides of two boxes of one person."""


def bounding_box(points: FloatArray) -> Box:
    """Returns the bounding box of (n, 2) points."""
    left, top = points.min(axis=0).tolist()
    right, bottom = points.max(axis=0).tolist()
    return left, top, right, bottom


def shifted(box: Box, by: FloatArray) -> Box:
    """Returns the box moved by (2,) pixels."""
    x, y = by.tolist()
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def clipped(box: Box, image: Image) -> Box:
    """Returns the part of the box within the picture; empty at its edge if there is none."""
    height, width = image.shape[:2]
    x0, x1 = (min(max(edge, 0.0), float(width)) for edge in (box[0], box[2]))
    y0, y1 = (min(max(edge, 0.0), float(height)) for edge in (box[1], box[3]))
    return x0, y0, x1, y1


def expanded(box: Box, share: float) -> Box:
    """Returns the box with a margin of `share` of its longer side on every side."""
    margin = share * longer_side(box)
    return box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin


def square_crop(box: Box, scale: float) -> tuple[int, int, int]:
    """Returns left, top and side of the square at the box's centre, with `scale` times its longer side."""
    side = max(1, round(scale * longer_side(box)))
    return round((box[0] + box[2] - side) / 2), round((box[1] + box[3] - side) / 2), side


def center(box: Box) -> FloatArray:
    """Returns the centre of the box, (2,) pixels."""
    return np.array([box[0] + box[2], box[1] + box[3]], np.float32) / np.float32(2)


def may_match(box: Box, other: Box) -> bool:
    """Returns True if two boxes may show one person: `box` is centred in `other` and of similar size."""
    x, y = center(box).tolist()
    inside = other[0] <= x <= other[2] and other[1] <= y <= other[3]
    return inside and SIZE_RATIO[0] <= longer_side(box) / max(longer_side(other), 1e-6) <= SIZE_RATIO[1]


def longer_side(box: Box) -> float:
    """Returns the longer side of the box, pixels."""
    return max(box[2] - box[0], box[3] - box[1])


def iou(a: Box, b: Box) -> float:
    """Returns the intersection over union of two boxes, 0..1."""
    common = _intersection(a, b)
    return common / max(_area(a) + _area(b) - common, 1e-6)


def covered_share(box: Box, by: Box) -> float:
    """Returns the share of a box that lies within another, 0..1."""
    return _intersection(box, by) / max(_area(box), 1e-6)


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def _intersection(a: Box, b: Box) -> float:
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    width, height = (high - low).tolist()
    return float(max(0.0, width) * max(0.0, height))
