"""Several encoder processes: the lines are those of one; one that dies or hangs affects its tracks alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from stream import Live, Notice
from stream.bus.encoder_choice import rendezvous
from stream.bus.messages import Verdict
from stream.decision import Decision
from stream.errors import UserError
from stream.system.settings import Settings
from stream.visits.events import Left, VisitEvent
from tests.e2e.program import record

pytestmark = pytest.mark.usefixtures("runtime_dir")

VARYING = ("id", "time", "latency_ms")
TRACKS = {encoder: [t for t in range(1, 5) if rendezvous(0, t, 2) == encoder] for encoder in range(2)}
"""The first tracks of a source, by encoder; the tests need some of each."""


@pytest.fixture(scope="module")
def four_people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = "walkers:n=4,seed=11,seconds=8,live=0"
    return record(spec, tmp_path_factory.mktemp("walk") / "walk.mcap")


def line(decision: Decision) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(decision)
    return {name: value for name, value in fields.items() if name not in VARYING}


def replay(recording: Path, gallery: Path, encoders: int) -> list[dict[str, Any]]:
    with Live([str(recording)], str(gallery), fpir=None, speed=0, encoders=encoders) as live:
        return [line(decision) for decision in live]


def process_of(live: Live, label: str) -> psutil.Process:
    process = live.supervisor.find(label).process
    assert process is not None
    return psutil.Process(process.pid)


@pytest.fixture(scope="module")
def lines_of_one(four_people: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The lines with one encoder."""
    folder = tmp_path_factory.mktemp("one")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SGE_RUNTIME_DIR", str(folder / "run"))
        return replay(four_people, folder / "g.db", 1)


@pytest.mark.e2e
def test_a_replay_gives_the_same_lines_with_two_encoders(
    four_people: Path, lines_of_one: list[dict[str, Any]], tmp_path: Path
) -> None:
    assert TRACKS[0] and TRACKS[1]
    assert replay(four_people, tmp_path / "g.db", 2) == lines_of_one
    assert {each["track"] for each in lines_of_one if each["final"]} == {1, 2, 3, 4}


@pytest.mark.e2e
def test_one_of_two_encoders_that_is_killed_loses_no_window_of_a_file(
    four_people: Path, lines_of_one: list[dict[str, Any]], tmp_path: Path
) -> None:
    notices: list[Notice] = []
    with Live(
        [str(four_people)], str(tmp_path / "g.db"), fpir=None, encoders=2, on_notice=notices.append
    ) as live:
        decisions = iter(live)
        lines = [line(next(decisions)) for _ in range(len(lines_of_one) // 4)]
        process_of(live, "encoder 2").kill()
        lines += [line(decision) for decision in decisions]
        assert [live.supervisor.find(f"encoder {n}").restarts for n in (1, 2)] == [0, 1]
    assert lines == lines_of_one
    about = [(told.kind, told.process) for told in notices]
    assert about == [("restarting", "encoder 2"), ("restarted", "encoder 2")]
    assert "the encoder 2 process" in notices[0].text


@pytest.mark.e2e
def test_while_one_of_two_encoders_hangs_the_tracks_of_the_other_are_decided_on(tmp_path: Path) -> None:
    notices: list[Notice] = []
    source = "walkers:n=4,seed=11"
    with Live([source], str(tmp_path / "g.db"), fpir=None, encoders=2, on_notice=notices.append) as live:
        timed = (verdict.decision for verdict in live.verdicts() if verdict.times is not None)
        seen = {next(timed).track for _ in range(10)}
        while not all(seen.intersection(TRACKS[encoder]) for encoder in range(2)):
            seen.add(next(timed).track)
        process_of(live, "encoder 1").suspend()
        while not any(told.kind == "hanging" for told in notices):
            next(timed)
        assert [told.process for told in notices if told.kind == "hanging"] == ["encoder 1"]
        assert live.supervisor.find("encoder 1").state == "down, hanging"
        during = {rendezvous(0, next(timed).track, 2) for _ in range(20)}
        assert during == {1}, "the other encoder's windows arrive"
        process_of(live, "encoder 1").resume()
        while rendezvous(0, next(timed).track, 2) == 1:
            pass
        live.stop()
        finals = [decision for decision in live if decision.final]
        assert any(each.lost_windows for each in finals if rendezvous(0, each.track, 2) == 0)
    assert not any(told.kind == "restarting" for told in notices)


def read_until(
    results: Iterator[Verdict | VisitEvent], done: Callable[[], bool], events: list[VisitEvent]
) -> None:
    while not done():
        result = next(results)
        if not isinstance(result, Verdict):
            events.append(result)


@pytest.mark.e2e
def test_visits_go_on_while_one_of_two_encoders_hangs(tmp_path: Path) -> None:
    notices: list[Notice] = []
    events: list[VisitEvent] = []
    source = "walkers:n=4,seed=11"
    with Live([source], str(tmp_path / "g.db"), fpir=None, encoders=2, on_notice=notices.append) as live:
        results = live.results()
        read_until(results, lambda: len({each.visit for each in events}) == 4, events)
        process_of(live, "encoder 1").suspend()
        read_until(results, lambda: any(told.kind == "hanging" for told in notices), events)
        process_of(live, "encoder 1").resume()
        assert not [each for each in events if isinstance(each, Left)], "all are in view"
        live.stop()
        events += [each for each in results if not isinstance(each, Verdict)]
    assert len({each.visit for each in events}) == 4


@pytest.mark.parametrize("encoders", [0, -1, 65])
def test_a_number_of_encoders_out_of_range_is_refused(encoders: int) -> None:
    with pytest.raises(UserError, match="--encoders: expected 1 to 64 processes"):
        Live(["walkers:n=1"], encoders=encoders)
    with pytest.raises(UserError, match="--encoders: expected 1 to 64 processes"):
        Settings().override(encoders=encoders)
