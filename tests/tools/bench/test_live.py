"""The stage `live`: the search, the crowd, the figures of real runs, and the gallery of simulated people."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.store.gallery import open_gallery
from stream.sources import open_source
from stream.sources.simulated import parse_simulated
from stream.sources.source_registry import parse_spec
from tests.tools.bench.live_figures import live_figures
from tests.tools.bench.screens import shown
from tools.bench.live import Flatness, measure_live, most_people
from tools.bench.live_run import LiveRun, Minute, Percentiles, crowd_cpu, crowd_sources
from tools.bench.live_tables import live_tables
from tools.bench.process_costs import ProcessCost
from tools.bench.simulated_gallery import make_gallery


@given(carried=st.integers(0, 1000))
def test_the_search_ends_at_a_confirmed_number_near_the_most(carried: int) -> None:
    confirmed: list[int] = []

    def confirm(count: int) -> bool:
        confirmed.append(count)
        return count <= carried

    found = most_people(lambda count: count <= carried, confirm)
    assert found <= carried
    assert found >= 0.9 * carried - 1
    assert not found or confirmed[-1] == found


@given(carried=st.integers(1, 1000), lower=st.integers(1, 1000))
def test_what_is_carried_only_for_a_short_time_is_not_the_result(carried: int, lower: int) -> None:
    confirmed: list[int] = []

    def confirm(count: int) -> bool:
        confirmed.append(count)
        return count <= lower

    found = most_people(lambda count: count <= carried, confirm)
    assert found <= lower
    assert found in {0, confirmed[-1]}
    assert len(confirmed) <= 4
    assert confirmed == sorted(set(confirmed), reverse=True)


@given(people=st.integers(1, 300))
def test_the_sources_show_every_person_once(people: int) -> None:
    numbers = [
        number
        for source in crowd_sources(people)
        for number in parse_simulated(parse_spec(source).options).people
    ]
    assert sorted(numbers) == list(range(1, people + 1))


def test_the_sources_can_be_opened() -> None:
    for source in crowd_sources(30):
        opened = open_source(source)
        assert opened.info.live
        opened.close()


def test_simulating_more_people_costs_more() -> None:
    assert 0 < crowd_cpu(1) < crowd_cpu(100)


@pytest.mark.slow
def test_the_gallery_has_the_walkers_with_walks(tmp_path: Path) -> None:
    path = tmp_path / "gallery.db"
    make_gallery(path, people=3)
    with open_gallery(str(path), create=False) as gallery:
        people = gallery.people()
    assert [person.name for person in people] == ["walker 1", "walker 2", "walker 3"]
    for person in people:
        (walk,) = person.enrolments
        assert walk.sensor == "simulated"
        assert 3 < walk.seconds <= 5
        assert walk.windows > 25


@pytest.mark.slow
def test_a_run_has_all_figures() -> None:
    lines: list[str] = []
    figures = measure_live(lines.append, people=(2, 1), seconds=2.0, enrolled=2)
    assert [line for line in lines if "live: 1 people" in line]
    assert msgspec.to_builtins(figures).keys() >= {"people", "drops", "p50_ms", "p95_ms", "p99_ms"}
    assert [run.people for run in figures.runs] == [2, 1]
    assert figures.people in {1, 2}
    for run in figures.runs:
        assert run.decisions > 5 * run.people
        assert run.drops + run.late_frames == sum(run.dropped.values())
        assert 0 < run.total.p50_ms <= run.total.p95_ms <= run.total.p99_ms
        assert {cost.role for cost in run.processes} == {"capture", "encoder", "matcher", "consumer"}
        for cost in run.processes:
            assert cost.processes == 1
            assert cost.cpu_per_person == pytest.approx(cost.cpu / run.people)
            assert cost.memory_mb is None or cost.memory_mb > 10
        assert sum(cost.cpu for cost in run.processes) > 0
        assert 0 < run.cpu_per_person < sum(cost.cpu_per_person for cost in run.processes)
    assert figures.cpu_per_person == figures.chosen.cpu_per_person
    if sys.platform == "linux":
        assert figures.memory_mb_per_person is not None


def a_run(people: int, p95_ms: float = 100.0, drops: int = 0, minutes: tuple[Minute, ...] = ()) -> LiveRun:
    return LiveRun(
        people=people,
        sources=1,
        seconds=60.0,
        decisions=600 * people,
        drops=drops,
        dropped={"windows_dropped": drops},
        total=Percentiles(p50_ms=20.0, p95_ms=p95_ms, p99_ms=p95_ms),
        parts={"encode": Percentiles(p50_ms=10.0, p95_ms=11.0, p99_ms=12.0)},
        processes=(ProcessCost(role="encoder", processes=1, cpu=0.5, cpu_per_person=0.01, memory_mb=300.0),),
        minutes=minutes,
    )


def test_all_tables_fit_80_columns() -> None:
    minutes = tuple(
        Minute(minute=number, cpu_per_person=0.01, memory_mb=500.0, p95_ms=99.0, drops=0)
        for number in range(1, 4)
    )
    runs = a_run(200, minutes=minutes), a_run(400, 900.0, 123456)
    figures = msgspec.structs.replace(
        live_figures(*runs, carried=200), memory_mb_per_person=0.5, flatness=Flatness(cpu=1.5, memory_mb=-2.0)
    )
    text = " ".join(shown(live_tables(figures)).split())
    for part in (
        "123,456",
        "encode",
        "by the minute",
        "carried",
        "by 0.50 MB per person",
        "last third",
        "1.50 times",
    ):
        assert part in text
