"""Pixels that are not square: pictures are stretched until theirs are, because poses have one scale."""

from __future__ import annotations

import numpy as np

from stream.body import Image

__all__ = ["ASPECT_LIMITS", "believable_aspect", "resized", "square_pixels"]

ASPECT_LIMITS = (0.25, 4.0)
"""Least and greatest width of a pixel divided by its height; a file that states another is not believed."""


def believable_aspect(stated: float) -> float:
    """Returns the stated aspect, width by height; 1 if none is stated, or an impossible one."""
    low, high = ASPECT_LIMITS
    return stated if low <= stated <= high else 1.0


def square_pixels(image: Image, aspect: float) -> Image:
    """Returns the picture with square pixels: wider or higher, so that no detail is lost.

    Args:
        image: the picture as stored.
        aspect: width of its pixels divided by their height.
    """
    height, width = image.shape[:2]
    size = (round(width * max(aspect, 1.0)), round(height / min(aspect, 1.0)))
    return image if size == (width, height) else resized(image, size)


def resized(image: Image, size: tuple[int, int]) -> Image:
    """Returns the picture stretched to a width and height in pixels."""
    # OpenCV loads slowly; most pictures do not need it here.
    from stream.sources.camera.quiet_opencv import cv2  # noqa: PLC0415

    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)
