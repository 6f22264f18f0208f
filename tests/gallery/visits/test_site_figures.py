"""A site's own figures from judged visits, with Wilson's intervals."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.store.history_records import StoredVisit
from gallery.visits.site_figures import Share, site_figures
from tests.gallery.store.stored_visits import NOW

VISIT = StoredVisit(
    id="v", source="door", sensor="kinect-v1", arrived_at=NOW, left_at=NOW, walking_s=5.0, windows=50,
    quality=0.8, outcome="person", person="Ada", visitor=None, reason_code="accepted", confidence=90,
    changes=0, interrupted=False, views=(), comparison="v1", people=2, fpir=0.05, candidates=(),
    truth=None, was=None, kept=True,
)  # fmt: skip
UNKNOWN = replace(VISIT, outcome="unknown", person=None, reason_code="stranger", kept=False)
CASES = {
    "named, right": replace(VISIT, truth="confirmed"),
    "named, stranger": replace(VISIT, truth="denied"),
    "named, another": replace(VISIT, truth="denied", was="Ben"),
    "unknown, right": replace(UNKNOWN, truth="confirmed"),
    "unknown, missed": replace(UNKNOWN, truth="denied", was="Ben"),
    "unknown, missed, nobody knows who": replace(UNKNOWN, truth="denied"),
    "not judged": VISIT,
    "undecided": replace(UNKNOWN, outcome="undecided"),
}


@pytest.mark.parametrize(
    ("case", "false_matches", "misses", "strangers"),
    [
        ("named, right", (0, 1), (0, 1), (0, 0)),
        ("named, stranger", (1, 1), (0, 0), (1, 1)),
        ("named, another", (1, 1), (1, 1), (0, 0)),
        ("unknown, right", (0, 0), (0, 0), (0, 1)),
        ("unknown, missed", (0, 0), (1, 1), (0, 0)),
        ("unknown, missed, nobody knows who", (0, 0), (1, 1), (0, 0)),
        ("not judged", (0, 0), (0, 0), (0, 0)),
        ("undecided", (0, 0), (0, 0), (0, 0)),
    ],
)
def test_each_visit_counts_for_what_it_shows(
    case: str, false_matches: tuple[int, int], misses: tuple[int, int], strangers: tuple[int, int]
) -> None:
    found = site_figures([CASES[case]])
    assert found.visits == 1
    assert found.judged == (case not in ("not judged", "undecided"))
    assert found.false_matches == Share(*false_matches)
    assert found.misses == Share(*misses)
    assert found.strangers_named == Share(*strangers)


@given(st.lists(st.sampled_from(sorted(CASES))))
def test_figures_of_many_visits_are_sums(cases: list[str]) -> None:
    found = site_figures([CASES[case] for case in cases])
    each = [site_figures([CASES[case]]) for case in cases]
    for name in ("false_matches", "misses", "strangers_named"):
        shares = [getattr(one, name) for one in each]
        expected = Share(sum(one.count for one in shares), sum(one.total for one in shares))
        assert getattr(found, name) == expected


@given(count=st.integers(0, 200), more=st.integers(0, 200))
def test_intervals_are_wilsons(count: int, more: int) -> None:
    share = Share(count, count + more)
    if not share.total:
        assert share.value is None
        assert share.interval is None
        return
    assert share.interval is not None
    n, p, z = share.total, count / share.total, 1.959964
    middle, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    expected = ((middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n))
    assert share.interval == pytest.approx(expected, abs=1e-6)
