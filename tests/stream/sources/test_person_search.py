"""Where people are searched: in the whole picture, and in one tile where something else moves."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.body import Image
from stream.sources.camera.boxes import Box, covered_share
from stream.sources.camera.person_search import MIN_OVERLAP, TILE_SIDE, PersonSearch, tiles_of

WIDTH, HEIGHT = 1280, 720
SMALLEST = 1 / 10
"""Height over the picture's from which the detector finds a person."""


@given(st.integers(1, 4000), st.integers(1, 4000))
def test_tiles_cover_the_picture_and_overlap(width: int, height: int) -> None:
    tiles = tiles_of(width, height)
    for low, high, length in ((0, 2, width), (1, 3, height)):
        spans = sorted({(tile[low], tile[high]) for tile in tiles})
        assert spans[0][0] == 0 and spans[-1][1] == length
        for (start, end), (other, _) in pairwise(spans):
            assert end - start == TILE_SIDE and end - other >= MIN_OVERLAP * TILE_SIDE - 1
    assert (len(tiles) == 1) == (max(width, height) <= TILE_SIDE)
    assert len(set(tiles)) == len(tiles)


class Blobs:
    """Pictures with people, bright rectangles, and a detector that finds those who are large in them."""

    def __init__(self, *people: Box) -> None:
        self.people = list(people)
        self.searched: list[Box] = []
        self._picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)

    def move(self, number: int, x: float) -> None:
        left, top, right, bottom = self.people[number]
        self.people[number] = (left + x, top, right + x, bottom)

    def picture(self, width: int = WIDTH, height: int = HEIGHT) -> Image:
        # The red and green of a pixel tell the detector where it is.
        y, x = np.mgrid[:height, :width]
        image = np.stack([np.full_like(x, 60), y // 8, x // 8], axis=2).astype(np.uint8)
        for left, top, right, bottom in self.people:
            image[int(top) : int(bottom), int(left) : int(right)] = 250
        return image

    def boxes(self, image: Image) -> list[Box]:
        height, width = image.shape[:2]
        left, top = 8 * int(image[0, 0, 2]), 8 * int(image[0, 0, 1])
        # Corners are known to 8 pixels; tiles begin at known places.
        tile = min(tiles_of(WIDTH, HEIGHT), key=lambda t: abs(t[0] - left) + abs(t[1] - top))
        if (height, width) == (HEIGHT, WIDTH):
            tile = (0.0, 0.0, float(WIDTH), float(HEIGHT))
        self.searched.append(tile)
        found = []
        for person in self.people:
            if covered_share(person, tile) > 0.3 and person[3] - person[1] >= SMALLEST * height:
                x0, y0, x1, y1 = (edge - tile[n % 2] for n, edge in enumerate(person))
                found.append((max(0.0, x0), max(0.0, y0), min(x1, width), min(y1, height)))
        return found

    def steps(
        self, search: PersonSearch, count: int, speed: float, *, follow: bool = False
    ) -> list[list[Box]]:
        """Moves everybody and searches, several times; returns what was found."""
        results: list[list[Box]] = []
        for _ in range(count):
            for number in range(len(self.people)):
                self.move(number, speed)
            followed = self.people if follow else []
            results.append(search.boxes(self.picture(), followed))
        return results


SMALL: Box = (500.0, 300.0, 520.0, 360.0)
LARGE: Box = (900.0, 200.0, 1000.0, 500.0)


def test_a_small_person_who_walks_is_found_in_a_tile() -> None:
    scene = Blobs(SMALL, LARGE)
    first, *later = scene.steps(PersonSearch(scene), 3, 6)
    assert len(first) == 1, "without a picture before it, nothing is known to move"
    assert all(len(found) == 2 for found in later)
    assert later[-1] == [scene.people[1], scene.people[0]]
    assert len(scene.searched) == 5, "one tile in each search"


def test_nothing_is_searched_again_where_nobody_moves_or_everybody_is_known() -> None:
    standing = Blobs(SMALL)
    standing.steps(PersonSearch(standing), 4, 0)
    assert len(standing.searched) == 4
    followed = Blobs(SMALL)
    followed.steps(PersonSearch(followed), 4, 6, follow=True)
    assert len(followed.searched) == 4
    found = Blobs(LARGE)
    found.steps(PersonSearch(found), 4, 6)
    assert len(found.searched) == 4


def test_no_tile_is_searched_when_enough_people_are_followed() -> None:
    scene = Blobs(SMALL)
    search = PersonSearch(scene)
    for _ in range(3):
        scene.move(0, 6)
        assert search.boxes(scene.picture(), [], in_tile=False) == []
    assert len(scene.searched) == 3


def test_a_moving_tree_does_not_keep_the_search_from_a_person() -> None:
    branches = [(20.0, 40.0 + 40 * n, 100.0, 60.0 + 40 * n) for n in range(8)]
    scene = Blobs(*branches, (1150.0, 600.0, 1170.0, 660.0))
    found = scene.steps(PersonSearch(scene), 12, 5)
    assert scene.searched[2] == tiles_of(WIDTH, HEIGHT)[0], "most moves there"
    assert any(boxes and boxes[0][1] == 600 for boxes in found), "the person's tile has its turn"


def test_a_person_cut_off_by_a_tile_is_not_a_person() -> None:
    overlap_end = tiles_of(WIDTH, HEIGHT)[0][2]
    scene = Blobs((overlap_end - 10, 300.0, overlap_end + 14, 360.0))
    found = scene.steps(PersonSearch(scene), 6, 4)
    assert {box[2] - box[0] for boxes in found for box in boxes} == {24}


def test_a_small_picture_is_one_tile() -> None:
    scene = Blobs((100.0, 100.0, 120.0, 130.0))
    search = PersonSearch(scene)
    for _ in range(3):
        scene.move(0, 6)
        search.boxes(scene.picture(384, 288), [])
    assert len(scene.searched) == 3
