"""Search for people in a picture: in the whole of it, and in one tile of it where something else moves.

The detector sees each picture in 320 x 320 pixels, so people who are small in the whole picture are found
only in a part of it. Once found, they are followed by their poses. One tile in each search bounds the cost.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from stream.body import Image
from stream.sources.camera.boxes import Box, covered_share, expanded, iou
from stream.sources.camera.quiet_opencv import cv2

__all__ = ["TILE_SIDE", "BoxDetector", "PersonSearch", "tiles_of"]

TILE_SIDE = 480
"""Pixels: a person of 60 pixels is 40 high for the detector, which finds nearly all of that size."""

MIN_OVERLAP = 0.35
"""Of two neighbouring tiles, over their side: people smaller than this are whole in one of them."""

MOTION_WIDTH = 640
"""Pixels of the longer side of the pictures that are compared for motion."""

MIN_CHANGE = 25
"""Grey levels from which a pixel counts as moving; noise changes less."""

MIN_MOVING_AREA = 150
"""Moving pixels of a tile from which it is searched: an eighth of a person 60 pixels high."""

KNOWN_MARGIN = 0.15
"""What moves around a person's box, over its longer side, is the person's."""

EDGE = 2
"""Pixels from a tile's inner edge to a box that is cut off there."""

SAME_BOX, PART = 0.5, 0.8
"""IoU with, and share covered by, a box of the whole picture from which a tile's box is the same person's."""

MAX_AGE = 1000
"""Searches; limits the priority of a tile that was never searched."""


class BoxDetector(Protocol):
    """Detects people; see `stream.sources.camera.pose_models.PoseModels.boxes`."""

    def boxes(self, image: Image) -> list[Box]:
        """Returns the boxes of all people detected in a picture."""
        ...


class PersonSearch:
    """Searches the pictures of one camera, all of one size."""

    def __init__(self, detector: BoxDetector) -> None:
        self._detector = detector
        self._previous: Image | None = None
        self._waited: dict[Box, int] = {}

    def boxes(self, image: Image, followed: Sequence[Box], *, in_tile: bool = True) -> list[Box]:
        """Returns the boxes of people in the next picture, of the whole picture first.

        Args:
            image: the picture, BGR.
            followed: expected boxes of people who were found before.
            in_tile: whether to search one tile too, if there is motion that nobody known explains.
        """
        found = self._detector.boxes(image)
        tile = self._most_moving_tile(image, [*found, *followed])
        if tile is None or not in_tile:
            return found
        self._waited[tile] = 0
        return found + [box for box in self._in_tile(image, tile) if not any(_same(box, b) for b in found)]

    def _in_tile(self, image: Image, tile: Box) -> list[Box]:
        """Returns the boxes in a tile, without those that its inner edges cut off."""
        left, top, right, bottom = (int(edge) for edge in tile)
        height, width = image.shape[:2]
        inner = (
            left + EDGE if left > 0 else -math.inf,
            top + EDGE if top > 0 else -math.inf,
            right - EDGE if right < width else math.inf,
            bottom - EDGE if bottom < height else math.inf,
        )
        boxes = self._detector.boxes(np.ascontiguousarray(image[top:bottom, left:right]))
        moved = [(b[0] + left, b[1] + top, b[2] + left, b[3] + top) for b in boxes]
        return [
            b for b in moved if inner[0] < b[0] and inner[1] < b[1] and b[2] < inner[2] and b[3] < inner[3]
        ]

    def _most_moving_tile(self, image: Image, known: Sequence[Box]) -> Box | None:
        """Returns the tile with most motion that no known person explains, times the searches it waited."""
        height, width = image.shape[:2]
        tiles = tiles_of(width, height)
        if len(tiles) == 1:
            return None
        scale = min(1.0, MOTION_WIDTH / max(width, height))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        grey = np.asarray(cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), (3, 3), 0), np.uint8)
        previous, self._previous = self._previous, grey
        if previous is None:
            return None
        moving = (np.asarray(cv2.absdiff(grey, previous)) >= MIN_CHANGE).astype(np.uint8)
        for box in known:
            moving[_part(expanded(box, KNOWN_MARGIN), scale)] = 0
        best, most = None, 0.0
        for tile in tiles:
            waited = self._waited[tile] = min(MAX_AGE, self._waited.get(tile, 0) + 1)
            area = float(moving[_part(tile, scale)].sum()) / scale**2
            if area >= MIN_MOVING_AREA and area * waited > most:
                best, most = tile, area * waited
        return best


def tiles_of(width: int, height: int) -> list[Box]:
    """Returns overlapping tiles that cover a picture; one, the picture, if it is not larger than a tile."""
    return [
        (x, y, min(x + TILE_SIDE, width), min(y + TILE_SIDE, height))
        for y in _starts(height)
        for x in _starts(width)
    ]


def _starts(length: int) -> list[int]:
    if length <= TILE_SIDE:
        return [0]
    count = 1 + math.ceil((length - TILE_SIDE) / (TILE_SIDE * (1 - MIN_OVERLAP)))
    return [round(n * (length - TILE_SIDE) / (count - 1)) for n in range(count)]


def _part(box: Box, scale: float) -> tuple[slice, slice]:
    """Returns the rows and columns of a box in a picture that is scaled down."""
    left, top, right, bottom = (max(0, round(edge * scale)) for edge in box)
    return slice(top, bottom), slice(left, right)


def _same(box: Box, other: Box) -> bool:
    return iou(box, other) >= SAME_BOX or covered_share(box, other) >= PART
