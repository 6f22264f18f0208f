"""The square crop of one person: everybody else greyed out, small people enlarged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stream.body import FloatArray, Image
from stream.sources.camera.boxes import Box, square_crop
from stream.sources.camera.quiet_opencv import cv2

__all__ = ["CROP_SCALE", "MIN_SIDE", "PersonCrop", "person_crop"]

CROP_SCALE = 2.0
"""Side of the crop over the longer side of the person's box; small people are not found in narrower ones."""

MIN_SIDE = 512
"""Pixels; smaller crops are enlarged to it, because the pose model's own enlargement blurs more."""

GREY = 128
"""Value of the pixels of other people."""


@dataclass(frozen=True, slots=True, eq=False)
class PersonCrop:
    """A square part of a picture.

    Attributes:
        image: the square, BGR; black beyond the picture's edge.
        corner: (2,) float32, pixels of the picture: left and top of the square.
        side: of the square, pixels of the picture.
        masked: whether other people were greyed out in it.
    """

    image: Image
    corner: FloatArray
    side: int
    masked: bool

    def in_picture(self, points: FloatArray) -> FloatArray:
        """Returns (n, 2) points in pixels of the picture, from shares of the crop's side."""
        moved: FloatArray = points * np.float32(self.side) + self.corner
        return moved


def person_crop(
    image: Image, box: Box, others: Sequence[Box] = (), scale: float = CROP_SCALE
) -> PersonCrop | None:
    """Returns the crop around a person's box; None if the box lies outside the picture.

    Args:
        image: the picture, BGR; not changed.
        box: of the person; everything in it stays, also where another's box overlaps it.
        others: boxes of other people; grey in the crop.
        scale: side of the crop over the longer side of the box.
    """
    left, top, side = square_crop(box, scale)
    height, width = image.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    if x0 >= x1 or y0 >= y1:
        return None
    crop = np.zeros((side, side, 3), np.uint8)
    part = crop[y0 - top : y1 - top, x0 - left : x1 - left]
    part[:] = image[y0:y1, x0:x1]
    masked = False
    for other in others:
        region = part[_within(other, (x0, y0))]
        masked |= region.size > 0
        region[:] = GREY
    own = _within(box, (x0, y0))
    part[own] = image[y0:y1, x0:x1][own]
    if side < MIN_SIDE:
        crop = np.asarray(cv2.resize(crop, (MIN_SIDE, MIN_SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)
    return PersonCrop(crop, np.array([left, top], np.float32), side, masked)


def _within(box: Box, origin: tuple[int, int]) -> tuple[slice, slice]:
    """Returns the rows and columns of a box in a part of the picture that begins at `origin`."""
    left, top, right, bottom = (max(0, round(edge)) for edge in _minus(box, origin))
    return slice(top, bottom), slice(left, right)


def _minus(box: Box, origin: tuple[int, int]) -> Box:
    return box[0] - origin[0], box[1] - origin[1], box[2] - origin[0], box[3] - origin[1]
