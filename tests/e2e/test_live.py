"""The real processes end to end, from recordings to JSON lines."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from stream.capture.levelling import Levelling
from stream.capture.tracking import Tracker
from stream.errors import EndOfSource
from stream.skeleton import get_layout
from stream.sources import open_source
from stream.system.run_folder import running
from tests.e2e.enrolled import enrol_recordings
from tests.e2e.program import Program, read_frames, record_two

FIELDS = [
    "id",
    "source",
    "track",
    "t",
    "time",
    "state",
    "person",
    "candidate",
    "score",
    "threshold",
    "margin",
    "reason",
    "latency_ms",
    "final",
    "lost_windows",
    "calibration",
    "provisional",
    "reason_code",
    "runner_up",
    "runner_up_score",
    "confidence",
]
VARYING = ("id", "time", "latency_ms")
"""Fields that differ between two replays of a recording."""


def without_varying(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in line.items() if key not in VARYING} for line in lines]


def expected_windows(recording: Path) -> list[tuple[int, float]]:
    """Returns (track, end time) of every window of the recording, cut in this process."""
    tracker = Tracker(get_layout("kinect-v1"), levelling=Levelling())
    updates = [tracker.push(frame) for frame in read_frames(recording)]
    return [
        (track, round(window.end_ns / 1e9, 4))
        for update in [*updates, tracker.end()]
        for track, window in update.windows
    ]


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Recordings of two simulated people: each alone on a first walk, both together on a second."""
    return record_two(tmp_path_factory.mktemp("walks"), seconds=8)


