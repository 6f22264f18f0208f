"""Draws and figures of the trial that leaves sites out of the fit."""

from __future__ import annotations

import numpy as np
import pytest

from encoder.pose import POSE_WIDTH
from tools.backend_fit.offline_pipeline import WalkCages
from tools.trials.left_out_sites import Scores, SiteWalk, Task, draw, figures_of


def walks(people: int, views: tuple[str, ...], count: int) -> list[SiteWalk]:
    cages = np.zeros((1, 6, POSE_WIDTH), np.float32)
    return [
        SiteWalk(WalkCages(person, f"{view}-{n}", "kinect-v2", (), cages), "normal" if n else "slow", view)
        for person in range(people)
        for view in views
        for n in range(count)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_a_probe_is_never_an_enrolled_walk(seed: int) -> None:
    recorded = walks(4, ("left", "right"), 5)
    normal = Task("", lambda walk: walk.condition == "normal", lambda _: True, walks=2)
    enrolled, probes = draw(recorded, normal, seed)
    assert not set(enrolled) & set(probes)
    assert sorted([*enrolled, *probes]) == list(range(len(recorded)))
    assert [recorded[n].cages.person for n in enrolled] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert {recorded[n].condition for n in enrolled} == {"normal"}


def test_one_walk_of_every_view_enrols() -> None:
    recorded = walks(3, ("left", "right"), 4)
    enrolled, _ = draw(recorded, Task("", lambda _: True, lambda _: True, of_every_view=True), 1)
    found = [(recorded[n].cages.person, recorded[n].view) for n in enrolled]
    assert sorted(found) == [(person, view) for person in range(3) for view in ("left", "right")]


@pytest.mark.parametrize("seed", range(5))
def test_a_probe_is_never_of_a_passage_that_enrols(seed: int) -> None:
    """A passage before several sensors is one: the same steps, seen from several places."""
    cages = np.zeros((1, 6, POSE_WIDTH), np.float32)
    recorded = [
        SiteWalk(WalkCages(person, f"normal-{take}-{view}", "kinect-v2", (), cages), "normal", view)
        for person in range(2)
        for take in range(4)
        for view in ("left", "right")
    ]
    enrolled, probes = draw(recorded, Task("", lambda _: True, lambda _: True, of_every_view=True), seed)
    seen = {(person, take) for person, take, _ in map(_person_take_view, (recorded[n] for n in enrolled))}
    probing = {(person, take) for person, take, _ in map(_person_take_view, (recorded[n] for n in probes))}
    assert probing
    assert not seen & probing
    assert seen | probing == {(person, take) for person in range(2) for take in "0123"}


def _person_take_view(walk: SiteWalk) -> tuple[int, str, str]:
    _, take, view = walk.cages.walk.split("-")
    return walk.cages.person, take, view


def test_figures_are_the_share_named_right_and_the_equal_error_rate() -> None:
    right = Scores(np.array([[2.0, 0.0, 0.0], [0.0, 2.0, 1.0]]), np.array([0, 1]))
    wrong = Scores(np.array([[3.0, 0.0, -1.0]]), np.array([2]))
    found = figures_of([right])
    assert [None if each is None else each[0] for each in found.values()] == [1.0, 0.0]
    share, error_rate = figures_of([right, wrong]).values()
    assert share is not None
    assert error_rate is not None
    assert share[0] == pytest.approx(2 / 3)
    # At the threshold 2: one genuine score of three is below it, one impostor score of six is not.
    assert error_rate[0] == pytest.approx((1 / 3 + 1 / 6) / 2)
