"""The numbers of tracks: each once over all sources, and back to their source."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stream.track_numbers import opened_up_to, source_of, track_number


@given(sources=st.integers(1, 12), opened=st.integers(1, 40))
def test_every_number_is_given_once_and_leads_back_to_its_source(sources: int, opened: int) -> None:
    given = {(i, k): track_number(i, sources, k) for i in range(sources) for k in range(opened)}
    assert sorted(given.values()) == list(range(1, sources * opened + 1))
    for (source, before), number in given.items():
        assert source_of(number, sources) == source
        assert opened_up_to(number, sources) == before + 1


def test_three_sources_take_turns() -> None:
    assert [track_number(1, 3, opened) for opened in range(3)] == [2, 5, 8]
