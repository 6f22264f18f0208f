"""The stage `capture`: its figures are complete and agree with each other."""

from __future__ import annotations

import pytest

from tests.tools.bench.screens import shown
from tools.bench.capture import CaptureFigures, CaptureRun, capture_table, measure_capture
from tools.bench.capture_rounds import STEPS
from tools.bench.cpu_shares import OTHER, can_sample, sample_modules
from tools.bench.spread import spread_of


@pytest.mark.slow
def test_every_number_of_people_has_a_cost_and_its_parts() -> None:
    said: list[str] = []
    figures = measure_capture(0.0, said.append, people=(1, 3), round_s=8.0)
    assert said and [run.people for run in figures.runs] == [1, 3]
    for run in figures.runs:
        assert run.total.rounds == run.simulation.rounds == run.recording.rounds == 3
        assert run.total.low > 0
        assert min(run.simulation.low, run.recording.low) >= 0  # too short for the clock
        assert run.people_per_core == pytest.approx(1e6 / (30 * run.total.median))
        if can_sample():
            mean_at_most = run.total.high
            assert 0 < sum(run.steps.values()) <= mean_at_most + 1e-6


@pytest.mark.skipif(not can_sample(), reason="this system has no timer of processor time")
def test_samples_count_for_the_innermost_module_that_is_asked_for() -> None:
    with sample_modules({__name__: "here"}) as samples:
        while samples.total() < 3:
            sum(range(1000))
    assert samples["here"] >= 3
    with sample_modules({}) as samples:
        while samples.total() < 3:
            sum(range(1000))
    assert set(samples) == {OTHER}


def test_the_table_shows_steps_and_the_limit() -> None:
    spread = spread_of([20.0, 40.0, 30.0])
    runs = tuple(
        CaptureRun(
            people=people,
            total=spread,
            steps=dict.fromkeys(STEPS, 1.25),
            simulation=spread_of([7.0]),
            recording=spread_of([41.0]),
            people_per_core=1111.0,
        )
        for people in (1, 10, 50)
    )
    text = shown([capture_table(CaptureFigures(fps=30, runs=runs))])
    for expected in (*STEPS, "30 (20-40)", "1,111", "41", "1.2"):
        assert expected in text
