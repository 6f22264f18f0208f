"""`bench --plan`: what a site needs follows from measured costs; what was not measured is said."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from stream.errors import UserError
from tests.tools.bench.live_figures import CROWD, live_figures
from tests.tools.bench.screens import shown
from tools.bench.camera import CameraFigures, CameraRun
from tools.bench.command import bench
from tools.bench.figures_file import write_figures
from tools.bench.gallery_growth import GrowthFigures
from tools.bench.live_run import LiveRun, Percentiles
from tools.bench.machine import describe_machine
from tools.bench.plan import LOAD, check_plan, costs_of, plan_site
from tools.bench.plan_request import Site, parse_site
from tools.bench.plan_tables import plan_tables
from tools.bench.process_costs import ProcessCost
from tools.bench.request import BenchRequest
from tools.bench.spread import Spread


def a_camera(people: int, frames_per_core: float) -> CameraRun:
    rate = Spread(median=frames_per_core, low=frames_per_core, high=frames_per_core, rounds=3)
    return CameraRun(
        people=people,
        bodies=people,
        crops=people,
        decoding_ms=2.0,
        detection_ms=5.0,
        landmarks_ms=10.0 * people,
        rest_ms=3.0,
        frames_per_core=rate,
        frames_per_s=rate,
    )


CAMERA = CameraFigures(runs=(a_camera(1, 50.0), a_camera(3, 25.0)))


def a_run(people: int, drops: int = 0) -> LiveRun:
    """Costs of 0.1 + 0.01 cores for each person in the encoder, and 0.004 and 0.002 in the others."""
    cores = {
        "encoder": 0.1 + 0.01 * people,
        "matcher": 0.004 * people,
        "capture": (0.002 + CROWD) * people,
        "consumer": 0.0,
    }
    return LiveRun(
        people=people,
        sources=1,
        seconds=60.0,
        decisions=600 * people,
        drops=drops,
        dropped={},
        total=Percentiles(p50_ms=20.0, p95_ms=100.0, p99_ms=110.0),
        parts={},
        processes=tuple(
            ProcessCost(role=role, processes=1, cpu=cpu, cpu_per_person=cpu / people, memory_mb=None)
            for role, cpu in cores.items()
        ),
    )


GROWTH = tuple(
    GrowthFigures(
        people=people,
        templates=64,
        tracks=8,
        steps_us={"compare": Spread(100 + 0.5 * people, 1.0, 2.0, 3)},
        load_s=1.0,
        memory_mb=1.0,
    )
    for people in (10, 1000)
)
LIVE = live_figures(a_run(20), a_run(50), a_run(100), a_run(200, drops=5), carried=100)


def test_a_site_is_parsed() -> None:
    assert parse_site("cameras=40,people=6") == Site(cameras=40, people=6)
    assert parse_site(" kinects = 3 , precision=bf16, gallery=1000,cores=16").walking == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("people=6", "give cameras=N or kinects=N"),
        ("cameras=4,camera=1", "expected name=value with cameras, kinects"),
        ("cameras=4,cameras=5", "cameras is given twice"),
        ("cameras=many", "cameras is a whole number from 0 to 100,000, not 'many'"),
        ("cameras=4,people=0", "people is a whole number from 1 to 100"),
        ("cameras=4,precision=int8", "expected name=value"),
        ("", "expected name=value"),
    ],
)
def test_a_wrong_site_is_explained(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_site(text)


@given(kinects=st.integers(1, 500), people=st.integers(1, 10))
def test_the_plan_adds_up(kinects: int, people: int) -> None:
    site = Site(kinects=kinects, people=people)
    plan = plan_site(site, costs_of(LIVE, cores=2))
    walking = kinects * people
    cores = {row.what: row.cores for row in plan.rows}
    assert cores["encoder"] == pytest.approx(0.1 + 0.01 * walking)
    assert cores["matcher"] == pytest.approx(0.004 * walking)
    assert cores["capture"] == pytest.approx(0.002 * walking)  # without the simulation
    assert plan.cores == pytest.approx(sum(cores.values()))
    assert plan.machines - 1 < plan.cores / (2 * LOAD) <= plan.machines
    assert plan.runs >= 0.004 * walking / LOAD


def test_cameras_need_their_pictures() -> None:
    site = Site(cameras=10, people=6, fps=30)
    with pytest.raises(UserError, match="stage camera"):
        plan_site(site, costs_of(LIVE, cores=2))
    plan = plan_site(site, costs_of(LIVE, cores=2, camera=CAMERA))
    assert plan.rows[0].cores == pytest.approx(10 * 30 * (0.01 + 6 * 0.01))


def test_a_larger_gallery_costs_the_matcher_more() -> None:
    costs = costs_of(LIVE, cores=2, growth=GROWTH)
    at = {
        gallery: next(
            row.cores
            for row in plan_site(Site(kinects=10, people=5, gallery=gallery), costs).rows
            if row.what == "matcher"
        )
        for gallery in (None, 10, 100, 505, 1000)
    }
    assert at[None] == at[100] == pytest.approx(0.004 * 50)
    assert at[10] < at[100] < at[505] < at[1000]
    # 10 windows a second and person, half a microsecond for each person more
    assert at[1000] - at[100] == pytest.approx(50 * 10 * 450e-6)


def test_costs_that_were_not_measured_are_not_made_up() -> None:
    costs = costs_of(LIVE, cores=2)
    with pytest.raises(UserError, match="with 100 people enrolled, not with 5,000"):
        plan_site(Site(kinects=1, gallery=5000), costs)
    with pytest.raises(UserError, match="enrolled, and from 10 to 1,000, not with 5,000"):
        plan_site(Site(kinects=1, gallery=5000), costs_of(LIVE, cores=2, growth=GROWTH))
    with pytest.raises(UserError, match="measured in fp32, not bf16"):
        plan_site(Site(kinects=1, precision="bf16"), costs)
    with pytest.raises(UserError, match="without drops"):
        costs_of(live_figures(a_run(20, drops=1), carried=20), cores=2)


def test_the_largest_run_is_planned_from_the_smaller_ones() -> None:
    check = check_plan(LIVE, cores=2)
    assert check is not None
    assert (check.people, check.planned_from) == (100, (20, 50))
    assert check.planned == pytest.approx(check.measured)
    assert check.difference == pytest.approx(0.0)
    assert check_plan(live_figures(a_run(20), carried=20), cores=2) is None


def test_the_tables_say_machines_runs_and_the_difference() -> None:
    site = Site(cameras=40, kinects=2, people=6)
    costs = costs_of(LIVE, cores=2, camera=CAMERA)
    text = shown(plan_tables(site, plan_site(site, costs), costs, check_plan(LIVE, cores=2)))
    for part in ("40 cameras and 2 kinects", "252 together", "machines of 2 cores", "into 2 runs", "+0 %"):
        assert part in text


def test_a_plan_is_made_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "speed.json"
    write_figures(path, msgspec.to_builtins({"machine": describe_machine(), "live": LIVE, "camera": CAMERA}))
    screen = StringIO()
    request = BenchRequest(plan="cameras=2,people=3", costs=path)
    bench(request, Console(file=screen, width=80), Console(quiet=True))
    assert "Plan: 2 cameras, 3 people before each" in screen.getvalue()
    with pytest.raises(UserError, match="no figures of the live system in bf16"):
        bench(replace(request, plan="kinects=1,precision=bf16"), Console(quiet=True), Console(quiet=True))
