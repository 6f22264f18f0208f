"""Scenarios of the protocol `live`: which walks enrol, which are probes, and whose."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from stream.errors import UserError
from tests.tools.evaluation.live.synthetic_walks import RAW, roles, walk
from tools.backend_fit.training_provenance import FITTED_ON
from tools.datasets import Walk, open_dataset
from tools.evaluation.live import SCENARIOS, live_trial
from tools.training.training_data import parse_people_selection


def patho_walks(people: int = 5) -> list[Walk]:
    """Returns walks that six sensors record at the same time."""
    return [
        walk(str(6 + p), k, 50, 0.3, condition=gait, view=f"sensor{s}", sensor="kinect-v2")
        for p in range(people)
        for gait in ("normal", "antalgic")
        for k in (1, 2, 3)
        for s in range(1, 7)
    ]


@pytest.mark.slow
def test_conditions_separate_enrolments_from_probes() -> None:
    result = live_trial(patho_walks(), SCENARIOS["patho-antalgic"], [RAW], splits=2)
    for probes, _ in roles(result):
        assert probes == {each.name for each in patho_walks() if each.condition == "antalgic"}
    for probes, _ in roles(live_trial(patho_walks(), SCENARIOS["patho-normal"], [RAW], splits=2)):
        takes = {(name.split("/")[1], name.split("-")[1]) for name in probes}
        # One of three passages of each person remains, recorded by all six sensors.
        assert (len(takes), len(probes)) == (5, 30)
        assert all("/normal-" in name for name in probes)


def test_runs_with_an_arm_held_still_are_probes_only() -> None:
    walks = [
        walk(str(201 + p), k, 50, 0.3, condition=manner, sensor="kinect-v2")
        for p in range(5)
        for k, manner in enumerate(("N", "N", "AR", "AR", "AL", "AL"), start=1)
    ]
    arm = SCENARIOS["ucalgary-arm"]
    for probes, _ in roles(live_trial(walks, arm, [RAW], splits=2)):
        assert probes == {each.name for each in walks if each.condition != "N"}
    normal = SCENARIOS["ucalgary-normal"]
    drawn = roles(live_trial(walks, normal, [RAW], splits=6, enrol=1))
    assert all(len(probes) == 5 and all("/N-" in name for name in probes) for probes, _ in drawn)
    assert len({tuple(sorted(probes)) for probes, _ in drawn}) > 1
    with pytest.raises(UserError, match=r"no usable walk to test on .* enrol from fewer walks \(--enroll\)"):
        live_trial(walks, normal, [RAW], splits=1)


def test_the_people_of_scenarios_are_not_those_of_the_fit_but_for_ucalgary() -> None:
    fitted = {f"{kind}/{name}" for kind, people in FITTED_ON.items() for name in people}
    for scenario in SCENARIOS.values():
        assert scenario.people is not None
        people = {f"{scenario.data_set}/{name}" for name in parse_people_selection(scenario.people)}
        if scenario.data_set == "ucalgary":
            assert people == {f"ucalgary/{n}" for n in (*range(201, 207), 208, 209, *range(211, 215))}
            assert people < fitted
        else:
            assert not people & fitted


def test_the_people_of_the_rgb_scenarios_are_at_even_places(data_dir: Path) -> None:
    names = open_dataset("rgb", data_dir).people
    for name in ("both", "away", "towards"):
        people = SCENARIOS[f"rgb-{name}"].people
        assert people is not None
        assert parse_people_selection(people) == set(names[1::2])
    assert FITTED_ON["rgb"] == names[::2]


def test_views_separate_enrolments_from_probes() -> None:
    drawn = roles(live_trial(patho_walks(), SCENARIOS["patho-views"], [RAW], splits=5, enrol=1))
    views_of_probes = [frozenset(name.rsplit("-", 1)[1] for name in probes) for probes, _ in drawn]
    assert all(len(views) == 3 for views in views_of_probes)
    assert len(set(views_of_probes)) > 1
    assert all(len(probes) == 5 * 2 * 3 for probes, _ in drawn)
    facing = [
        walk(person, k, 50, 0.3, view=("towards", "away")[k % 2], sensor="camera")
        for person in "abcd"
        for k in range(1, 7)
    ]
    for probes, _ in roles(live_trial(facing, SCENARIOS["rgb-away"], [RAW], splits=2)):
        assert probes == {each.name for each in facing if each.view == "away"}
    # One of three walks in each direction enrols.
    both = roles(live_trial(facing, SCENARIOS["rgb-both"], [RAW], splits=4))
    for probes, _ in both:
        left = Counter((each.person, each.view) for each in facing if each.name in probes)
        assert left == Counter({(person, view): 2 for person in "abcd" for view in ("towards", "away")})
    assert len({tuple(sorted(probes)) for probes, _ in both}) > 1
