"""`--matcher rn` through the real processes: reproducible, rejects like `nearest`, follows the gallery."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gallery.store.gallery import open_gallery
from stream.capture.tracking import Tracker
from stream.errors import EndOfSource, UserError
from stream.skeleton import get_layout
from stream.sources import open_source
from stream.system.live import Live
from stream.system.settings import read_config
from tests.e2e.enrolled import enrol_recordings
from tests.e2e.program import Program, record

VARYING = ("id", "time", "latency_ms")
NAMES = ("Ada", "Ben", "Cy")
PEOPLE = "walkers:n=4,seed=11,seconds=6,live=0"
SECOND_WALK = f"{PEOPLE},walk=2"
"""Four simulated people, three of them enrolled; `live=0`: no frame is dropped."""


@pytest.fixture(scope="module")
def galleries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the galleries `1.db` to `3.db`, with 1 to 3 people."""
    folder = tmp_path_factory.mktemp("galleries")
    for count, name in enumerate(NAMES, start=1):
        walk = record(f"{PEOPLE},only={count}", folder / f"{name}.mcap")
        enrol_recordings(folder / "g.db", name, walk)
        shutil.copy(folder / "g.db", folder / f"{count}.db")
    return folder


def program_with(galleries: Path, people: int, folder: Path) -> Program:
    """Returns the program with its own gallery of `people` people."""
    shutil.copy(galleries / f"{people}.db", folder / "g.db")
    return Program(folder / "g.db", folder / "run")


@pytest.fixture
def program(galleries: Path, tmp_path: Path) -> Program:
    """The program with three people enrolled."""
    return program_with(galleries, 3, tmp_path)


def replay(program: Program, *more: str) -> list[dict[str, Any]]:
    done = program.run("--source", SECOND_WALK, "--speed", "0", "--json", *more)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [{key: value for key, value in line.items() if key not in VARYING} for line in lines]


def test_a_replay_waits_for_the_network_and_is_reproducible(program: Program) -> None:
    lines = replay(program, "--fpir", "off", "--matcher", "rn")
    assert lines == replay(program, "--fpir", "off", "--matcher", "rn")
    named = [line for line in lines if line["state"] == "person"]
    assert {line["reason"] for line in named} == {
        "best candidate; strangers are not rejected; chosen by f_RN among 3"
    }
    finals = {line["track"]: line["person"] for line in lines if line["final"]}
    assert {track: finals[track] for track in (1, 2, 3)} == dict(enumerate(NAMES, start=1))


def test_reranking_does_not_change_the_state(program: Program) -> None:
    nearest = replay(program, "--fpir", "0.3", "--matcher", "nearest")
    reranked = replay(program, "--fpir", "0.3", "--matcher", "rn")
    assert [line["state"] for line in reranked] == [line["state"] for line in nearest]
    assert {line["state"] for line in nearest} == {"collecting", "unknown", "person"}
    for line, before in zip(reranked, nearest, strict=True):
        assert line == before or "; chosen by f_RN among" in line["reason"]


def test_one_person_needs_no_network(galleries: Path, tmp_path: Path) -> None:
    lines = replay(program_with(galleries, 1, tmp_path), "--fpir", "off", "--matcher", "rn")
    named = [line for line in lines if line["state"] == "person"]
    assert {(line["person"], line["reason"]) for line in named} == {
        ("Ada", "best candidate; strangers are not rejected")
    }


def test_a_running_system_follows_enrolment_and_removal(program: Program) -> None:
    with program.start(
        "--source", "walkers:n=1,seed=12", "--fpir", "off", "--matcher", "rn", "--json"
    ) as system:
        while not (line := system.line())["reason"].endswith("chosen by f_RN among 3"):
            assert line["t"] < 250
        assert program.run("people", "remove", "Cy", "--yes").returncode == 0
        while not (line := system.line())["reason"].endswith("chosen by f_RN among 2"):
            assert line["t"] < 250
        for _ in range(10):
            line = system.line()
            assert line["candidate"] in ("Ada", "Ben")
            assert line["reason"].endswith("chosen by f_RN among 2")
        done = program.run("enroll", "Dee", "--yes")
        assert done.returncode == 0, done.stderr
        while not ((line := system.line())["candidate"] == "Dee" and "by f_RN among 3" in line["reason"]):
            assert line["t"] < 250


def test_a_removal_during_a_replay_loses_no_window(program: Program) -> None:
    longer = SECOND_WALK.replace("seconds=6", "seconds=15")
    with program.start("--source", longer, "--fpir", "off", "--matcher", "rn", "--json") as system:
        lines = [system.line()]
        with open_gallery(program.environment["SGE_GALLERY"]) as store:
            store.remove("Cy")
        lines += system.rest()
        assert system.wait() == 0, system.errors()
    tracker, windows = Tracker(get_layout("kinect-v1")), 0
    with contextlib.closing(open_source(longer, speed=0)) as source, contextlib.suppress(EndOfSource):
        while (frame := source.read(10)) is not None:
            windows += len(tracker.push(frame).windows)
    assert len([line for line in lines if line["latency_ms"] is not None]) == windows
    # A replay waits for the network of the current gallery.
    assert not any("in training" in line["reason"] for line in lines)
    assert all("chosen by f_RN among 2" in line["reason"] for line in lines if line["final"])
    assert not any(line["final"] and line["candidate"] == "Cy" for line in lines)


def test_an_unknown_matcher_is_refused(program: Program, tmp_path: Path) -> None:
    done = program.run("--source", "walkers:n=1", "--matcher", "foo")
    assert done.returncode == 2
    assert "--matcher: expected fusion, nearest or rn, got foo" in done.stderr
    assert "Traceback" not in done.stderr
    before_a_command = program.run("--matcher", "rn", "people", "list")
    assert before_a_command.returncode == 2
    assert "go after its name" in before_a_command.stderr
    with pytest.raises(UserError, match="--matcher: expected fusion, nearest or rn, got foo"):
        Live(["walkers:n=1"], matcher="foo")  # type: ignore[arg-type]
    config = tmp_path / "c.toml"
    config.write_text('matcher = "rn"')
    assert read_config(config).matcher == "rn"
    assert read_config(config).override(matcher="nearest").matcher == "nearest"
    config.write_text('matcher = "foo"')
    with pytest.raises(UserError, match="--matcher"):
        read_config(config)
