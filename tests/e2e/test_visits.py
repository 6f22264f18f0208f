"""Events of visits from the real processes: on standard output, in Python and for observers."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from stream.body import BodyFrame, SourceInfo
from stream.recording import RecordingWriter
from stream.system.run_folder import running
from tests.e2e.enrolled import enrol_recordings
from tests.e2e.program import Program, read_frames, record_two

VARYING = ("id", "visit", "time", "arrived", "left")
"""Fields that differ between two replays of a recording."""


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return record_two(tmp_path_factory.mktemp("walks"), seconds=8)


@pytest.fixture(scope="module")
def gallery(walks: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery that holds Ada."""
    gallery = tmp_path_factory.mktemp("gallery") / "g.db"
    enrol_recordings(gallery, "Ada", walks["ada"])
    return gallery


@pytest.fixture
def program(gallery: Path, tmp_path_factory: pytest.TempPathFactory) -> Program:
    return Program(gallery, tmp_path_factory.mktemp("run"))


def replay(program: Program, recording: Path, events: str) -> list[dict[str, Any]]:
    done = program.run("--source", str(recording), "--speed", "0", "--json", "--events", events)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def events(
    gallery: Path, walks: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    """The events of a replay of both people."""
    return replay(Program(gallery, tmp_path_factory.mktemp("run")), walks["both"], "visits")


def test_a_replay_tells_of_one_visit_for_each_person(
    events: list[dict[str, Any]], walks: dict[str, Path]
) -> None:
    visits = {
        event["visit"]: [each for each in events if each["visit"] == event["visit"]] for event in events
    }
    ends = [told[-1] for told in visits.values()]
    assert sorted((end["outcome"], end["person"]) for end in ends if end["person"]) == [("person", "Ada")]
    assert [end["outcome"] for end in ends if not end["person"]] == ["unknown"]
    for told in visits.values():
        named = [["arrived", "identified", "left"], ["arrived", "left"]]
        assert [each["event"] for each in told] == named[told[-1]["person"] is None]
        assert {each["source"] for each in told} == {str(walks["both"])}
    assert len({event["id"] for event in events}) == len(events)


def without_varying(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in event.items() if key not in VARYING} for event in events]


def test_all_lines_are_decisions_and_events_in_order_and_two_replays_tell_the_same(
    program: Program, events: list[dict[str, Any]], walks: dict[str, Path]
) -> None:
    lines = replay(program, walks["both"], "all")
    assert without_varying([line for line in lines if "event" in line]) == without_varying(events)
    assert len([line for line in lines if "event" not in line and line["final"]]) == 2
    first = next(n for n, line in enumerate(lines) if line.get("event") == "identified")
    assert any(line.get("person") == "Ada" for line in lines[:first]), "the decision comes before the event"


def test_a_wrong_choice_of_lines_is_refused(program: Program, walks: dict[str, Path]) -> None:
    done = program.run("--source", str(walks["both"]), "--json", "--events", "visit")
    assert done.returncode == 2
    assert "--events: expected decisions, visits or all, got visit" in done.stderr


def test_ctrl_c_ends_open_visits(program: Program) -> None:
    with program.start("--source", "walkers:n=1,seed=11,walk=2", "--json", "--events", "visits") as system:
        lines = [system.line()]
        assert lines[0]["event"] == "arrived"
        system.process.send_signal(signal.SIGINT)
        lines += system.rest()
    assert lines[-1]["event"] == "left"
    assert lines[-1]["visit"] == lines[0]["visit"]


def test_visits_that_a_killed_matcher_followed_are_ended_and_begin_anew(program: Program) -> None:
    with program.start("--source", "walkers:n=2,seed=11,walk=2", "--json", "--events", "visits") as system:
        first = [system.line()]
        while not any(line["event"] == "identified" for line in first):
            first.append(system.line())
        before = {line["visit"] for line in first}
        system.child("matcher").kill()
        later: list[dict[str, Any]] = []
        while sum(line["event"] == "arrived" and line["visit"] not in before for line in later) < len(before):
            later.append(system.line())
    interrupted = [line for line in later if line["event"] == "left" and line["interrupted"]]
    assert {line["visit"] for line in interrupted} == before
    assert "Ada" in {line["person"] for line in interrupted}
    assert {line["reason_code"] for line in interrupted} == {"interrupted"}
    assert later.index(interrupted[-1]) < next(
        n for n, line in enumerate(later) if line["event"] == "arrived" and line["visit"] not in before
    )


def test_an_observer_sees_the_events(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from stream import observe_events

    monkeypatch.setenv("SGE_RUNTIME_DIR", str(program.runtime))
    source = "walkers:n=1,seed=11,walk=2"
    with program.start("--source", source, "--json", "--events", "all") as system:
        system.line()
        (run,) = running()
        observed = next(iter(observe_events(run, timeout=20)))
        while system.line()["id"] != observed.id:
            pass


def test_events_and_presence_in_python(gallery: Path, walks: dict[str, Path], runtime_dir: Path) -> None:
    from stream import Identified, Left, Live

    present: list[str | None] = []
    with Live([str(walks["both"])], gallery=str(gallery), speed=0) as live:
        for event in live.events():
            if isinstance(event, Identified):
                present = [each.person for each in live.presence()]
            last = event
        assert live.presence() == ()
    assert "Ada" in present
    assert isinstance(last, Left)


def test_who_walks_out_of_view_has_left_while_the_source_goes_on(
    program: Program, walks: dict[str, Path], tmp_path: Path
) -> None:
    frames = list(read_frames(walks["ada"]))
    path = tmp_path / "empty.mcap"
    info = SourceInfo("door", "simulated", "kinect-v1", live=False, finite=True)
    with RecordingWriter(path, info) as writer:
        for frame in frames:
            writer.write(frame)
        for n in range(1, 150):
            writer.write(BodyFrame(frames[-1].time_ns + n * 33_000_000, ()))
    last = replay(program, path, "visits")[-1]
    assert (last["event"], last["person"]) == ("left", "Ada")
    seen_for = frames[-1].time_ns / 1e9
    assert seen_for <= last["t"] <= seen_for + 3, "told within 3 s, and not only at the end of the source"
    assert last["duration_s"] <= seen_for
