"""Pictures of people who walk beside each other, composed of one photograph.

The left half of the photograph shows a walker, the right half the same place without anybody. Every second
part of a picture is mirrored, so that the background has no seams.
"""

from __future__ import annotations

from importlib.resources import files

import numpy as np

from stream.body import Image
from stream.sources.camera.quiet_opencv import cv2

__all__ = ["HEIGHT", "MOST_PEOPLE", "PART_WIDTH", "WIDTH", "compose"]

WIDTH, HEIGHT = 1280, 720
"""Of a picture, pixels."""

MOST_PEOPLE = 6
"""Parts of a picture: each has one person or nobody."""

PART_WIDTH = 214
"""Half the width of the photograph, pixels."""


def compose(people: int) -> Image:
    """Returns a picture of people, BGR; each is whole, 310 pixels high, and covers nobody else.

    Args:
        people: from 1 to `MOST_PEOPLE`.
    """
    photograph = cv2.imread(str(files("tools.bench").joinpath("pictures/walker.jpg")))
    assert photograph is not None
    walker, nobody = photograph[:, :PART_WIDTH], photograph[:, PART_WIDTH:]
    walkers = {(2 * number + 1) * MOST_PEOPLE // (2 * people) for number in range(people)}
    parts = [walker if number in walkers else nobody for number in range(MOST_PEOPLE)]
    row = [part[:, ::-1] if number % 2 else part for number, part in enumerate(parts)]
    return np.ascontiguousarray(np.hstack(row)[:, :WIDTH], np.uint8)
