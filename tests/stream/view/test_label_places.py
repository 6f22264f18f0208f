"""Labels in a picture: each where it belongs, or near there, and none over another."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from stream.view.label_places import Rectangle, free_place

SIZE = (640, 480)


def overlap(a: Rectangle, b: Rectangle) -> bool:
    return max(a[0], b[0]) < min(a[2], b[2]) and max(a[1], b[1]) < min(a[3], b[3])


@st.composite
def rectangles(draw: st.DrawFn) -> Rectangle:
    left, top = draw(st.integers(-200, 800)), draw(st.integers(-200, 600))
    return left, top, left + draw(st.integers(1, 200)), top + draw(st.integers(1, 30))


def placed(wanted: list[Rectangle], size: tuple[int, int] = SIZE) -> list[Rectangle]:
    taken: list[Rectangle] = []
    for rectangle in wanted:
        place = free_place(rectangle, taken, size)
        if place is not None:
            taken.append(place)
    return taken


@given(st.lists(rectangles(), max_size=16))
def test_no_label_covers_another_or_leaves_the_picture(wanted: list[Rectangle]) -> None:
    places = placed(wanted)
    assert len(places) == len(wanted), "there is room for all"
    assert not any(overlap(a, b) for a, b in combinations(places, 2))
    for place, asked in zip(places, wanted, strict=True):
        assert 0 <= place[0] <= place[2] <= SIZE[0] and 0 <= place[1] <= place[3] <= SIZE[1]
        assert (place[2] - place[0], place[3] - place[1]) == (asked[2] - asked[0], asked[3] - asked[1])


@given(rectangles())
def test_a_label_stays_where_it_belongs_if_there_is_room(wanted: Rectangle) -> None:
    (place,) = placed([wanted])
    inside = wanted[0] >= 0 and wanted[2] <= SIZE[0] and wanted[1] >= 0 and wanted[3] <= SIZE[1]
    assert (place == wanted) == inside


def test_labels_of_people_at_one_place_are_stacked() -> None:
    places = placed([(100, 200, 180, 226)] * 4)
    assert {place[0] for place in places} == {100}
    assert sorted(place[1] for place in places)[-1] - min(place[1] for place in places) == 3 * 26


def test_a_label_without_room_is_left_out() -> None:
    assert len(placed([(0, 0, 60, 20)] * 20, (100, 50))) == 2
    assert free_place((0, 0, 200, 20), [], (100, 50)) is None
