"""What the crop of a person shows: the person untouched, everybody else grey."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.body import Image
from stream.sources.camera.boxes import Box
from stream.sources.camera.crops import CROP_SCALE, GREY, MIN_SIDE, PersonCrop, person_crop

WIDTH, HEIGHT = 900, 700


def noise() -> Image:
    """Returns a picture without a black or grey pixel."""
    return np.random.default_rng(1).integers(140, 250, (HEIGHT, WIDTH, 3)).astype(np.uint8)


PICTURE = noise()


@st.composite
def boxes(draw: st.DrawFn, smallest: int = 20) -> Box:
    left, top = draw(st.integers(-100, WIDTH - 30)), draw(st.integers(-100, HEIGHT - 30))
    width, height = draw(st.integers(smallest, 500)), draw(st.integers(smallest, 500))
    return float(left), float(top), float(left + width), float(top + height)


def mask(box: Box, left: int, top: int, side: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Returns which pixels of a square lie in a box."""
    rows, columns = np.mgrid[top : top + side, left : left + side]
    inside: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = (
        (columns >= box[0]) & (columns < box[2]) & (rows >= box[1]) & (rows < box[3])
    )
    return inside


@pytest.mark.slow
@given(boxes(smallest=MIN_SIDE // 2), st.lists(boxes(), max_size=4))
def test_the_person_stays_and_the_others_are_grey(box: Box, others: list[Box]) -> None:
    before = PICTURE.copy()
    crop = person_crop(PICTURE, box, others)
    assert (before == PICTURE).all()
    if crop is None:
        return
    left, top = (round(float(edge)) for edge in crop.corner)
    assert crop.image.shape == (crop.side, crop.side, 3), "not enlarged"
    own = mask(box, left, top, crop.side)
    other = np.any([mask(o, left, top, crop.side) for o in others], axis=0) & ~own if others else ~own & own
    inside = mask((0, 0, WIDTH, HEIGHT), left, top, crop.side)
    assert (crop.image[other & inside] == GREY).all()
    assert (crop.image[~inside] == 0).all()
    seen = inside & ~other
    rows, columns = np.nonzero(seen)
    assert (crop.image[seen] == PICTURE[rows + top, columns + left]).all()


@given(boxes())
def test_points_of_a_crop_return_to_the_picture(box: Box) -> None:
    crop = person_crop(PICTURE, box)
    if crop is None:
        return
    size = len(crop.image)
    assert size >= MIN_SIDE
    middle = crop.in_picture(np.array([[0.5, 0.5], [0, 0], [1, 1]], np.float32))
    assert middle[0] == pytest.approx([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], abs=1)
    assert (middle[2] - middle[0]).max() == pytest.approx(
        CROP_SCALE * max(box[2] - box[0], box[3] - box[1]) / 2, abs=1
    )


def test_a_small_person_is_enlarged_and_stays_where_it_was() -> None:
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    image[300:360, 400:420] = 220
    crop = person_crop(image, (400, 300, 420, 360))
    assert isinstance(crop, PersonCrop) and crop.image.shape == (MIN_SIDE, MIN_SIDE, 3)
    bright = np.argwhere(crop.image[:, :, 0] > 155)[:, ::-1] / MIN_SIDE
    found = crop.in_picture(bright.astype(np.float32))
    assert found.min(axis=0) == pytest.approx([400, 300], abs=1)
    assert found.max(axis=0) == pytest.approx([420, 360], abs=1)


def test_a_box_outside_the_picture_has_no_crop() -> None:
    assert person_crop(PICTURE, (2000.0, 100.0, 2100.0, 300.0)) is None
