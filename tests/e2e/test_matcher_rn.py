"""`--matcher rn` through the real processes: the same words twice, nobody let in, changes followed."""

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
from tests.e2e.program import Program

VARYING = ("id", "time", "latency_ms")
NAMES = ("Ada", "Ben", "Cy")
WALKED = "walkers:n=4,seed=11,seconds=6,live=0"
ALL = f"{WALKED},walk=2"
"""Four simulated people, of whom three are enrolled by their first walk; as a file: every frame counts."""


@pytest.fixture(scope="module")
def galleries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the galleries `1.db` to `3.db`, which hold so many people."""
    folder = tmp_path_factory.mktemp("galleries")
    program = Program(folder / "g.db", folder / "run")
    for count, name in enumerate(NAMES, start=1):
        source = f"{WALKED},only={count}"
        done = program.run("enroll", name, "--source", source, "--speed", "0", "--yes")
        assert done.returncode == 0, done.stderr
        shutil.copy(folder / "g.db", folder / f"{count}.db")
    return folder


def program_with(galleries: Path, people: int, folder: Path) -> Program:
    """The program with a gallery of its own, of so many people."""
    shutil.copy(galleries / f"{people}.db", folder / "g.db")
    return Program(folder / "g.db", folder / "run")


@pytest.fixture
def program(galleries: Path, tmp_path: Path) -> Program:
    """The program, with three people enrolled."""
    return program_with(galleries, 3, tmp_path)


def replay(program: Program, *more: str) -> list[dict[str, Any]]:
    done = program.run("--source", ALL, "--speed", "0", "--json", *more)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [{key: value for key, value in line.items() if key not in VARYING} for line in lines]


def test_a_replay_waits_for_the_network_and_says_the_same_twice(program: Program) -> None:
    lines = replay(program, "--fpir", "off", "--matcher", "rn")
    assert lines == replay(program, "--fpir", "off", "--matcher", "rn")
    named = [line for line in lines if line["state"] == "person"]
    assert {line["reason"] for line in named} == {
        "best candidate; strangers are not told apart; chosen by f_RN among 3"
    }
    finals = {line["track"]: line["person"] for line in lines if line["final"]}
    assert {track: finals[track] for track in (1, 2, 3)} == dict(enumerate(NAMES, start=1))


def test_who_is_unknown_stays_unknown(program: Program) -> None:
    nearest = replay(program, "--fpir", "0.3", "--matcher", "nearest")
    reranked = replay(program, "--fpir", "0.3", "--matcher", "rn")
    assert [line["state"] for line in reranked] == [line["state"] for line in nearest]
    assert {line["state"] for line in nearest} == {"collecting", "unknown", "person"}
    for line, before in zip(reranked, nearest, strict=True):
        assert line == before or "; chosen by f_RN among" in line["reason"]


def test_with_one_person_there_is_nothing_to_wait_for_or_to_choose(galleries: Path, tmp_path: Path) -> None:
    lines = replay(program_with(galleries, 1, tmp_path), "--fpir", "off", "--matcher", "rn")
    named = [line for line in lines if line["state"] == "person"]
    assert {(line["person"], line["reason"]) for line in named} == {
        ("Ada", "best candidate; strangers are not told apart")
    }


def test_a_running_system_learns_who_comes_and_forgets_who_is_removed(program: Program) -> None:
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


def test_a_replay_during_which_somebody_is_removed_loses_nothing(program: Program) -> None:
    longer = ALL.replace("seconds=6", "seconds=15")
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
    # A file is never decided without the network of the gallery as it is.
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
    assert "go behind its name" in before_a_command.stderr
    with pytest.raises(UserError, match="--matcher: expected fusion, nearest or rn, got foo"):
        Live(["walkers:n=1"], matcher="foo")  # type: ignore[arg-type]
    config = tmp_path / "c.toml"
    config.write_text('matcher = "rn"')
    assert read_config(config).matcher == "rn"
    assert read_config(config).override(matcher="nearest").matcher == "nearest"
    config.write_text('matcher = "foo"')
    with pytest.raises(UserError, match="--matcher"):
        read_config(config)
