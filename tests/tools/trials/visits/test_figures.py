"""Figures of visits on events and passages that a test describes."""

from __future__ import annotations

from collections import Counter
from typing import Any

from stream.visits.events import Arrived, Identified, Left, VisitEvent
from tools.trials.visits.__main__ import figure_rows
from tools.trials.visits.figures import Figures, measure
from tools.trials.visits.stage import Passage

ADA, BEN, ZOE = (Passage(name, 0, start, start + 10_000_000_000, 0) for name, start in (
    ("Ada", 0), ("Ben", 20_000_000_000), ("Zoe", 40_000_000_000)
))  # fmt: skip
ENROLLED = ("Ada", "Ben")


def common(visit: str, t: float, tracks: tuple[int, ...]) -> dict[str, Any]:
    return {"id": f"{visit}-{t}", "visit": visit, "source": "door", "time": "", "t": t, "tracks": tracks} | {
        "arrived": ""
    }


def visit(
    name: str, tracks: tuple[int, ...], said: list[tuple[float, str | None]], left: float, at_left: str | None
) -> list[VisitEvent]:
    events: list[VisitEvent] = [Arrived(**common(name, 0.0, tracks))]
    before = None
    for t, person in said:
        events.append(
            Identified(
                **common(name, t, tracks),
                person=person,
                previous=before,
                reason="",
                reason_code="accepted",
                score=1.0,
                threshold=0.0,
                confidence=None,
                walking_s=1.0,
                after_s=1.0,
            )
        )
        before = person
    last = Left(
        **common(name, left, tracks),
        outcome="unknown" if at_left is None else "person",
        person=at_left,
        left="",
        duration_s=1.0,
        walking_s=1.0,
        quality=1.0,
        reason="",
        reason_code="accepted",
        confidence=None,
    )
    return [*events, last]


def shown(*tracks: int) -> dict[int, Counter[int]]:
    """Track n shows the passage of the n-th argument."""
    return {number: Counter({place: 30}) for number, place in enumerate(tracks, start=1)}


def test_one_visit_per_passage() -> None:
    events = [
        *visit("a", (1, 2), [(3.0, "Ada")], 12.4, "Ada"),
        *visit("b", (3,), [(28.0, "Ben")], 32.0, "Ben"),
        *visit("z", (4,), [], 54.0, None),
    ]
    found = measure((ADA, BEN, ZOE), shown(0, 0, 1, 2), events, ENROLLED)
    assert (found.passages, found.exact, found.missed, found.divided, found.two_people) == (3, 3, 0, 0, 0)
    assert (found.known, found.first_right, found.left_right, found.silent, found.changes) == (2, 2, 2, 0, 0)
    assert (found.strangers, found.strangers_ever, found.strangers_left) == (1, 0, 0)
    assert [round(each, 1) for each in found.left_after] == [2.4, 2.0, 4.0]
    assert found.identified_after == [3.0, 8.0]
    assert (found.walked, found.late) == (2, 1)


def test_divided_joined_and_missed_passages() -> None:
    divided = [*visit("a", (1,), [], 12.0, None), *visit("b", (2,), [], 12.0, None)]
    found = measure((ADA,), shown(0, 0), divided, ENROLLED)
    assert (found.exact, found.divided, found.late) == (0, 1, 1)
    found = measure((ADA, BEN), shown(0, 1), visit("a", (1, 2), [], 32.0, None), ENROLLED)
    assert (found.exact, found.two_people, found.two_passages) == (0, 1, 0)
    again = Passage("Ada", 0, 20_000_000_000, 30_000_000_000, 0)
    found = measure((ADA, again), shown(0, 1), visit("a", (1, 2), [], 32.0, None), ENROLLED)
    assert (found.exact, found.two_people, found.two_passages) == (0, 0, 1)
    assert measure((ADA,), shown(0), [], ENROLLED).missed == 1


def test_an_answer_that_changes_without_an_event_is_counted() -> None:
    told = visit("a", (1,), [(2.0, "Ben"), (6.0, "Ada")], 12.0, "Ada")
    found = measure((ADA,), shown(0), told, ENROLLED)
    assert (found.silent, found.changes, found.first_wrong, found.left_right) == (0, 1, 1, 1)
    silent = visit("a", (1,), [(2.0, "Ada")], 12.0, "Ben")
    assert measure((ADA,), shown(0), silent, ENROLLED).silent == 1


def test_a_stranger_with_a_name_is_counted() -> None:
    events = visit("z", (1,), [(42.0, "Ada"), (45.0, None)], 52.0, None)
    found = measure((ZOE,), shown(0), events, ENROLLED)
    assert (found.strangers_ever, found.strangers_left, found.changes, found.silent) == (1, 0, 1, 0)


def test_figures_of_several_scenes_show_their_range() -> None:
    rows = dict(figure_rows([Figures(passages=4, exact=4), Figures(passages=4, exact=2)]))
    assert rows["passages that are exactly one visit"] == "75.0% (50.0% to 100.0%); 6 of 8"
    assert rows["strangers with a name at `left`"] == "none"
