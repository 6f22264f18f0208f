"""The sentence that sums up a measurement, and the intervals behind it."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.evaluation.live import SCENARIOS, LiveResult, LiveRow, Searches
from tools.evaluation.metrics.bootstrap import Estimate
from tools.evaluation.protocols.results import Predictions, Result, Row
from tools.evaluation.verdicts import live_verdict, published_verdict, rank1_estimates, widened

PEOPLE = 40
WINDOWS = 10


def result(**correct: float) -> Result:
    """Returns rows by name, in each of which that share of each person's windows is right."""
    people = np.repeat(np.arange(PEOPLE), WINDOWS)
    rows = []
    for name, share in correct.items():
        ranks = np.where(np.tile(np.arange(WINDOWS), PEOPLE) < round(share * WINDOWS), 1, 2)
        # A few people differ, so that there is a spread.
        ranks[: 3 * WINDOWS] = 1
        predictions = Predictions(ranks, people, np.zeros((len(people), PEOPLE), np.float32))
        rows.append(Row(name, "euclidean", False, {}, predictions, 1.0, 0.0))
    return Result("direct", {}, tuple(map(str, range(PEOPLE))), people, people, tuple(rows))


def verdict(shown: str = "cage", *, shuffled: bool = False, **correct: float) -> str:
    found = result(**correct)
    row = next(row for row in found.rows if row.name == shown)
    return published_verdict(found, row, rank1_estimates(found), shuffled=shuffled)


def test_a_method_is_compared_with_plain_coordinates() -> None:
    text = verdict(raw=0.4, cage=0.7)
    assert text.startswith("cage finds the right one of 40 people for 72.2 % (95 % interval 70.")
    assert "guessing would find 2.5 %." in text
    assert "That is more than the 44.5 % of plain joint coordinates (raw)." in text
    assert "That is less than the" in verdict(raw=0.7, cage=0.4)
    assert "That is not clearly different from the" in verdict(raw=0.7, cage=0.7)
    assert "plain joint" not in verdict("raw", raw=0.7)


def test_permuted_names_must_give_chance() -> None:
    assert "no more than chance: no leak shows." in verdict("raw", raw=0.0, shuffled=True)
    assert "more than chance: something leaks." in verdict("raw", raw=0.5, shuffled=True)


def test_intervals_contain_their_figures() -> None:
    estimates = rank1_estimates(result(raw=0.4, cage=0.7))
    for name in ("raw", "cage", "difference cage"):
        found = estimates[name]
        assert found is not None
        assert found[1] < found[0] < found[2]


@given(people=st.integers(2, 500))
def test_an_interval_without_spread_gets_the_exact_bound(people: int) -> None:
    _, low, high = widened((0.0, 0.0, 0.0), people)
    assert low == 0
    # With this probability, nobody of so many people is named in 2.5 % of the cases.
    assert (1 - high / 100) ** people == pytest.approx(0.025)
    assert widened((100.0, 100.0, 100.0), people)[1] == pytest.approx(100 - high)
    assert widened((50.0, 40.0, 60.0), people) == (50.0, 40.0, 60.0)


def live(people: int = 64, *, shuffled: bool = False, **figures: Estimate | None) -> str:
    row = LiveRow("shipped", True, {"rank1_walk": (95.0, 92.0, 98.0)} | figures, cast(Searches, None), 1.0)
    drawn: dict[str, Any] = {"probes_shuffled": shuffled}
    names = tuple(map(str, range(people)))
    return live_verdict(LiveResult(SCENARIOS["kgbd"], names, (), "kinect-v1", drawn, (row,)), row)


@pytest.mark.parametrize(
    ("named", "judged"),
    [
        ((2.0, 1.0, 4.0), "fewer than the 5 %"),
        ((4.0, 2.0, 7.0), "in line with the 5 %"),
        ((9.0, 6.0, 12.0), "more than the 5 %"),
        ((0.0, 0.0, 0.0), "in line with the 5 %"),  # of 64 people: up to 5.6 %
    ],
)
def test_strangers_that_are_named_are_compared_with_what_was_asked(named: Estimate, judged: str) -> None:
    text = live(fpir_ever5=named, fnir_ever5=(10.0, 7.0, 14.0))
    assert text.startswith(
        "With all 64 people enrolled, shipped finds the right one for 95.0 % (95 % interval"
    )
    assert f"at some moment, {judged} that were accepted" in text
    assert "10.0 % (95 % interval 7.0 to 14.0) of the visits of enrolled people" in text
    assert "too few" not in text


def test_figures_at_the_end_serve_where_those_of_all_moments_are_missing() -> None:
    text = live(fpir_realised5=(5.0, 3.0, 7.0), fnir_realised5=(10.0, 7.0, 14.0))
    assert "were named at the end, in line with" in text


def test_missing_figures_and_few_people_are_said() -> None:
    text = live(12, fpir_ever5=None, fnir_ever5=None)
    assert text.endswith(
        "no thresholds for kinect-v1, so it names nobody. 12 people are too few to conclude from."
    )
    assert live(rank1_walk=None) == "No walk was long enough to be searched."
    assert "something leaks" in live(shuffled=True)
