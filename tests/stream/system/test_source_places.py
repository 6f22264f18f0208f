"""Places of sources, and what is refused."""

from __future__ import annotations

import pytest

from stream.errors import UserError
from stream.system.source_places import source_places


def test_sources_of_one_place_are_together_and_others_alone() -> None:
    front, back, desk, yard = source_places({"hall": ["front", "back"]}, ["front", "back", "desk", "yard"])
    assert front == back
    assert len({front, desk, yard}) == 3


def test_a_source_named_like_a_place_is_not_at_it() -> None:
    front, hall = source_places({"hall": ["front"]}, ["front", "hall"])
    assert front != hall


@pytest.mark.parametrize("places", [None, {}])
def test_without_places_nothing_is_known(places: dict[str, list[str]] | None) -> None:
    assert source_places(places, ["front"]) == ()


def test_unknown_and_repeated_sources_are_refused() -> None:
    with pytest.raises(UserError, match="hall names door, which is no source; sources: front, back"):
        source_places({"hall": ["door"]}, ["front", "back"])
    with pytest.raises(UserError, match="front is both at hall and at yard"):
        source_places({"hall": ["front"], "yard": ["front"]}, ["front"])
