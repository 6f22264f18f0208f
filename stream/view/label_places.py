"""Places of labels in a picture, so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Rectangle", "free_place"]

Rectangle = tuple[int, int, int, int]
"""Left, top, right, bottom, pixels; right and bottom are not part of it."""


def free_place(wanted: Rectangle, taken: Sequence[Rectangle], size: tuple[int, int]) -> Rectangle | None:
    """Returns the place nearest to the wanted one that is free and within the picture; None if none is.

    Args:
        wanted: where the label would be, alone in a picture without edges.
        taken: places of other labels.
        size: width and height of the picture, pixels.
    """
    width, height = wanted[2] - wanted[0], wanted[3] - wanted[1]
    if width > size[0] or height > size[1]:
        return None
    left = _within(wanted[0], size[0] - width)
    top = _within(wanted[1], size[1] - height)
    # The nearest free place is where the label wants to be, or touches others there or at the edge.
    lefts = {left, *(x for other in taken for x in (other[0] - width, other[2]))}
    tops = {top, *(y for other in taken for y in (other[1] - height, other[3]))}
    places = [
        (x, y, x + width, y + height)
        for x in lefts
        for y in tops
        if 0 <= x <= size[0] - width and 0 <= y <= size[1] - height
    ]
    free = [place for place in places if not any(_overlap(place, other) for other in taken)]
    # Up and down before left and right, where a label is nearer to another person.
    return min(free, key=lambda p: (2 * abs(p[0] - left) + abs(p[1] - top), p), default=None)


def _within(value: int, most: int) -> int:
    return min(max(value, 0), most)


def _overlap(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