@pytest.fixture(scope="module")
def gallery(walks: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery that holds Ada, enrolled through the command line, and Ben."""
    folder = tmp_path_factory.mktemp("gallery")
    program = Program(folder / "g.db", folder / "run")
    done = program.run("enroll", "Ada", "--source", str(walks["ada"]), "--speed", "0", "--yes")
    assert done.returncode == 0, done.stderr
    assert "Ada is enrolled: 1 walk" in done.stdout
    assert "quality" in done.stderr
    enrol_recordings(folder / "g.db", "Ben", walks["ben"])
    return folder / "g.db"


@pytest.fixture
def program(gallery: Path, tmp_path_factory: pytest.TempPathFactory) -> Program:
    # Not `tmp_path`, which contains the test name: paths of ipc sockets must be short.
    return Program(gallery, tmp_path_factory.mktemp("run"))


def replay(
    program: Program, *recordings: Path, more: tuple[str, ...] = ("--fpir", "off")
) -> list[dict[str, Any]]:
    sources = [word for path in recordings for word in ("--source", str(path))]
    done = program.run(*sources, "--speed", "0", "--json", *more)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def lines(
    gallery: Path, walks: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    """The lines of a replay of both people."""
    return replay(Program(gallery, tmp_path_factory.mktemp("run")), walks["both"])


def test_a_replay_names_enrolled_people_and_loses_no_window(
    lines: list[dict[str, Any]], walks: dict[str, Path]
) -> None:
    assert [list(line) for line in lines] == [FIELDS] * len(lines)
    decided = [(line["track"], line["t"]) for line in lines if line["latency_ms"] is not None]
    assert decided == expected_windows(walks["both"])
    finals = {line["track"]: line for line in lines if line["final"]}
    assert {track: line["candidate"] for track, line in finals.items()} == {1: "Ada", 2: "Ben"}
    assert len([line for line in lines if line["final"]]) == 2
    for line in lines:
        assert (line["person"] is not None) == (line["state"] == "person")
        assert line["source"] == str(walks["both"])
    assert lines[0]["state"] == "collecting"
    assert len({line["id"] for line in lines}) == len(lines)


def test_two_replays_give_the_same_lines(
    program: Program, lines: list[dict[str, Any]], walks: dict[str, Path]
) -> None:
    assert without_varying(replay(program, walks["both"])) == without_varying(lines)


def test_several_files_at_once_give_the_same_decisions_as_each_alone(
    program: Program, lines: list[dict[str, Any]], walks: dict[str, Path]
) -> None:
    together = replay(program, walks["ada"], walks["both"], walks["ben"])
    for path in walks.values():
        mine = [line for line in together if line["source"] == str(path)]
        assert len([line for line in mine if line["latency_ms"] is not None]) == len(expected_windows(path))
    assert len({line["track"] for line in together}) == 4
    both = [line for line in together if line["source"] == str(walks["both"])]
    keys = ("t", "state", "candidate", "score", "margin", "final")
    assert [[line[k] for k in keys] for line in both] == [[line[k] for k in keys] for line in lines]


def test_tcp_with_keys_gives_the_same_lines_as_ipc(
    program: Program, lines: list[dict[str, Any]], walks: dict[str, Path]
) -> None:
    program.environment["SGE_TRANSPORT"] = "tcp"
    assert without_varying(replay(program, walks["both"])) == without_varying(lines)


def test_a_killed_encoder_is_restarted_and_no_line_is_lost(
    program: Program, lines: list[dict[str, Any]], walks: dict[str, Path]
) -> None:
    with program.start("--source", str(walks["both"]), "--speed", "1", "--fpir", "off", "--json") as system:
        told = [system.line()]
        encoder = system.child("encoder")
        encoder.kill()
        told += system.rest()
        assert system.wait() == 0, system.errors()
    assert without_varying(told) == without_varying(lines)


@pytest.mark.parametrize("role", ["capture", "matcher"])
def test_a_replay_fails_with_a_message_if_a_worker_dies(
    program: Program, walks: dict[str, Path], role: str
) -> None:
    with program.start("--source", str(walks["both"]), "--speed", "1", "--json") as system:
        system.line()
        system.child(role).kill()
        system.rest()
        assert system.wait() == 1
        assert "process stopped unexpectedly" in system.errors()
        assert "Traceback" not in system.errors()


def test_a_live_source_continues_after_any_worker_died(program: Program) -> None:
    with program.start("--source", "walkers:n=2,seed=11,walk=2", "--fpir", "off", "--json") as system:
        for role in ("capture", "encoder", "matcher"):
            system.line()
            victim = system.child(role)
            victim.kill()
            victim.wait(20)
            before = system.line()["time"]
            while system.child(role, wait=True).pid == victim.pid or system.line()["time"] <= before:
                pass
            lines = [system.line() for _ in range(40)]
            assert any(line["candidate"] for line in lines)


def test_a_live_source_that_ends_while_the_encoder_is_dead_gives_its_final_line(
    program: Program,
) -> None:
    with program.start("--source", "walkers:n=1,seed=11,seconds=5", "--fpir", "off", "--json") as system:
        lines = [system.line()]
        while lines[-1]["t"] < 4.4:
            lines.append(system.line())
        # On a busy machine the last windows may be dropped, and this is already the final line.
        if not lines[-1]["final"]:
            system.child("encoder").kill()
            lines += system.rest()
        assert lines[-1]["final"]
        assert system.wait() == 0, system.errors()


def test_windows_that_an_overloaded_live_source_lost_are_counted_for_each_track(program: Program) -> None:
    spec = "walkers:n=2,seed=11,seconds=6"
    whole = program.run("--source", f"{spec},live=0", "--speed", "0", "--fpir", "off", "--json")
    overloaded = program.run("--source", f"{spec},live=1", "--speed", "0", "--fpir", "off", "--json")
    counts = []
    for done in (whole, overloaded):
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        lost = {line["track"]: line["lost_windows"] for line in lines if line["final"]}
        compared = Counter(line["track"] for line in lines if line["latency_ms"] is not None)
        counts.append((lost, {track: compared[track] + lost[track] for track in lost}))
        finals = [line for line in lines if line["final"]]
        assert all(("lost" in line["reason"]) == (line["lost_windows"] > 0) for line in finals)
    (no_loss, cut), (_, accounted) = counts
    assert set(no_loss.values()) == {0}, "a file loses nothing"
    assert accounted == cut


def test_windows_that_died_with_the_encoder_are_in_the_final_line(program: Program) -> None:
    with program.start("--source", "walkers:n=1,seed=11,seconds=12", "--fpir", "off", "--json") as system:
        lines = [system.line()]
        while lines[-1]["t"] < 3:
            lines.append(system.line())
        system.child("encoder").kill()
        lines += system.rest()
        assert system.wait() == 0, system.errors()
    final = lines[-1]
    assert final["final"]
    assert final["lost_windows"] > 0
    assert f"{final['lost_windows']} window" in final["reason"]


def test_a_worker_that_crashes_is_restarted_with_a_new_track_number(program: Program) -> None:
    with program.start("--source", "walkers:n=1,seed=11", "--fpir", "off", "--json") as system:
        first = system.line()
        # Exit status 1 without output, as after most crashes and kills on Windows.
        system.child("capture").terminate()
        lines = [first]
        while lines[-1]["track"] == 1:
            lines.append(system.line())
        finals = [line for line in lines if line["final"]]
        assert [line["track"] for line in finals] == [1]
        assert lines[-1]["track"] == 2


def test_a_track_number_is_not_used_again_after_a_worker_dies_before_its_first_heartbeat(
    program: Program,
) -> None:
    with program.start("--source", "walkers:n=1,seed=11", "--fpir", "off", "--json") as system:
        first = system.line()["track"]
        for _ in range(2):
            worker = system.child("capture")
            worker.kill()
            worker.wait(20)
            system.wait_until(lambda: any("capture" in child.cmdline() for child in system.children()))
        while not (line := system.line())["final"]:
            pass
        assert line["track"] == first
        assert system.line()["track"] > first


def test_names_and_paths_with_brackets(program: Program, walks: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "[").mkdir()  # paths with "[/b]", which rich would take for markup
    own = Program(tmp_path / "[" / "b].db", program.runtime)
    walk = tmp_path / "[" / "red].mcap"
    walk.write_bytes(walks["ada"].read_bytes())
    name = "Ada [/b]"
    done = own.run("enroll", name, "--source", str(walk), "--speed", "0", "--yes")
    assert done.returncode == 0, done.stderr
    assert f"{name} is enrolled" in done.stdout
    for command in (("people", "list"), ("people", "show", name), ("--source", str(walk), "--speed", "0")):
        shown = own.run(*command)
        assert shown.returncode == 0, shown.stderr
        assert name in shown.stdout
    assert (
        own.run("record", str(tmp_path / "[" / "x].mcap"), "--source", str(walk), "--speed", "0").returncode
        == 0
    )


def test_ctrl_c_prints_the_final_lines_and_ends_all_processes(program: Program) -> None:
    with program.start("--source", "walkers:n=2,seed=11,walk=2", "--fpir", "off", "--json") as system:
        while system.line()["t"] < 2:
            pass
        children = system.children()
        assert {role for role in ("capture", "encoder", "matcher") if system.child(role)} == {
            "capture",
            "encoder",
            "matcher",
        }
        for process in (psutil.Process(system.process.pid), *children):
            assert process.net_connections("inet") == [], "no process may use the network"
        system.interrupt()
        lines = system.rest()
        assert system.wait() == 0, system.errors()
        assert sorted(line["track"] for line in lines if line["final"]) == [1, 2]
        _, alive = psutil.wait_procs(children, timeout=5)
        assert alive == []
        assert list(program.runtime.iterdir()) == []


def test_an_interrupted_replay_exits_with_130(program: Program, walks: dict[str, Path]) -> None:
    with program.start("--source", str(walks["both"]), "--json") as system:
        system.line()
        system.interrupt()
        assert any(line["final"] for line in system.rest())
        assert system.wait() == 130


def test_children_end_when_the_parent_is_killed(program: Program) -> None:
    with program.start("--source", "walkers:n=1", "--json") as system:
        system.line()
        children = system.children()
        assert len(children) == 3
        system.process.kill()
        _, alive = psutil.wait_procs(children, timeout=20)
        assert alive == []


def test_a_track_of_the_running_system_is_enrolled_named_and_removed(
    program: Program, tmp_path: Path
) -> None:
    own = Program(tmp_path / "own.db", program.runtime)
    with own.start("--source", "walkers:n=2,seed=11", "--fpir", "off", "--json") as system:
        while system.line()["t"] < 4:
            pass
        crowded = own.run("enroll", "Cleo", "--yes")
        assert crowded.returncode == 2
        assert "2 people are in view (tracks 1, 2)" in crowded.stderr
        early = own.run("enroll", "Cleo", "--track", "2", "--seconds", "60", "--yes")
        assert early.returncode == 2
        assert "at least 60 s are needed" in early.stderr
        done = own.run("enroll", "Cleo", "--track", "2", "--yes")
        assert done.returncode == 0, done.stderr
        while not ((line := system.line())["track"] == 2 and line["person"] == "Cleo"):
            assert line["t"] < 60
        renamed = own.run("people", "rename", "Cleo", " Cleopatra  VII ", "--yes")
        assert (renamed.returncode, renamed.stdout) == (0, "Cleo is now Cleopatra VII\n")
        assert own.run("people", "rename", "Cleopatra VII", "Cleopatra", "--yes").returncode == 0
        while not ((line := system.line())["track"] == 2 and line["person"] == "Cleopatra"):
            assert line["t"] < 60
        assert own.run("people", "remove", "Cleopatra", "--yes").returncode == 0
        while not ((line := system.line())["track"] == 2 and line["candidate"] is None):
            assert line["t"] < 90


def test_an_observer_sees_the_decisions(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from stream.system.observe import observe

    monkeypatch.setenv("SGE_RUNTIME_DIR", str(program.runtime))
    with program.start("--source", "walkers:n=1,seed=11", "--json") as system:
        system.line()
        (run,) = running()
        observed = next(iter(observe(run, timeout=20)))
        while system.line()["id"] != observed.id:
            pass


def test_live_from_python(gallery: Path, walks: dict[str, Path], runtime_dir: Path) -> None:
    from stream import Live

    with Live([str(walks["both"])], gallery=str(gallery), speed=0, fpir=None) as live:
        finals = {decision.track: decision.person for decision in live if decision.final}
    assert finals == {1: "Ada", 2: "Ben"}
    assert list(runtime_dir.iterdir()) == []


def test_hundreds_of_simulated_people_lose_no_window(program: Program) -> None:
    spec = "walkers:n=300,seed=5,seconds=0.4,live=0"
    tracker = Tracker(get_layout("kinect-v1"), levelling=Levelling())
    expected = 0
    with contextlib.closing(open_source(spec, speed=0)) as source, contextlib.suppress(EndOfSource):
        while (frame := source.read(10)) is not None:
            expected += len(tracker.push(frame).windows)
    expected += len(tracker.end().windows)
    done = program.run("--source", spec, "--speed", "0", "--json")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len([line for line in lines if line["latency_ms"] is not None]) == expected
    assert len([line for line in lines if line["final"]]) == 300


def test_a_config_file_sets_a_clip_and_a_module_of_the_same_name_in_its_folder_is_ignored(
    program: Program, walks: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "stream.py").write_text("raise SystemExit(3)")
    clip = f"{walks['ada'].as_posix()}#t=2,7"
    (tmp_path / "door.toml").write_text(f'sources = ["{clip}"]\nspeed = 0\nfpir = "off"\njson = true\n')
    done = program.run("--config", "door.toml", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[-1]["person"] == "Ada"
    assert all(2 <= line["t"] < 7 for line in lines)
