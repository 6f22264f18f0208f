"""The trial of denied visits: who was denied is not named again, and nobody else is missed for it."""

from __future__ import annotations

from collections.abc import Sequence

from stream.body import FloatArray
from stream.bus.messages import WindowRow
from tests.gallery.visits.finished import BACKEND, SENSOR, templates_of
from tools.backend_fit.offline_pipeline import WalkCages
from tools.trials.denied_visits import visit_gallery


def walk(person: int, cages: FloatArray) -> WalkCages:
    rows = tuple(WindowRow(1, k * 100_000_000, k * 100_000_000 + 1, 7, 1.0) for k in range(len(cages)))
    return WalkCages(person, "1", SENSOR, rows, cages)


def walks(shown: Sequence[int]) -> list[WalkCages]:
    """Four walks of each person, who looks like the one given."""
    return [
        walk(person, templates_of(like, 10 * person + number))
        for person, like in enumerate(shown)
        for number in range(4)
    ]


def test_a_denied_stranger_is_named_less_often() -> None:
    found = visit_gallery(walks([0, 1, 2, 3, 0, 1, 2, 3]), BACKEND, 4, 0.05, seed=3)
    strangers = found["denied strangers named"]
    assert strangers.visits.sum() > 0
    assert (strangers.without == strangers.visits).all(), "people who look alike are named"
    assert strangers.denied.sum() < strangers.without.sum()
    everybody = found["all enrolled people missed"]
    assert everybody.visits.sum() == 4 * 2
    assert everybody.denied.sum() >= everybody.without.sum()


def test_where_no_stranger_is_named_nothing_changes() -> None:
    found = visit_gallery(walks([0, 1, 2, 3, 4, 5]), BACKEND, 3, 0.05, seed=3)
    assert found["denied strangers named"].visits.sum() == 0
    for each in found.values():
        assert (each.denied == each.without).all()
        assert each.denied.sum() == 0
