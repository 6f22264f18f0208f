"""The stage `matcher`: cost as the gallery grows, and of an enrolment, in tiny settings."""

from __future__ import annotations

from io import StringIO

import msgspec
import numpy as np
import pytest
from rich.console import Console
from rich.table import Table

from tools.bench.augmented_people import TEMPLATES, base_walks, many_people
from tools.bench.enrolment_time import RELATIVE_SENSOR, EnrolmentFigures, enrolment_table, measure_enrolment
from tools.bench.enrolment_time import STEPS as ENROLMENT_STEPS
from tools.bench.gallery_growth import STEPS, GrowthFigures, growth_table, measure_growth
from tools.bench.spread import spread_of


def written(table: Table) -> str:
    text = StringIO()
    Console(file=text, width=80).print(table)
    return text.getvalue()


@pytest.mark.slow
def test_each_size_has_the_cost_of_every_step() -> None:
    lines: list[str] = []
    figures = measure_growth(lines.append, sizes=(2, 9), rounds=1)
    assert [each.people for each in figures] == [2, 9]
    assert len(lines) == 2
    for each in figures:
        assert set(each.steps_us) == set(STEPS)
        assert all(step.median > 0 and step.rounds == 1 for step in each.steps_us.values())
        assert each.window_us == pytest.approx(sum(step.median for step in each.steps_us.values()))
        assert each.load_s > 0
    assert figures[1].memory_mb == pytest.approx(4.5 * figures[0].memory_mb)


@pytest.mark.slow
@pytest.mark.parametrize("sensor", ["", RELATIVE_SENSOR])
def test_an_enrolled_person_is_known_after_all_steps(sensor: str) -> None:
    figures = measure_enrolment(lambda line: None, people=3, enrolments=2, sensor=sensor)
    assert figures.sensor == sensor and figures.relative == bool(sensor)
    assert set(figures.steps_s) == set(ENROLMENT_STEPS)
    assert figures.all_s.rounds == 2
    assert figures.all_s.low >= max(step.low for step in figures.steps_s.values()) > 0
    assert figures.fresh_s > 0


@pytest.mark.slow
def test_many_people_are_all_different_and_the_same_for_the_same_seed() -> None:
    contract, walks = base_walks(1)
    first, again = ([each.templates for each in many_people(contract, walks, 20)] for _ in range(2))
    assert all(each.shape == (TEMPLATES, *walks[0].cages.shape[1:]) for each in first)
    assert len({each.tobytes() for each in first}) == 20
    np.testing.assert_array_equal(np.stack(first), np.stack(again))


def test_the_tables_show_all_figures() -> None:
    steps = {step: spread_of([float(n + 1)]) for n, step in enumerate(STEPS)}
    growth = GrowthFigures(people=1234, templates=16, tracks=8, steps_us=steps, load_s=0.5, memory_mb=77.0)
    text = written(growth_table([growth]))
    for expected in ("1,234", "describe us", "6", "0.50", "77", "16 templates each"):
        assert expected in text
    parts = {step: spread_of([0.1, 0.3]) for step in ENROLMENT_STEPS}
    enrolment = EnrolmentFigures(people=1000, steps_s=parts, all_s=spread_of([0.4, 1.2]), fresh_s=9.5)
    text = written(enrolment_table(enrolment))
    assert "relative" not in text
    for expected in ("1,000 people", *ENROLMENT_STEPS, "0.4-1.2", "9.50 s"):
        assert expected in text
    at_site = msgspec.structs.replace(enrolment, sensor="kinect-v2", relative=True)
    assert "of kinect-v2, scores relative to the site" in " ".join(written(enrolment_table(at_site)).split())
