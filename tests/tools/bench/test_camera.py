"""The stage `camera`: its figures are complete and agree with each other."""

from __future__ import annotations

import pytest

from tests.tools.bench.screens import shown
from tools.bench.camera import CameraFigures, CameraRun, camera_table, measure_camera
from tools.bench.spread import spread_of


@pytest.mark.slow
def test_every_number_of_people_has_bodies_and_costs() -> None:
    said: list[str] = []
    figures = measure_camera(0.0, said.append, people=(1, 3), pictures=10)
    assert said and [run.people for run in figures.runs] == [1, 3]
    for run in figures.runs:
        assert run.bodies == run.people <= run.crops < run.people + 0.5
        assert min(run.decoding_ms, run.detection_ms, run.landmarks_ms) > 0 <= run.rest_ms
        assert run.frames_per_core.rounds == run.frames_per_s.rounds == 3
        assert min(run.frames_per_core.low, run.frames_per_s.low) > 0


def test_the_table_shows_the_parts_and_the_rates() -> None:
    runs = tuple(
        CameraRun(
            people=people,
            bodies=people,
            crops=people + 0.5,
            decoding_ms=2.2,
            detection_ms=5.3,
            landmarks_ms=14.0 * people,
            rest_ms=1.6,
            frames_per_core=spread_of([21.0, 20.0, 22.0]),
            frames_per_s=spread_of([31.0]),
        )
        for people in (1, 3, 6)
    )
    text = shown([camera_table(CameraFigures(runs=runs))])
    for expected in ("decoding", "2.2", "5.3", "42.0", "84.0", "1.6", "6.5", "21 (20-22)", "31 (31-31)"):
        assert expected in text
